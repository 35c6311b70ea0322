//! What of the runs is looked at.

use std::collections::BTreeSet;

use super::HistoryError;
use super::read::RunRecords;
use crate::record::{CellKey, CellRecord};

/// The measures of speed that are shown unless others are asked for: those that a comparison judges.
pub const SPEED_MEASURES: [&str; 5] = [
    "end_to_end_rows_per_second",
    "latency_p50_seconds",
    "latency_p99_seconds",
    "peak_rss_bytes",
    "peak_device_bytes",
];

/// Which series a history has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryOptions {
    /// Of these models; of all where there are none.
    pub models: Vec<String>,
    /// Of these tasks; of all where there are none.
    pub tasks: Vec<String>,
    /// Of these metrics and measures.
    pub metrics: MetricFilter,
    /// Only series that moved.
    pub changes_only: bool,
}

/// Which metrics and measures of speed a history has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MetricFilter {
    /// For each task the metric that ranks its models, and [`SPEED_MEASURES`].
    #[default]
    Primary,
    /// Those of these names.
    Named(Vec<String>),
    /// Each.
    All,
}

impl HistoryOptions {
    pub(super) fn takes(&self, key: &CellKey) -> bool {
        let among =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
        among(&self.models, &key.model) && among(&self.tasks, &key.task)
    }

    pub(super) fn takes_metric(&self, cell: &CellRecord, metric: &str) -> bool {
        match &self.metrics {
            MetricFilter::Primary => cell.primary_metric == metric,
            MetricFilter::Named(names) => names.iter().any(|name| name == metric),
            MetricFilter::All => true,
        }
    }

    pub(super) fn takes_measure(&self, measure: &str) -> bool {
        match &self.metrics {
            MetricFilter::Primary => SPEED_MEASURES.contains(&measure),
            MetricFilter::Named(names) => names.iter().any(|name| name == measure),
            MetricFilter::All => true,
        }
    }

    /// Whether the runs have what is asked for: an empty table would not tell a slip from an empty run.
    pub(super) fn check(&self, runs: &[RunRecords]) -> Result<(), HistoryError> {
        let cells = || runs.iter().flat_map(|run| &run.cells);
        let benches = || runs.iter().flat_map(|run| &run.benches);
        let keys =
            || cells().map(|cell| &cell.inputs.key).chain(benches().map(|bench| &bench.inputs.key));
        known("model", &self.models, keys().map(|key| key.model.as_str()).collect())?;
        known("task", &self.tasks, keys().map(|key| key.task.as_str()).collect())?;
        if let MetricFilter::Named(names) = &self.metrics {
            let metrics = cells().flat_map(|cell| cell.metrics.keys());
            let measures = benches().flat_map(|bench| bench.measures.keys());
            known("metric", names, metrics.chain(measures).map(String::as_str).collect())?;
        }
        Ok(())
    }
}

fn known(what: &'static str, asked: &[String], known: BTreeSet<&str>) -> Result<(), HistoryError> {
    match asked.iter().find(|name| !known.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(HistoryError::Unknown {
            what,
            name: name.clone(),
            known: known.into_iter().map(str::to_owned).collect(),
        }),
    }
}
