//! What a task says about its scoring beyond the names of its metrics.

use serde::{Deserialize, Serialize};

/// What metrics need to know of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scoring {
    /// Id of the label that `binary_f1` and `auroc` are about.
    pub positive: Option<String>,
    /// Real values at or above it are of class 1, others of class 0: for the classification metrics of a
    /// regression.
    pub threshold: Option<f64>,
    /// Smallest and largest gold value of a regression; others are errors of the data.
    pub range: Option<[f64; 2]>,
    /// Where the `B` and `I` of a word's label stand.
    pub tags: TagScheme,
    /// Rows a batch of the reference, for `mean_batch_accuracy`.
    pub batch_size: Option<u32>,
}

/// Where the `B` and `I` of a word's label stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagScheme {
    /// `B-PER`
    #[default]
    Prefix,
    /// `PER-B`
    Suffix,
}

/// How questions about a context are answered; the reference's values are the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QaOptions {
    /// Tokens from the start of one window to that of the next.
    pub doc_stride: u32,
    /// Tokens of the question that are kept.
    pub max_question_len: u32,
    /// Tokens of an answer at most.
    pub max_answer_len: u32,
    /// Starts and ends that are considered a window.
    pub n_best: u32,
}

impl Default for QaOptions {
    fn default() -> Self {
        Self { doc_stride: 128, max_question_len: 64, max_answer_len: 30, n_best: 20 }
    }
}
