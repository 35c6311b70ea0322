//! What is scored: what is right and what was predicted, row by row, for each kind of task.

use crate::task::Kind;

/// Gold and predictions of one data set. All slices have one entry a row, in dataset order.
#[derive(Debug, Clone, PartialEq)]
pub enum Observations<'a> {
    /// One label a row.
    Labels(LabelObservations<'a>),
    /// One real number a row.
    Values {
        /// Gold values.
        gold: &'a [f64],
        /// Predicted values.
        predicted: &'a [f64],
    },
    /// One label a word.
    Tags {
        /// Gold label indices, a slice a row.
        gold: Vec<&'a [u32]>,
        /// Predicted label indices, as many a row; none for words that the model never saw.
        predicted: Vec<&'a [Option<u32>]>,
    },
    /// One answer a row.
    Answers {
        /// Right answers, each of which counts.
        gold: Vec<Vec<&'a str>>,
        /// The predicted answer; none for a question without one.
        predicted: Vec<Option<&'a str>>,
    },
}

/// One label a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelObservations<'a> {
    /// Gold label indices.
    pub gold: &'a [u32],
    /// Predicted label indices.
    pub predicted: &'a [u32],
    /// The model's numbers for the labels, where they are known.
    pub scores: Option<ScoreRows<'a>>,
}

/// A number a row and label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRows<'a> {
    /// `[rows * labels]`
    pub values: &'a [f64],
    /// Whether they are logits (before the softmax) or probabilities.
    pub are_logits: bool,
}

impl Observations<'_> {
    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Labels(labels) => labels.gold.len(),
            Self::Values { gold, .. } => gold.len(),
            Self::Tags { gold, .. } => gold.len(),
            Self::Answers { gold, .. } => gold.len(),
        }
    }

    /// The kind of task that they are of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Labels(_) => Kind::SequenceClassification,
            Self::Values { .. } => Kind::SequenceRegression,
            Self::Tags { .. } => Kind::TokenClassification,
            Self::Answers { .. } => Kind::ExtractiveQa,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How intervals are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntervalOptions {
    /// What the resampling follows from: the same seed gives the same interval, whatever the number of
    /// threads.
    pub seed: u64,
    /// Resamples of a bootstrap.
    pub resamples: u32,
}

impl Default for IntervalOptions {
    fn default() -> Self {
        Self { seed: 0, resamples: 10_000 }
    }
}
