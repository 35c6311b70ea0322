//! What a plugin says about its family of models.

use std::collections::BTreeMap;
use std::path::Path;

use kobench_plugin_sdk::{self as sdk, Description, Error, Head, OptionDescription, Variant};

use super::find::trained_head;
use crate::config::{Architecture, ModelConfig};
use crate::context::Precision;
use crate::error::Result;
use crate::kernels::gemm::Unit;
use crate::model::Model;
use crate::tokenizer::{Preprocess, Tokenizer, TokenizerKind};

/// A family of models: everything that sets a plugin apart from the next one.
pub trait Family: 'static {
    /// The plugin's name.
    const NAME: &'static str;
    /// The plugin's version: `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One line for people.
    const SUMMARY: &'static str;
    /// The architecture of all its models.
    const ARCHITECTURE: Architecture;

    /// The tokeniser of all its models.
    const TOKENIZER: TokenizerKind;

    /// The models.
    fn variants() -> &'static [FamilyVariant];

    /// The plugin's own options. Names, and values where they are listed, are checked before any of
    /// the functions below sees them.
    fn options() -> Vec<OptionDescription> {
        Vec::new()
    }

    /// What to do to texts before tokenisation.
    ///
    /// # Errors
    /// Options that contradict each other.
    fn preprocess(_options: &Options) -> sdk::Result<Option<Preprocess>> {
        Ok(None)
    }

    /// The configuration as the options change it.
    ///
    /// # Errors
    /// Options that contradict each other or the configuration.
    fn configure(config: ModelConfig, _options: &Options) -> sdk::Result<ModelConfig> {
        Ok(config)
    }

    /// What people call the tokeniser.
    fn tokenizer_name() -> &'static str {
        Self::TOKENIZER.describe()
    }

    /// The tokeniser's files in a checkpoint's directory, as far as they are there; a saved model gets them too.
    fn tokenizer_files() -> Vec<&'static str> {
        let own = Self::TOKENIZER.files().iter().flat_map(|names| names.iter().copied());
        own.chain([
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
        ])
        .collect()
    }

    /// Opens the tokeniser in a checkpoint's directory, for sequences of up to `max_seq_len` tokens.
    ///
    /// # Errors
    /// Files that are missing or wrong.
    fn tokenizer(
        directory: &Path,
        max_seq_len: usize,
        _options: &Options,
    ) -> sdk::Result<Tokenizer> {
        Ok(Tokenizer::open(Self::TOKENIZER, directory, max_seq_len)?)
    }
}

/// Options of a plugin by name, as the user gave them.
pub type Options = BTreeMap<String, String>;

/// The option that names the unit which multiplies matrices.
const ISA: &str = "isa";

/// The option by which products of f32 on a device may round their operands to TF32.
const TF32: &str = "tf32";

/// The value of [`ISA`] that leaves the choice to the engine.
const AUTO: &str = "auto";

/// The unit that options ask for.
pub(super) fn isa(options: &Options) -> Option<&str> {
    options.get(ISA).map(String::as_str).filter(|name| *name != AUTO)
}

/// Whether options ask for TF32.
pub(super) fn tf32(options: &Options) -> bool {
    options.get(TF32).is_some_and(|value| value == "true")
}

/// The options of a family: its own, and those of the engine.
fn all_options<F: Family>() -> Vec<OptionDescription> {
    let mut all = F::options();
    all.push(OptionDescription {
        name: ISA.to_owned(),
        help: "the unit that multiplies matrices; auto is the fastest of this machine".to_owned(),
        values: [AUTO].into_iter().chain(Unit::NAMES).map(str::to_owned).collect(),
        default: AUTO.to_owned(),
    });
    all.push(OptionDescription {
        name: TF32.to_owned(),
        help:
            "on a GPU, let products of f32 round their operands to TF32: faster, and no longer f32"
                .to_owned(),
        values: ["false", "true"].map(str::to_owned).to_vec(),
        default: "false".to_owned(),
    });
    all
}

/// Refuses options that the family does not have.
pub(super) fn check_options<F: Family>(options: &Options) -> sdk::Result<()> {
    let known = all_options::<F>();
    let refuse = |message: String| Err(Error::invalid_argument(message));
    for (key, value) in options {
        let Some(option) = known.iter().find(|o| o.name == *key) else {
            let names: Vec<_> = known.iter().map(|o| format!("\"{}\"", o.name)).collect();
            return refuse(format!(
                "the plugin {} has no option \"{key}\"; it has {}",
                F::NAME,
                names.join(", ")
            ));
        };
        if !option.values.is_empty() && !option.values.contains(value) {
            return refuse(format!(
                "option {key} is \"{value}\"; it may be {}",
                option.values.join(", ")
            ));
        }
    }
    Ok(())
}

/// One model of a family.
#[derive(Debug, Clone, Copy)]
pub struct FamilyVariant {
    /// The name that a user types.
    pub name: &'static str,
    /// Where its weights are published.
    pub hub_id: Option<&'static str>,
    /// The revision of `hub_id` that is meant, if not the main one.
    pub revision: Option<&'static str>,
    /// Bytes of the published weights file, as exactly as they are known: published sizes are in
    /// whole MiB.
    pub size_bytes: Option<u64>,
    /// Licence of the weights.
    pub licence: &'static str,
    /// Its config.json, from which size and longest sequence are computed.
    pub config: &'static [u8],
    /// Weights that the plugin carries, one for each task that they were trained for.
    pub bundles: &'static [Bundle],
}

