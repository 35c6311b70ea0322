//! One row of a leaderboard.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;

use super::number::{grouped, one_line, percent, rate};
use crate::record::{CellKey, CellRecord, MetricValue, Status};

/// The columns of the table for people.
pub(super) const HEADER: [&str; 13] = [
    "Model",
    "Task",
    "Split",
    "Metric",
    "% [95% interval]",
    "n",
    "rows/s",
    "tokens/s",
    "Device",
    "Precision",
    "Threads",
    "Plugin",
    "Status",
];

/// Which columns hold numbers, and are aligned to the right.
pub(super) const NUMERIC: [usize; 5] = [4, 5, 6, 7, 10];

/// The column that says how a cell ended.
pub(super) const STATUS: usize = 12;

/// A cell as the leaderboard's JSON has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeaderboardRow {
    /// What the cell is about.
    #[serde(flatten)]
    pub key: CellKey,
    /// The cell's id.
    pub id: String,
    /// `done` or `failed`.
    pub status: &'static str,
    /// Why it failed, in short.
    pub cause: Option<String>,
    /// The metric that ranks it.
    pub primary_metric: String,
    /// All its metrics, as fractions.
    pub metrics: BTreeMap<String, MetricValue>,
    /// Rows scored.
    pub n: u64,
    /// Rows a second of forward time.
    pub rows_per_second: Option<f64>,
    /// Tokens a second of forward time.
    pub tokens_per_second: Option<f64>,
    /// Device.
    pub device: String,
    /// Precision.
    pub precision: String,
    /// Threads.
    pub threads: u32,
    /// Tokens an example at most.
    pub max_seq_len: u32,
    /// The limit on rows, when there was one.
    pub limit: Option<u64>,
    /// Plugin.
    pub plugin: String,
    /// Its version.
    pub plugin_version: String,
    /// Whether the data is what the task names.
    pub data_verified: bool,
    /// How the checkpoint was chosen.
    pub selection_policy: Option<String>,
    /// What a reader of the numbers should know.
    pub warnings: Vec<String>,
}

impl LeaderboardRow {
    pub(super) fn new(cell: &CellRecord) -> Self {
        let inputs = &cell.inputs;
        let (status, cause) = match &cell.status {
            Status::Done => ("done", None),
            Status::Failed { cause } => ("failed", Some(cause.label())),
        };
        Self {
            key: inputs.key.clone(),
            id: cell.id.clone(),
            status,
            cause,
            primary_metric: cell.primary_metric.clone(),
            metrics: cell.metrics.clone(),
            n: cell.n,
            rows_per_second: cell.throughput.rows_per_second,
            tokens_per_second: cell.throughput.tokens_per_second,
            device: inputs.device.clone(),
            precision: inputs.precision.clone(),
            threads: inputs.threads,
            max_seq_len: inputs.max_seq_len,
            limit: inputs.limit,
            plugin: inputs.plugin.name.clone(),
            plugin_version: inputs.plugin.version.clone(),
            data_verified: inputs.data.verified,
            selection_policy: cell.selection_policy.clone(),
            warnings: cell.warnings.clone(),
        }
    }

    /// The metric that ranks the cell.
    pub(super) fn primary(&self) -> Option<&MetricValue> {
        self.metrics.get(&self.primary_metric)
    }

    /// The row for people; `marks` refer to the notes below the table.
    pub(super) fn texts(&self, marks: &str) -> Vec<String> {
        let none = || "-".to_owned();
        let value = self.primary().map_or_else(none, |metric| {
            format!(
                "{} [{}, {}]",
                percent(metric.value),
                percent(metric.ci_low),
                percent(metric.ci_high)
            )
        });
        let details: Vec<String> = (self.key.recipe.iter().cloned())
            .chain(self.key.seed.map(|seed| format!("seed {seed}")))
            .collect();
        let model = if details.is_empty() {
            self.key.model.clone()
        } else {
            format!("{} ({})", self.key.model, details.join(", "))
        };
        let texts = vec![
            model,
            self.key.task.clone(),
            self.key.split.clone(),
            self.primary_metric.clone(),
            value,
            if self.primary().is_some() { grouped(self.n) } else { none() },
            self.rows_per_second.map_or_else(none, rate),
            self.tokens_per_second.map_or_else(none, rate),
            self.device.clone(),
            self.precision.clone(),
            self.threads.to_string(),
            format!("{} {}", self.plugin, self.plugin_version),
            format!("{}{marks}", self.cause.as_deref().unwrap_or("done")),
        ];
        texts.iter().map(|text| one_line(text)).collect()
    }
}

/// By task, version and split; then the best first, failed cells last, and by name where equal.
pub(super) fn order(a: &CellRecord, b: &CellRecord) -> Ordering {
    let place = |cell: &CellRecord| {
        let key = &cell.inputs.key;
        (key.task.clone(), key.task_version, key.split.clone())
    };
    let value =
        |cell: &CellRecord| cell.metrics.get(&cell.primary_metric).map(|metric| metric.value);
    let by_value = match (value(a), value(b)) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    place(a)
        .cmp(&place(b))
        .then(by_value)
        .then_with(|| a.inputs.key.cmp(&b.inputs.key))
        .then_with(|| a.id.cmp(&b.id))
}
