//! What the rows of a cell came to: enough for each of its metrics, without the texts of the data.

use super::SideKind;

/// The rows of a cell, in dataset order.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Whether it was read from a run or from a baseline.
    pub from: SideKind,
    /// Index of each row in the dataset.
    pub index: Vec<u64>,
    /// The rows' own ids, where the dataset has ids; a baseline does not keep them.
    pub ids: Option<Vec<String>>,
    /// For each row the source that it shares with others, where rows do.
    pub clusters: Option<Vec<u32>>,
    /// Gold and predictions.
    pub rows: Rows,
}

/// Gold and predictions.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// One label a row, as indices into the cell's labels.
    Labels {
        /// Gold.
        gold: Vec<u32>,
        /// Predicted.
        predicted: Vec<u32>,
        /// `[rows * labels]` logits, where a metric of the task needs them.
        scores: Option<Vec<f64>>,
    },
    /// One real number a row.
    Values {
        /// Gold.
        gold: Vec<f64>,
        /// Predicted.
        predicted: Vec<f64>,
    },
    /// One label a word; those of row `r` are `[starts[r]..starts[r + 1]]`.
    Tags {
        /// `[rows + 1]`
        starts: Vec<usize>,
        /// Gold.
        gold: Vec<u32>,
        /// Predicted; none for words that the model never saw.
        predicted: Vec<Option<u32>>,
    },
    /// One answer a row: what it is worth.
    Answers {
        /// Whether it is equal to a right one after the normalisation.
        exact: Vec<bool>,
        /// The best overlap of its characters with a right one.
        char_f1: Vec<f64>,
        /// The answers' texts, `(gold, predicted)`, where they are known: a baseline does not keep them.
        texts: Option<Vec<(String, String)>>,
    },
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Labels { gold, .. } => gold.len(),
            Self::Values { gold, .. } => gold.len(),
            Self::Tags { starts, .. } => starts.len().saturating_sub(1),
            Self::Answers { exact, .. } => exact.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
