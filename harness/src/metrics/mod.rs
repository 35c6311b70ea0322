//! Metrics, each under its one name, each in a file of its own.
//!
//! A run and `kobench score` both call [`evaluate`], so the same predictions give the same bits.

mod accuracy;
mod classes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use classes::Classes;

use crate::hint::Hint;
use crate::record::{MetricValue, PerClass};
use crate::task::{Label, Task};

/// The metrics that kobench knows; their names in YAML and in records are in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// Right predictions among all.
    Accuracy,
}

impl Metric {
    /// Every metric, in the order in which tables show them.
    pub const ALL: [Self; 1] = [Self::Accuracy];

    /// Its name in YAML, in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
        }
    }

    /// Its value and 95% interval.
    ///
    /// # Errors
    /// [`MetricError::Empty`] when there is nothing to score.
    pub fn compute(self, classes: &Classes<'_>) -> Result<MetricValue, MetricError> {
        match self {
            Self::Accuracy => accuracy::accuracy(classes),
        }
    }
}

/// What scoring gives for one set of predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Rows scored.
    pub n: u64,
    /// The task's metrics by name.
    pub metrics: BTreeMap<String, MetricValue>,
    /// Counts for each label, in the task's order.
    pub per_class: Vec<PerClass>,
}

/// Scores label indices (into the task's labels) against the gold ones, row by row.
///
/// # Errors
/// [`MetricError`], when the two differ in length, hold an index beyond the labels, or are empty.
pub fn evaluate(task: &Task, gold: &[u32], predicted: &[u32]) -> Result<Scores, MetricError> {
    let classes = Classes::new(task.labels.len(), gold, predicted)?;
    let compute = |metric: &Metric| Ok((metric.name().to_owned(), metric.compute(&classes)?));
    let metrics = task.metrics.iter().map(compute).collect::<Result<_, MetricError>>()?;
    let per_class = task
        .labels
        .iter()
        .zip(classes.counts())
        .map(|(label, counts)| named(label, counts))
        .collect();
    Ok(Scores { n: gold.len() as u64, metrics, per_class })
}

fn named(label: &Label, counts: classes::Counts) -> PerClass {
    PerClass {
        label: label.id.clone(),
        name: label.name.clone(),
        support: counts.support,
        predicted: counts.predicted,
        correct: counts.correct,
    }
}

/// Predictions that cannot be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// No rows.
    #[error("there are no rows to score")]
    Empty,
    /// Gold and predictions do not pair up.
    #[error("{predicted} predictions for {gold} rows")]
    Lengths {
        /// Gold rows.
        gold: usize,
        /// Predictions.
        predicted: usize,
    },
    /// A label index beyond the labels.
    #[error("row {row}: label index {index}, but the task has {labels} labels")]
    Index {
        /// Index of the row, from 0.
        row: usize,
        /// The label index.
        index: u32,
        /// Number of labels.
        labels: usize,
    },
}

impl Hint for MetricError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Empty => Some(
                "a limit of 0, or a split in which every row was skipped, leaves none".to_owned(),
            ),
            Self::Lengths { .. } => {
                Some("every row needs one prediction, in the order of the dataset".to_owned())
            }
            Self::Index { .. } => {
                Some("the model has more outputs than the task has labels".to_owned())
            }
        }
    }
}
