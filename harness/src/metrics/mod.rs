//! Metrics, each under its one name, each in a file of its own.
//!
//! A run and `kobench score` both call [`evaluate`], so the same predictions give the same bits.

mod accuracy;
mod classes;
mod observations;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use classes::Classes;
pub use observations::{IntervalOptions, LabelObservations, Observations, ScoreRows};

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
    /// Mean of the labels' F1.
    MacroF1,
    /// F1 over the pooled counts of all labels.
    MicroF1,
    /// Mean of the labels' F1, weighted by their support.
    WeightedF1,
    /// F1 of the positive label.
    BinaryF1,
    /// Area under the ROC curve of the positive label.
    Auroc,
    /// Mean negative log-likelihood of the gold label, in nats.
    LogLoss,
    /// Mean of the accuracies of the reference's batches, the last of which may be smaller.
    MeanBatchAccuracy,
    /// Pearson's correlation.
    Pearson,
    /// Spearman's rank correlation, ties with their average rank.
    Spearman,
    /// F1 over entities, lenient chunking; words that the model never saw count as predicted outside.
    EntityF1,
    /// The same with strict chunking: an entity begins with `B` and goes on with `I` of its type.
    EntityF1Strict,
    /// [`Metric::EntityF1`] without the words that the model never saw, as the reference has it.
    EntityF1Visible,
    /// Mean of the entity types' F1, strict chunking, as KLUE has it.
    EntityMacroF1,
    /// Mean of the labels' F1 over characters, without the outside label, as KLUE has it.
    CharacterMacroF1,
    /// Answers that are equal to a right one after KorQuAD's normalisation.
    ExactMatch,
    /// Overlap of characters with a right answer after KorQuAD's normalisation.
    CharF1,
}

impl Metric {
    /// Every metric, in the order in which tables show them.
    pub const ALL: [Self; 17] = [
        Self::Accuracy,
        Self::MacroF1,
        Self::MicroF1,
        Self::WeightedF1,
        Self::BinaryF1,
        Self::Auroc,
        Self::LogLoss,
        Self::MeanBatchAccuracy,
        Self::Pearson,
        Self::Spearman,
        Self::EntityF1,
        Self::EntityF1Strict,
        Self::EntityF1Visible,
        Self::EntityMacroF1,
        Self::CharacterMacroF1,
        Self::ExactMatch,
        Self::CharF1,
    ];

    /// Its name in YAML, in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro_f1",
            Self::MicroF1 => "micro_f1",
            Self::WeightedF1 => "weighted_f1",
            Self::BinaryF1 => "binary_f1",
            Self::Auroc => "auroc",
            Self::LogLoss => "log_loss",
            Self::MeanBatchAccuracy => "mean_batch_accuracy",
            Self::Pearson => "pearson",
            Self::Spearman => "spearman",
            Self::EntityF1 => "entity_f1",
            Self::EntityF1Strict => "entity_f1_strict",
            Self::EntityF1Visible => "entity_f1_visible",
            Self::EntityMacroF1 => "entity_macro_f1",
            Self::CharacterMacroF1 => "character_macro_f1",
            Self::ExactMatch => "exact_match",
            Self::CharF1 => "char_f1",
        }
    }

    /// Its value and 95% interval.
    ///
    /// # Errors
    /// [`MetricError::Empty`] when there is nothing to score.
    pub fn compute(self, classes: &Classes<'_>) -> Result<MetricValue, MetricError> {
        match self {
            Self::Accuracy => accuracy::accuracy(classes),
            _ => Err(MetricError::Empty),
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

/// Scores what a task's metrics ask for. `labels` are the data set's; rows of one cluster (one number a
/// row) share a source, so that intervals resample clusters, not rows.
///
/// # Errors
/// [`MetricError`], when gold and predictions differ in length, hold an index beyond the labels, or are
/// empty.
pub fn evaluate(
    task: &Task,
    labels: &[Label],
    observations: &Observations<'_>,
    clusters: Option<&[u32]>,
    intervals: &IntervalOptions,
) -> Result<Scores, MetricError> {
    let _ = (clusters, intervals);
    let Observations::Labels(rows) = observations else { return Err(MetricError::Empty) };
    let classes = Classes::new(labels.len(), rows.gold, rows.predicted)?;
    let compute = |metric: &Metric| Ok((metric.name().to_owned(), metric.compute(&classes)?));
    let metrics = task.metrics.iter().map(compute).collect::<Result<_, MetricError>>()?;
    let per_class =
        labels.iter().zip(classes.counts()).map(|(label, counts)| named(label, counts)).collect();
    Ok(Scores { n: rows.gold.len() as u64, metrics, per_class })
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
