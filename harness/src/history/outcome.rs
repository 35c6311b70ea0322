//! What a history comes to: the document that its outputs are made of.

use serde::{Deserialize, Serialize};

use crate::record::CellKey;

/// Numbers of several runs in the order of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// [`super::HISTORY_VERSION`].
    pub schema_version: u32,
    /// The runs, oldest first.
    pub runs: Vec<HistoryRun>,
    /// One a cell's key (or measurement of speed) and metric.
    pub series: Vec<Series>,
    /// What a reader should know, one sentence each.
    pub notes: Vec<String>,
}

/// A run of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRun {
    /// Its directory.
    pub path: String,
    /// When it was made, RFC 3339 UTC.
    pub created_at: String,
    /// The kobench that made it.
    pub kobench_version: String,
    /// Revision of that kobench's source.
    #[serde(default)]
    pub git_revision: Option<String>,
}

/// One metric of one cell, run after run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What it is about.
    #[serde(flatten)]
    pub key: CellKey,
    /// [`CellKey::label`].
    pub label: String,
    /// What tells it from the other series of the same key and metric, for instance `64 tokens`; none where there are
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The scenario, for measures of speed; none for metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The metric, for instance `accuracy`, or the measure, for instance `rows_per_second`.
    pub metric: String,
    /// Whether a larger value is a better one.
    pub higher_is_better: bool,
    /// Whether it is a fraction, to be shown in percent.
    pub is_fraction: bool,
    /// Oldest first.
    pub points: Vec<Point>,
    /// Where it moved, oldest first.
    pub changes: Vec<Change>,
    /// Of the last stretch without a change: the slope a run by Theil and Sen, where there are enough runs.
    #[serde(default)]
    pub trend: Option<Trend>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Index into [`History::runs`].
    pub run: usize,
    /// The value.
    pub value: f64,
    /// Lower end of its interval, where it has one.
    #[serde(default)]
    pub ci_low: Option<f64>,
    /// Upper end.
    #[serde(default)]
    pub ci_high: Option<f64>,
    /// Id of the cell or of the measurement.
    pub id: String,
}

/// A point from which on the values are others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Index into [`Series::points`]: the first of the new values.
    pub at: usize,
    /// Median of the values since the change before.
    pub before: f64,
    /// Median of the values up to the next change.
    pub after: f64,
    /// p-value of the change, corrected for looking everywhere.
    pub p_value: f64,
    /// Whether it is for the better.
    pub is_better: bool,
    /// Which of what decides the numbers is other than at the point before: `weights`, `plugin`, ...
    pub changed_inputs: Vec<String>,
}

/// A trend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Change of the value from one run to the next.
    pub slope: f64,
    /// p-value of no trend (Mann and Kendall).
    pub p_value: f64,
}
