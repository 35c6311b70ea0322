//! What a plugin says about itself: the JSON document of `describe`.

use serde::{Deserialize, Serialize};

/// A plugin, with the models that it knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The plugin's name, for instance `kcbert`.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// One line for people.
    #[serde(default)]
    pub summary: String,
    /// The models.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Devices that this build can use: `cpu`, `cuda`.
    #[serde(default = "cpu")]
    pub devices: Vec<String>,
    /// Precisions that this build can compute in, the default first: `f32`, `bf16`.
    #[serde(default = "f32_only")]
    pub precisions: Vec<String>,
    /// Whether the training calls do something.
    #[serde(default)]
    pub trains: bool,
    /// Whether the call `selftest` does something. Such a plugin may have no models.
    #[serde(default)]
    pub selftest: bool,
    /// Options that `tokenizer_open` and `model_open` take.
    #[serde(default)]
    pub options: Vec<OptionDescription>,
}

/// A model that a plugin can open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The name that a user types, for instance `kcbert-base`; unique over all plugins.
    pub name: String,
    /// The architecture, for instance `bert`.
    pub architecture: String,
    /// Where its weights are published, for instance `beomi/kcbert-base`.
    #[serde(default)]
    pub hub_id: Option<String>,
    /// The revision of `hub_id` that the plugin was written for.
    #[serde(default)]
    pub revision: Option<String>,
    /// Trainable parameters, heads not included.
    #[serde(default)]
    pub parameters: Option<u64>,
    /// Bytes of the published weights file.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// Licence of the weights, as an SPDX expression or a name.
    #[serde(default)]
    pub licence: String,
    /// The tokeniser, for people.
    #[serde(default)]
    pub tokenizer: String,
    /// The longest sequence, special tokens included.
    #[serde(default)]
    pub max_seq_len: Option<u32>,
    /// Heads: `sequence`, `token`, `span`.
    #[serde(default)]
    pub heads: Vec<String>,
    /// Whether the weights are part of the plugin, so that no checkpoint is needed.
    #[serde(default)]
    pub bundled: bool,
    /// The tasks that the bundled weights were trained for.
    #[serde(default)]
    pub tasks: Vec<String>,
}

/// An option of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionDescription {
    /// The key.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub help: String,
    /// The values it takes; empty: any.
    #[serde(default)]
    pub values: Vec<String>,
    /// The value where none is given.
    #[serde(default)]
    pub default: String,
}

fn cpu() -> Vec<String> {
    vec!["cpu".into()]
}
fn f32_only() -> Vec<String> {
    vec!["f32".into()]
}

impl Description {
    /// A plugin without models, for the CPU and f32.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: String::new(),
            variants: Vec::new(),
            devices: cpu(),
            precisions: f32_only(),
            trains: false,
            selftest: false,
            options: Vec::new(),
        }
    }

    /// Adds a model.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.variants.push(variant);
        self
    }
}

impl Variant {
    /// A model with a sequence head and bundled weights; set the fields that differ.
    pub fn new(name: &str, architecture: &str) -> Self {
        Self {
            name: name.into(),
            architecture: architecture.into(),
            hub_id: None,
            revision: None,
            parameters: None,
            size_bytes: None,
            licence: String::new(),
            tokenizer: String::new(),
            max_seq_len: None,
            heads: vec!["sequence".into()],
            bundled: true,
            tasks: Vec::new(),
        }
    }
}
