//! KcBERT (base, large, and the bundled demo) as a kobench plugin.
//!
//! Lee 2020, "KcBERT: Korean comments BERT": BERT with a cased WordPiece vocabulary of 30,000
//! pieces and 300 positions. The published scores were made without [`clean`]; it is an option.

mod clean;
mod table;

use std::collections::BTreeMap;

use kobench_engine::encoder::Architecture;
use kobench_engine::plugin::{Bundle, EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::Preprocess;
use kobench_plugin_sdk::{Error, OptionDescription, Result, export_plugin};

struct KcBert;

static VARIANTS: [FamilyVariant; 3] = [
    FamilyVariant {
        name: "kcbert-base",
        hub_id: Some("beomi/kcbert-base"),
        size_bytes: Some(438_218_004),
        licence: "MIT",
        config: include_bytes!("../configs/kcbert-base.json"),
        bundle: None,
        tasks: &[],
    },
    FamilyVariant {
        name: "kcbert-large",
        hub_id: Some("beomi/kcbert-large"),
        size_bytes: None,
        licence: "MIT",
        config: include_bytes!("../configs/kcbert-large.json"),
        bundle: None,
        tasks: &[],
    },
    FamilyVariant {
        name: "kcbert-demo",
        hub_id: None,
        size_bytes: Some(include_bytes!("../kcbert-demo/model.safetensors").len() as u64),
        licence: "MIT OR Apache-2.0",
        config: include_bytes!("../kcbert-demo/config.json"),
        bundle: Some(Bundle {
            vocab: include_bytes!("../kcbert-demo/vocab.txt"),
            weights: include_bytes!("../kcbert-demo/model.safetensors"),
        }),
        tasks: &["nsmc"],
    },
];

impl Family for KcBert {
    const NAME: &'static str = "kcbert";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "KcBERT: BERT pre-trained on Korean news comments";
    const ARCHITECTURE: Architecture = Architecture::Bert;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }

    fn options() -> Vec<OptionDescription> {
        vec![OptionDescription {
            name: "clean".into(),
            help: "which version of KcBERT's clean() edits the text before tokenisation; the \
                   published scores were made without it"
                .into(),
            values: clean::VERSIONS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            default: "none".into(),
        }]
    }

    fn preprocess(options: &BTreeMap<String, String>) -> Result<Option<Preprocess>> {
        if let Some(key) = options.keys().find(|k| *k != "clean") {
            return Err(Error::invalid_argument(format!(
                "the plugin kcbert has no option \"{key}\"; it has \"clean\""
            )));
        }
        let wanted = options.get("clean").map_or("none", String::as_str);
        clean::by_name(wanted).ok_or_else(|| {
            let known: Vec<&str> = clean::VERSIONS.iter().map(|(name, _)| *name).collect();
            Error::invalid_argument(format!(
                "option clean is \"{wanted}\"; it may be {}",
                known.join(", ")
            ))
        })
    }
}

export_plugin!(EnginePlugin<KcBert>);
