//! What a leaderboard says about each cell, before it is laid out.

use crate::record::{CellRecord, MetricValue, SCHEMA_VERSION, Status};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A leaderboard; `harness/schemas/leaderboard.schema.json` describes its JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leaderboard {
    /// The version of the records.
    pub schema_version: u32,
    /// A row a cell: by task and split, the best first, failed ones last.
    pub rows: Vec<Row>,
    /// What a reader of the numbers should know.
    pub notes: Vec<String>,
}

/// A row of a leaderboard. Metrics are fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The model.
    pub model: String,
    /// The task.
    pub task: String,
    /// Its version.
    pub task_version: u32,
    /// The split.
    pub split: String,
    /// The recipe, if the cell trained.
    pub recipe: Option<String>,
    /// The seed, if the cell has one.
    pub seed: Option<u64>,
    /// The cell.
    pub id: String,
    /// `done` or `failed`.
    pub status: &'static str,
    /// Why it failed, in short.
    pub cause: Option<String>,
    /// The metric that the table shows.
    pub primary_metric: String,
    /// All metrics.
    pub metrics: BTreeMap<String, MetricValue>,
    /// Rows that were scored.
    pub n: u64,
    /// Rows a second, forward alone.
    pub rows_per_second: Option<f64>,
    /// Tokens a second, forward alone.
    pub tokens_per_second: Option<f64>,
    /// The device.
    pub device: String,
    /// The precision.
    pub precision: String,
    /// Threads.
    pub threads: u32,
    /// Tokens a sequence at most.
    pub max_seq_len: u32,
    /// Only so many rows, if the run was limited.
    pub limit: Option<u64>,
    /// The plugin.
    pub plugin: String,
    /// Its version.
    pub plugin_version: String,
    /// Whether the data was the task's own.
    pub data_verified: bool,
    /// How the checkpoint was chosen.
    pub selection_policy: Option<String>,
    /// What a reader should know about this cell.
    pub warnings: Vec<String>,
}

impl Row {
    fn of(cell: &CellRecord) -> Self {
        let i = &cell.inputs;
        let (status, cause) = match &cell.status {
            Status::Done => ("done", None),
            Status::Failed { .. } => ("failed", Some(cell.status.label())),
        };
        Self {
            model: i.key.model.clone(),
            task: i.key.task.clone(),
            task_version: i.key.task_version,
            split: i.key.split.clone(),
            recipe: i.key.recipe.clone(),
            seed: i.key.seed,
            id: cell.id.clone(),
            status,
            cause,
            primary_metric: cell.primary_metric.clone(),
            metrics: cell.metrics.clone(),
            n: cell.n,
            rows_per_second: cell.throughput.rows_per_second,
            tokens_per_second: cell.throughput.tokens_per_second,
            device: i.device.clone(),
            precision: i.precision.clone(),
            threads: i.threads,
            max_seq_len: i.max_seq_len,
            limit: i.limit,
            plugin: i.plugin.name.clone(),
            plugin_version: i.plugin.version.clone(),
            data_verified: i.data.verified,
            selection_policy: cell.selection_policy.clone(),
            warnings: cell.warnings.clone(),
        }
    }

    /// The metric that the table shows; none for a cell that failed.
    pub fn primary(&self) -> Option<&MetricValue> {
        self.metrics.get(&self.primary_metric)
    }

    /// What a table has to say below itself about this row, with the row's name.
    fn notes(&self) -> Vec<String> {
        let name = format!("{} on {}/{}", self.model, self.task, self.split);
        let mut notes = Vec::new();
        if let Some(limit) = self.limit {
            notes.push(format!("{name}: the first {limit} rows only"));
        }
        if !self.data_verified {
            notes.push(format!(
                "{name}: the data is not the task's own (another SHA-256 or row count)"
            ));
        }
        notes.extend(self.warnings.iter().map(|w| format!("{name}: {w}")));
        notes
    }

    fn order(&self, other: &Self) -> Ordering {
        let place = |r: &Self| (r.task.clone(), r.split.clone());
        let value = |r: &Self| r.primary().map_or(f64::NEG_INFINITY, |m| m.value);
        place(self)
            .cmp(&place(other))
            .then_with(|| value(other).total_cmp(&value(self)))
            .then_with(|| self.model.cmp(&other.model))
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl Leaderboard {
    /// The leaderboard of some cells. A cell that is given twice counts once.
    pub fn of(cells: &[CellRecord]) -> Self {
        let mut rows: Vec<Row> = cells.iter().map(Row::of).collect();
        rows.sort_by(Row::order);
        rows.dedup_by(|a, b| a.id == b.id);
        let mut notes: Vec<String> = rows.iter().flat_map(Row::notes).collect();
        let mut seen = std::collections::BTreeSet::new();
        notes.retain(|n| seen.insert(n.clone()));
        Self { schema_version: SCHEMA_VERSION, rows, notes }
    }
}

/// The cells of a row as text, in the order of [`COLUMNS`]; percent, because tables are for people.
pub(super) fn texts(row: &Row) -> [String; COLUMNS.len()] {
    let dash = || "-".to_string();
    let speed = |v: Option<f64>| v.map_or_else(dash, crate::text::thousands);
    let (value, interval) = match (row.primary(), &row.cause) {
        (Some(m), _) => (
            format!("{:.2}", 100.0 * m.value),
            format!("{:.2} to {:.2}", 100.0 * m.ci_low, 100.0 * m.ci_high),
        ),
        (None, cause) => (cause.clone().unwrap_or_else(dash), dash()),
    };
    let mut model = row.model.clone();
    let recipe = row.recipe.as_ref().map(|r| format!("recipe {r}"));
    let details: Vec<String> =
        recipe.into_iter().chain(row.seed.map(|s| format!("seed {s}"))).collect();
    if !details.is_empty() {
        model.push_str(&format!(" ({})", details.join(", ")));
    }
    [
        model,
        row.task.clone(),
        row.split.clone(),
        row.primary_metric.clone(),
        value,
        interval,
        if row.n > 0 { row.n.to_string() } else { dash() },
        speed(row.rows_per_second),
        speed(row.tokens_per_second),
        row.device.clone(),
        row.precision.clone(),
        row.threads.to_string(),
        format!("{} {}", row.plugin, row.plugin_version),
    ]
}

/// The columns of a table.
pub(super) const COLUMNS: [&str; 13] = [
    "model",
    "task",
    "split",
    "metric",
    "value",
    "95% interval",
    "n",
    "rows/s",
    "tokens/s",
    "device",
    "precision",
    "threads",
    "plugin",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing;

    #[test]
    fn the_best_comes_first_and_failures_last() {
        let mut cells = Vec::new();
        for (model, value) in [("b", Some(0.8)), ("a", Some(0.9)), ("c", None)] {
            let mut cell = if value.is_some() { testing::done() } else { testing::failed() };
            cell.inputs.key.model = model.into();
            cell.id = format!("{:0>16}", cell.inputs.id().chars().take(8).collect::<String>());
            if let Some(metric) = cell.metrics.get_mut("accuracy") {
                metric.value = value.unwrap_or_default();
            }
            cells.push(cell);
        }
        cells.push(cells[0].clone());
        let board = Leaderboard::of(&cells);
        let order: Vec<&str> = board.rows.iter().map(|r| r.model.as_str()).collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert!(texts(&board.rows[2])[4].contains("SIGSEGV"), "{:?}", texts(&board.rows[2]));
    }
}
