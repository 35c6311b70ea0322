//! One row of a leaderboard.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;

use super::super::grid::Column;
use super::super::number::{grouped, metric_name, metric_text, one_line, rate};
use super::less_is_better;
use crate::record::{Alternative, CellKey, CellRecord, MetricValue, SeedSpread, Status};

/// The columns of the table for people. The status is the last.
pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::text("Model"),
        Column::text("Task"),
        Column::text("Split").gives_way(8),
        Column::text("Metric").gives_way(7),
        Column::number("% [95% interval]"),
        Column::number("n"),
        Column::number("rows/s").gives_way(6),
        Column::number("tokens/s").gives_way(5),
        Column::text("Device").gives_way(4),
        Column::text("Precision").gives_way(3),
        Column::number("Threads").gives_way(1),
        Column::text("Plugin").gives_way(2),
        Column::text("Status"),
    ]
}

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
    /// What other policies would have given, in the metric that ranks it.
    pub alternatives: Vec<Alternative>,
    /// Whether the cell trained its model.
    #[serde(skip)]
    pub trained: bool,
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
            alternatives: (cell.training.as_ref())
                .map(|training| training.selection.alternatives.clone())
                .unwrap_or_default(),
            trained: cell.training.is_some(),
            warnings: cell.warnings.clone(),
        }
    }

    /// The row for people, with one of its metrics; `marks` refer to the notes below the table. `with_policy` says
    /// how the checkpoint of a trained model was chosen.
    pub(super) fn texts(&self, metric: &str, marks: &str, with_policy: bool) -> Vec<String> {
        let none = || "-".to_owned();
        let shown = self.metrics.get(metric);
        let value = shown.map_or_else(none, |found| {
            let text = |value| metric_text(metric, value);
            let interval = format!("[{}, {}]", text(found.ci_low), text(found.ci_high));
            let spread = found.seeds.iter().map(|s| format!(" ± {}", text(s.deviation)));
            format!("{}{} {interval}", text(found.value), spread.collect::<String>())
        });
        let details: Vec<String> = (self.key.recipe.iter().cloned())
            .chain(self.selection_policy.clone().filter(|_| with_policy && self.trained))
            .chain(self.key.seed.map(|seed| format!("seed {seed}")))
            .chain(self.seeds().map(|spread| format!("{} seeds", spread.seeds.len())))
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
            metric_name(metric),
            value,
            shown.map_or_else(none, |found| grouped(found.n)),
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

impl LeaderboardRow {
    /// The seeds that the row is the mean of.
    pub(super) fn seeds(&self) -> Option<&SeedSpread> {
        self.metrics.values().find_map(|metric| metric.seeds.as_ref())
    }
}

/// What is never ranked against each other: tasks, their versions and splits.
pub(crate) fn place(cell: &CellRecord) -> (&str, u32, &str) {
    let key = &cell.inputs.key;
    (&key.task, key.task_version, &key.split)
}

/// Within a task and a metric: the best first, failed cells last, and by name where equal.
pub(crate) fn order(a: &CellRecord, b: &CellRecord, metric: &str) -> Ordering {
    let value = |cell: &CellRecord| cell.metrics.get(metric).map(|metric| metric.value);
    let by_value = match (value(a), value(b)) {
        (Some(a), Some(b)) if less_is_better(metric) => a.total_cmp(&b),
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    by_value.then_with(|| a.inputs.key.cmp(&b.inputs.key)).then_with(|| a.id.cmp(&b.id))
}