impl FamilyVariant {
    /// A model that is published under `hub_id`.
    pub const fn published(
        name: &'static str,
        hub_id: &'static str,
        licence: &'static str,
        config: &'static [u8],
    ) -> Self {
        Self {
            name,
            hub_id: Some(hub_id),
            revision: None,
            size_bytes: None,
            licence,
            config,
            bundles: &[],
        }
    }

    /// A model that is part of the plugin: `config` is its shape, and `bundles` are its weights by task.
    pub const fn bundled(
        name: &'static str,
        licence: &'static str,
        config: &'static [u8],
        bundles: &'static [Bundle],
    ) -> Self {
        let (mut bytes, mut index) = (0, 0);
        while index < bundles.len() {
            bytes += bundles[index].weights.len() as u64;
            index += 1;
        }
        let size_bytes = if bundles.is_empty() { None } else { Some(bytes) };
        Self { name, hub_id: None, revision: None, size_bytes, licence, config, bundles }
    }

    /// The same model with a published size in MiB.
    #[must_use]
    pub const fn mib(mut self, size: u64) -> Self {
        self.size_bytes = Some(size << 20);
        self
    }

    /// The same model at another revision than the main one.
    #[must_use]
    pub const fn revision(mut self, revision: &'static str) -> Self {
        self.revision = Some(revision);
        self
    }
}

/// A model inside the plugin.
#[derive(Debug, Clone, Copy)]
pub struct Bundle {
    /// The task that the weights were trained for, by which a request names them.
    pub task: &'static str,
    /// config.json
    pub config: &'static [u8],
    /// model.safetensors
    pub weights: &'static [u8],
    /// The tokeniser's files by name; the same for all bundles of a variant.
    pub tokenizer: &'static [(&'static str, &'static [u8])],
}

/// The [`Bundle`]s of tasks whose config.json and model.safetensors are in the folders `demo/TASK` of the crate that
/// writes this; before them, the tokeniser's files: `demo_bundles!(FILES => "nsmc", "korsts")`.
#[macro_export]
macro_rules! demo_bundles {
    ($tokenizer:expr => $($task:literal),+ $(,)?) => {
        &[$($crate::plugin::Bundle {
            task: $task,
            config: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/demo/",
                $task,
                "/config.json"
            )),
            weights: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/demo/",
                $task,
                "/model.safetensors"
            )),
            tokenizer: $tokenizer,
        }),+]
    };
}

/// The JSON document of `describe`.
pub(super) fn describe<F: Family>() -> Description {
    let mut description = Description::new(F::NAME, F::VERSION);
    description.summary = F::SUMMARY.to_owned();
    description.options = all_options::<F>();
    description.precisions =
        [Precision::F32, Precision::Bf16].map(|p| p.name().to_owned()).to_vec();
    description.devices = ["cpu"].map(str::to_owned).to_vec();
    if cfg!(feature = "cuda") {
        description.devices.push("cuda".to_owned());
    }
    description.trains = true;
    F::variants().iter().fold(description, |d, v| d.variant(variant::<F>(v)))
}

/// The heads that a model can be opened with: a bundled one has those which its weights were trained with,
/// and no other.
fn heads<F: Family>(v: &FamilyVariant) -> Vec<Head> {
    let trained: Vec<Head> = v.bundles.iter().filter_map(trained_head::<F>).collect();
    let all = F::ARCHITECTURE.heads().iter().copied();
    all.filter(|head| v.bundles.is_empty() || trained.is_empty() || trained.contains(head))
        .collect()
}

/// Refuses a head that the description does not list.
pub(super) fn check_head<F: Family>(v: &FamilyVariant, head: Head) -> sdk::Result<()> {
    let heads = heads::<F>(v);
    if heads.contains(&head) {
        return Ok(());
    }
    let names: Vec<&str> = heads.iter().map(|head| head.name()).collect();
    Err(Error::unsupported(format!(
        "{} has no {} head; it has {}",
        v.name,
        head.name(),
        names.join(", ")
    )))
}

fn variant<F: Family>(v: &FamilyVariant) -> Variant {
    let config: Result<_> = ModelConfig::from_json(F::ARCHITECTURE, v.config, v.name);
    let config = config.ok();
    let heads = heads::<F>(v);
    Variant {
        hub_id: v.hub_id.map(str::to_owned),
        parameters: config.as_ref().map(|c| Model::trunk_parameters(c) as u64),
        revision: v.revision.map(str::to_owned),
        size_bytes: v.size_bytes,
        licence: v.licence.to_owned(),
        tokenizer: F::tokenizer_name().to_owned(),
        max_seq_len: config.and_then(|c| u32::try_from(c.max_seq_len).ok()),
        heads: heads.iter().map(|head| head.name().to_owned()).collect(),
        bundled: !v.bundles.is_empty(),
        tasks: v.bundles.iter().map(|bundle| bundle.task.to_owned()).collect(),
        ..Variant::new(v.name, F::ARCHITECTURE.name())
    }
}
