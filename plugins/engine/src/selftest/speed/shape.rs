//! A model to measure.

use kobench_plugin_sdk::Head;
use serde_json::{Value, json};

use crate::config::{Architecture, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::model::Model;

/// A model of a real size, without weights.
#[derive(Debug)]
pub struct Shape {
    /// What users call it.
    pub name: &'static str,
    /// Its architecture.
    pub architecture: Architecture,
    /// config.json
    pub config: &'static [u8],
    /// Classes of its head.
    pub labels: usize,
    /// Rows of a training step, unless a user says otherwise.
    pub batch: u64,
    /// Whether it is trained with AdaLomo, since AdamW's moments would not fit beside it.
    pub adalomo: bool,
}

impl Shape {
    /// The model with new weights.
    ///
    /// # Errors
    /// As [`Model::from_scratch`].
    pub(super) fn model(&self, seed: u64, ctx: Context) -> Result<Model> {
        let mut config = ModelConfig::from_json(self.architecture, self.config, self.name)?;
        config.num_labels = self.labels;
        Model::from_scratch(config, Head::Sequence, seed, ctx)
    }

    /// The optimiser's name, and the document of `train_begin`.
    pub(super) fn training(&self) -> (&'static str, Value) {
        match self.adalomo {
            true => ("adalomo", json!({"optimizer": {"name": "adalomo"}})),
            false => (
                "adamw",
                json!({"optimizer": {"name": "adamw", "weight_decay": 0.0}, "clip_norm": 1.0}),
            ),
        }
    }
}
