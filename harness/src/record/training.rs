//! What a record says of a model that the cell trained itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::task::Part;

/// What decides a training, as part of a cell's inputs. The seed and the recipe's name are in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FineTuneInputs {
    /// Version of the recipe.
    pub recipe_version: u32,
    /// The settings after all overrides.
    pub settings: Value,
    /// Whether every weight was new, not only the head.
    pub from_scratch: bool,
    /// The rows that were trained on.
    pub train: TrainingRows,
    /// The rows that checkpoints were chosen by, or could have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<TrainingRows>,
}

/// Rows of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRows {
    /// The split.
    pub split: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Rows that were used.
    pub rows: u64,
    /// The rows of the file that the split is, where it is not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Where a share of the rows was drawn by the seed: whether these are the ones that were held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<bool>,
}

/// How a cell's model was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The recipe.
    pub recipe: RecipeRecord,
    /// Sequences that were trained on: rows, or windows of contexts.
    pub sequences: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Passes over the sequences.
    pub epochs: f64,
    /// Loss of the last step.
    pub final_loss: f64,
    /// Which checkpoint the numbers are of.
    pub selection: SelectionRecord,
    /// Every evaluation on the way.
    pub evaluations: Vec<EvaluationRecord>,
    /// The chosen model.
    pub model: TrainedModel,
    /// The log of the steps.
    pub log: String,
    /// Speed of the training steps.
    pub throughput: TrainingThroughput,
    /// Steps from which the training went on after it had been interrupted.
    #[serde(default)]
    pub resumed_from: Vec<u64>,
}

/// Where the settings of a training came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeRecord {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Who published it.
    pub source: String,
    /// Assumptions and choices, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Which checkpoint was chosen, and by what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectionRecord {
    /// `last`, `best_on_dev` or `best_on_test`.
    pub policy: String,
    /// Steps that the chosen checkpoint had been trained for.
    pub step: u64,
    /// The metric that it was chosen by.
    pub metric: String,
    /// Its value on the split that it was chosen by; none where none was.
    #[serde(default)]
    pub value: Option<f64>,
    /// What a reader should know of the policy.
    #[serde(default)]
    pub caveat: Option<String>,
    /// What the other policies would have given on the reported split, as far as it was looked at.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
}

/// What another policy would have given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// The policy.
    pub policy: String,
    /// The step that it would have chosen.
    pub step: u64,
    /// The metric's value on the reported split.
    pub value: f64,
}

/// One evaluation during the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// After so many steps.
    pub step: u64,
    /// After so many passes over the data.
    pub epoch: f64,
    /// The split, or the held out part of the training split as `SPLIT (held out)`.
    pub split: String,
    /// The metric.
    pub metric: String,
    /// Its value.
    pub value: f64,
}

/// The chosen model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedModel {
    /// Its directory within the cell's; none where it was not kept.
    #[serde(default)]
    pub directory: Option<String>,
    /// SHA-256 over its files, as a checkpoint's.
    pub sha256: String,
}

/// Speed of a training.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingThroughput {
    /// Sequences a second of the steps' time.
    pub rows_per_second: Option<f64>,
    /// Tokens a second of the steps' time.
    pub tokens_per_second: Option<f64>,
    /// Seconds in the steps.
    pub step_seconds: f64,
    /// Seconds in evaluations on the way.
    pub evaluate_seconds: f64,
    /// Seconds in the tokeniser.
    pub tokenize_seconds: f64,
    /// The highest resident set of the worker while it trained, if the system says.
    #[serde(default)]
    pub peak_rss_bytes: Option<u64>,
    /// The most memory of the device that was in use while it trained, evaluations on the way included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_device_bytes: Option<u64>,
    /// Model FLOPs utilisation of the steps: three forward passes' operations a step (one forward, one backward of twice
    /// as many), whether or not activations were computed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfu: Option<f64>,
    /// Tokens of a part at most, where batches did not fit into the device's memory and were computed in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_batch_tokens: Option<u64>,
}

/// A line of the training log: one optimiser step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingStep {
    /// From 1.
    pub step: u64,
    /// Passes over the data after it.
    pub epoch: f64,
    /// Mean loss of its batches.
    pub loss: f64,
    /// Learning rate.
    pub lr: f64,
    /// Global norm of the gradients before clipping; none where the plugin does not say.
    pub grad_norm: Option<f64>,
    /// Sequences.
    pub rows: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Seconds.
    pub seconds: f64,
    /// Parts that it was computed in, where a batch did not fit into the device's memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u64>,
}
