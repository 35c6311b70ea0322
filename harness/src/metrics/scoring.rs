//! What every family of metrics is given, and what it gives.

use std::collections::BTreeMap;

use super::{IntervalOptions, Metric, MetricError};
use crate::record::{MetricValue, PerClass, PerEntity};
use crate::stats::{Clusters, Weighted, bootstrap_95, normal_95, wilson_95};
use crate::task::{Label, Task};

/// Units below which a bootstrap interval is known to be too narrow.
const FEW_UNITS: usize = 20;

/// Independent rows above which a standard error, where one is known, takes the place of a bootstrap: both
/// give the same interval there, and the bootstrap takes seconds.
const MANY_ROWS: u64 = 20_000;

/// What scoring gives for one set of predictions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    /// Rows scored.
    pub n: u64,
    /// The task's metrics by name. Those for which something is missing are left out, and named in
    /// `notes`.
    pub metrics: BTreeMap<String, MetricValue>,
    /// Counts for each label, in the task's order; over words where each word has a label.
    pub per_class: Vec<PerClass>,
    /// Counts and F1 for each type of entity, by name. They are chunked as the task's first metric over
    /// entities has it, the ranking one first.
    pub per_entity: Vec<PerEntity>,
    /// What a reader of the numbers should know, one sentence each.
    pub notes: Vec<String>,
}

/// What every family of metrics is given.
pub(super) struct Scoring<'a> {
    pub(super) task: &'a Task,
    pub(super) labels: &'a [Label],
    pub(super) clusters: Option<Clusters>,
    pub(super) intervals: &'a IntervalOptions,
    pub(super) scores: Scores,
}

impl Scoring<'_> {
    pub(super) fn note(&mut self, note: String) {
        if !self.scores.notes.contains(&note) {
            self.scores.notes.push(note);
        }
    }

    /// A metric that cannot be given.
    pub(super) fn leave_out(&mut self, metric: Metric, reason: &str) {
        self.note(format!("{metric} is left out: {reason}"));
    }

    /// Index of the positive label among those of the data set.
    pub(super) fn positive(&self, metric: Metric) -> Result<u32, MetricError> {
        let positive = self.task.scoring.positive.as_ref();
        let index = self.labels.iter().position(|label| Some(&label.id) == positive);
        index.map(|index| index as u32).ok_or_else(|| MetricError::Unfit {
            metric: metric.name(),
            reason: "`scoring.positive` is none of the data set's labels".to_owned(),
        })
    }

    /// `successes` among the rows, with Wilson's interval where they are independent; `statistic` is the
    /// same proportion for resampling clusters.
    pub(super) fn proportion(
        &mut self,
        metric: Metric,
        successes: u64,
        n: u64,
        statistic: &impl Weighted,
    ) {
        let value = successes as f64 / n as f64;
        if self.clusters.is_some() {
            return self.resampled(metric, value, statistic);
        }
        let (ci_low, ci_high) = wilson_95(successes, n);
        let method = "wilson".to_owned();
        let value = MetricValue {
            value,
            ci_low,
            ci_high,
            n,
            method,
            resamples: None,
            clusters: None,
            seeds: None,
        };
        self.scores.metrics.insert(metric.name().to_owned(), value);
    }

    /// Whether there are so many independent rows that a standard error serves.
    pub(super) fn has_many_rows(&self) -> bool {
        self.clusters.is_none() && self.scores.n > MANY_ROWS
    }

    /// A value with the interval of its standard error; `method` says where that is from.
    pub(super) fn normal(&mut self, metric: Metric, value: f64, standard_error: f64, method: &str) {
        let (low, high) = normal_95(value, standard_error);
        let (least, most) = metric.range();
        let value = MetricValue {
            value,
            ci_low: low.max(least),
            ci_high: high.min(most),
            n: self.scores.n,
            method: method.to_owned(),
            resamples: None,
            clusters: None,
            seeds: None,
        };
        self.scores.metrics.insert(metric.name().to_owned(), value);
    }

    /// A value with its bootstrap interval. The interval is made to hold the value, which percentiles of a
    /// biased statistic in a small sample need not.
    pub(super) fn resampled(&mut self, metric: Metric, value: f64, statistic: &impl Weighted) {
        let n = self.scores.n;
        let clusters = self.clusters.as_ref().map(|clusters| clusters.count() as u64);
        let method = if clusters.is_some() { "cluster_bootstrap" } else { "bootstrap" }.to_owned();
        let interval = bootstrap_95(statistic, self.intervals.seed, self.intervals.resamples);
        let units = statistic.group_of().len();
        let unit = if clusters.is_some() { "clusters" } else { "rows" };
        let (low, high, resamples) = match interval {
            Some(interval) => {
                if interval.degenerate {
                    self.note(format!(
                        "every resample gave the same {metric}: its interval says nothing"
                    ));
                } else if units < FEW_UNITS {
                    self.note(format!(
                        "the interval of {metric} is from {units} {unit} only, and likely too narrow"
                    ));
                }
                (interval.low, interval.high, interval.resamples)
            }
            None => {
                let (low, high) = metric.range();
                self.note(format!(
                    "{metric} is defined on no resample: its interval is the whole range"
                ));
                (low, if high.is_finite() { high } else { f64::MAX }, 0)
            }
        };
        let value = MetricValue {
            value,
            ci_low: low.min(value),
            ci_high: high.max(value),
            n,
            method,
            resamples: Some(resamples),
            clusters,
            seeds: None,
        };
        self.scores.metrics.insert(metric.name().to_owned(), value);
    }
}
