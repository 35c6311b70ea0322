//! Two systems on the same rows: how far apart a metric is, and how certain that is.
//!
//! Every metric is brought into one form: each unit (a row, or a cluster of rows) has a vector for either system, and the
//! metric is a function of the sum of one system's vectors. Then
//! - the **test** exchanges the two vectors of units at random ([`crate::stats::paired_permutation`]); for proportions of
//!   independent rows it is McNemar's, which is the same without drawing;
//! - the **interval** of the difference is a percentile bootstrap over units, drawn with the same weights for both systems,
//!   or where that would take long the normal one around the linearised difference; for proportions Bonett and Price's.
//!
//! Ranks are no such sums. For Spearman's correlation and the area under the ROC curve each system keeps the ranks that it
//! gave: exchanging them is exchanging answers on a common scale, and two models' outputs need not have one. The effect of
//! a row on the ranks of the others is in the linearised difference ([`correlation`], [`auroc`]).

mod auroc;
mod correlation;
mod estimate;
mod labels;
mod sums;
mod words;

pub use estimate::{Estimate, IntervalMethod, POWER, TestMethod};

use super::observations::ScoreRows;
use super::{Metric, MetricError};
use crate::stats::Clusters;
use crate::task::{Label, Task};
use sums::Sums;

/// Gold and the predictions of two systems, the base's first. All have one entry a row.
#[derive(Debug, Clone)]
pub enum PairedRows<'a> {
    /// One label a row.
    Labels {
        /// Gold label indices.
        gold: &'a [u32],
        /// Predicted label indices.
        predicted: [&'a [u32]; 2],
        /// The models' numbers for the labels, where they are known.
        scores: [Option<ScoreRows<'a>>; 2],
    },
    /// One real number a row.
    Values {
        /// Gold values.
        gold: &'a [f64],
        /// Predicted values.
        predicted: [&'a [f64]; 2],
    },
    /// One label a word.
    Tags {
        /// Gold label indices, a slice a row.
        gold: Vec<&'a [u32]>,
        /// Predicted label indices; none for words that the model never saw.
        predicted: [Vec<&'a [Option<u32>]>; 2],
    },
    /// One answer a row: what it is worth.
    Answers {
        /// Whether it is equal to a right one.
        exact: [&'a [bool]; 2],
        /// The best overlap of its characters with a right one.
        char_f1: [&'a [f64]; 2],
    },
}

impl PairedRows<'_> {
    fn lengths(&self) -> [usize; 2] {
        match self {
            Self::Labels { predicted, .. } => predicted.map(<[u32]>::len),
            Self::Values { predicted, .. } => predicted.map(<[f64]>::len),
            Self::Tags { predicted, .. } => [predicted[0].len(), predicted[1].len()],
            Self::Answers { exact, .. } => exact.map(<[bool]>::len),
        }
    }
}

/// A metric of two systems.
#[derive(Debug)]
pub struct Paired {
    metric: Metric,
    sums: Sums,
}

impl Paired {
    /// Brings `metric` into the form that it is tested in; none where the rows do not hold what it needs (scores, say).
    ///
    /// # Errors
    /// [`MetricError`], when the two systems differ in length, hold an index beyond the labels, or the metric makes no sense
    /// for them.
    pub fn new(
        metric: Metric,
        task: &Task,
        labels: &[Label],
        rows: &PairedRows<'_>,
        clusters: Option<&Clusters>,
    ) -> Result<Option<Self>, MetricError> {
        let [base, new] = rows.lengths();
        if base != new {
            return Err(MetricError::Lengths { gold: base, predicted: new });
        }
        if base == 0 {
            return Err(MetricError::Empty);
        }
        let of = Of { metric, task, labels, clusters };
        let sums = match rows {
            PairedRows::Labels { gold, predicted, scores } => {
                labels::of_labels(of, gold, predicted, scores)?
            }
            PairedRows::Values { gold, predicted } => labels::of_values(of, gold, predicted)?,
            PairedRows::Tags { gold, predicted } => Some(words::of_tags(of, gold, predicted)?),
            PairedRows::Answers { exact, char_f1 } => Some(labels::of_answers(of, exact, char_f1)?),
        };
        Ok(sums.map(|sums| Self { metric, sums }))
    }

    /// The metric.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The metric's values, the base's first.
    pub fn values(&self) -> [f64; 2] {
        self.sums.values()
    }

    /// Independent units: rows, or clusters of them.
    pub fn units(&self) -> usize {
        self.sums.units()
    }
}

/// What is asked of a family of metrics.
#[derive(Clone, Copy)]
struct Of<'a> {
    metric: Metric,
    task: &'a Task,
    labels: &'a [Label],
    clusters: Option<&'a Clusters>,
}

impl Of<'_> {
    fn unfit(self, reason: &str) -> MetricError {
        MetricError::Unfit { metric: self.metric.name(), reason: reason.to_owned() }
    }

    /// Index of the positive label among those of the data set.
    fn positive(self) -> Result<u32, MetricError> {
        let positive = self.task.scoring.positive.as_ref();
        let index = self.labels.iter().position(|label| Some(&label.id) == positive);
        index
            .map(|index| index as u32)
            .ok_or_else(|| self.unfit("`scoring.positive` is none of the data set's labels"))
    }
}

#[cfg(test)]
mod calibration_tests;
#[cfg(test)]
mod tests;
