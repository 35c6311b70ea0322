//! Everything that decides a training run besides model, data and seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EvaluateEvery, Loss, Optimizer, Schedule, Select};

/// The settings of one training run. Unknown keys are errors; what a file leaves out is as [`Default`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Passes over the training rows; 0.5 is half a pass.
    pub epochs: f64,
    /// Steps of the optimiser, in place of `epochs`.
    pub max_steps: Option<u64>,
    /// Sequences a batch.
    pub batch_size: u32,
    /// Batches whose gradients make one step of the optimiser.
    pub accumulate: u32,
    /// The largest learning rate.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises from 0. Either this or `warmup_proportion`.
    pub warmup_steps: Option<u64>,
    /// The share of all steps over which the learning rate rises from 0.
    pub warmup_proportion: Option<f64>,
    /// What the learning rate does after that.
    pub schedule: Schedule,
    /// Tokens a sequence at most, special tokens included; in a recipe none is the task's.
    pub max_seq_len: Option<u32>,
    /// Tokens from one window of a context to the next; in a recipe none is the task's.
    pub doc_stride: Option<u32>,
    /// Tokens of a question that are kept; in a recipe none is the task's.
    pub max_question_len: Option<u32>,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The loss; none is cross-entropy, and the mean squared error for real targets.
    pub loss: Option<Loss>,
    /// The largest norm of all gradients together; larger ones are scaled down to it.
    pub clip_norm: Option<f64>,
    /// Tensors whose names begin so stay as they are.
    pub freeze: Vec<String>,
    /// Each layer's learning rate is this times that of the layer above it.
    pub layer_decay: Option<f64>,
    /// Whether activations are computed again in the backward pass, in place of kept.
    pub activation_checkpointing: bool,
    /// What is computed in: `f32`, `bf16`, or `auto`; none is what the run says.
    pub precision: Option<String>,
    /// What weights are saved in: `f32`, `f16` or `bf16`.
    pub save_dtype: Option<String>,
    /// When checkpoints are scored.
    pub evaluate_every: EvaluateEvery,
    /// Which checkpoint is taken.
    pub select: Select,
    /// The share of the training rows that is held out, by the seed, where the task has no development split
    /// besides the one that is reported.
    pub dev_fraction: Option<f64>,
    /// The split that is trained on.
    pub train_split: String,
    /// The split that checkpoints are chosen on.
    pub dev_split: String,
    /// The first so many rows of the training split alone.
    pub train_limit: Option<u64>,
    /// Whether the order of the training rows is drawn anew for each epoch, by the seed; else it is the file's.
    pub shuffle: bool,
    /// Options of the plugin.
    pub plugin_options: BTreeMap<String, String>,
    /// The seed where the command line gives none.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epochs: 3.0,
            max_steps: None,
            batch_size: 32,
            accumulate: 1,
            learning_rate: 5e-5,
            warmup_steps: None,
            warmup_proportion: None,
            schedule: Schedule::default(),
            max_seq_len: None,
            doc_stride: None,
            max_question_len: None,
            optimizer: Optimizer::default(),
            loss: None,
            clip_norm: None,
            freeze: Vec::new(),
            layer_decay: None,
            activation_checkpointing: false,
            precision: None,
            save_dtype: None,
            evaluate_every: EvaluateEvery::default(),
            select: Select::default(),
            dev_fraction: None,
            train_split: "train".to_owned(),
            dev_split: "dev".to_owned(),
            train_limit: None,
            shuffle: true,
            plugin_options: BTreeMap::new(),
            seed: 42,
        }
    }
}

impl Settings {
    /// The document of `train_begin` (harness/schemas/train-begin.schema.json).
    pub fn plugin_json(&self) -> Value {
        let mut document = Map::new();
        let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
        put("optimizer", value_of(&self.optimizer));
        if let Some(loss) = &self.loss {
            put("loss", value_of(loss));
        }
        put("clip_norm", value_of(&self.clip_norm));
        if !self.freeze.is_empty() {
            put("freeze", value_of(&self.freeze));
        }
        if let Some(decay) = self.layer_decay {
            put("layer_decay", decay.into());
        }
        if self.activation_checkpointing {
            put("activation_checkpointing", true.into());
        }
        if let Some(dtype) = &self.save_dtype {
            put("save_dtype", dtype.as_str().into());
        }
        Value::Object(document)
    }
}

/// The value without the members of objects that are null.
fn value_of(value: &impl Serialize) -> Value {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => {
            Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
        }
        Ok(value) => value,
        // Settings are numbers, texts and lists of them; none of these can fail.
        Err(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{AdamVariant, FocalReading};
    use serde_json::json;

    #[test]
    fn what_is_not_said_is_not_sent() {
        assert_eq!(
            Settings::default().plugin_json(),
            json!({
                "optimizer": {"name": "adamw", "variant": "torch", "betas": [0.9, 0.999], "eps": 1e-8,
                              "weight_decay": 0.0, "no_decay": ["bias", "LayerNorm.weight"]},
                "clip_norm": null
            })
        );
    }

    #[test]
    fn all_that_is_said_is_sent() {
        let settings: Settings = serde_yaml::from_str(
            "optimizer: {name: adalomo, fused: false}\nloss: {name: focal, reading: sigmoid, mean: elements}\n\
             clip_norm: 1.0\nfreeze: [bert.embeddings]\nlayer_decay: 0.9\nactivation_checkpointing: true\n\
             save_dtype: bf16\nevaluate_every: 100\nselect: last\nwarmup_steps: 100\n",
        )
        .expect("valid");
        assert_eq!(settings.evaluate_every, EvaluateEvery::Steps(100));
        assert_eq!(
            settings.plugin_json(),
            json!({
                "optimizer": {"name": "adalomo", "decay_rate": -0.8, "eps": [1e-30, 1e-3],
                              "clip_threshold": 1.0, "weight_decay": 0.0, "fused": false},
                "loss": {"name": "focal", "reading": "sigmoid", "gamma": 2.0, "alpha": 0.25, "mean": "elements"},
                "clip_norm": 1.0, "freeze": ["bert.embeddings"], "layer_decay": 0.9,
                "activation_checkpointing": true, "save_dtype": "bf16"
            })
        );
        assert!(matches!(settings.loss, Some(Loss::Focal { reading: FocalReading::Sigmoid, .. })));
        let value = serde_json::to_value(&settings).expect("JSON");
        assert_eq!(serde_json::from_value::<Settings>(value).expect("read again"), settings);
    }

    #[test]
    fn keys_and_names_that_do_not_exist_are_refused() {
        for wrong in [
            "learning_rates: 1",
            "optimizer: {name: adam}",
            "optimizer: {name: adamw, epsilon: 1}",
            "loss: {name: mse, gamma: 2}",
            "evaluate_every: often",
            "select: best",
        ] {
            assert!(serde_yaml::from_str::<Settings>(wrong).is_err(), "{wrong}");
        }
        let hf: Settings =
            serde_yaml::from_str("optimizer: {name: adamw, variant: huggingface, eps: 1e-7}")
                .expect("valid");
        assert!(matches!(
            hf.optimizer,
            Optimizer::AdamW { variant: AdamVariant::HuggingFace, eps, .. } if eps == 1e-7
        ));
    }
}
