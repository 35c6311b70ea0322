//! Scoring the predictions of any system.

mod error;
mod join;
mod read;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

pub use error::ScoreError;
pub use join::JoinedBy;

use crate::data::Dataset;
use crate::error::Error;
use crate::metrics::{self, IntervalOptions, LabelObservations, Observations};
use crate::record::{DataInfo, MetricValue, PerClass, PerEntity, SCHEMA_VERSION};
use crate::task::Task;

/// Which columns of a CSV or TSV file are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableColumns {
    /// The column with the row's id; `id` when there is one and nothing is said.
    pub id: Option<String>,
    /// The column with the predicted label; `pred` when nothing is said.
    pub pred: Option<String>,
}

/// What `kobench score --format json` prints; `harness/schemas/score.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The task.
    pub task: String,
    /// Its version.
    pub task_version: u32,
    /// The split; null for gold labels that are none of the task's splits.
    pub split: Option<String>,
    /// The gold labels.
    pub gold: DataInfo,
    /// The predictions.
    pub predictions: ScoredFile,
    /// Rows that were scored.
    pub n: u64,
    /// Metrics by name, as fractions.
    pub metrics: BTreeMap<String, MetricValue>,
    /// Counts for each label.
    pub per_class: Vec<PerClass>,
    /// Counts and F1 for each type of entity; for tasks that have entities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub per_entity: Vec<PerEntity>,
    /// What a reader of the numbers should know.
    pub warnings: Vec<String>,
}

/// The predictions that were scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoredFile {
    /// The file.
    pub file: String,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Rows in it.
    pub rows: u64,
    /// How its rows found theirs in the data.
    pub joined_by: JoinedBy,
}

/// Scores the predictions in `path` against the gold labels of `data`, which must be of `task`.
///
/// The file is JSONL (`{"i", "id", "pred"}`, as a run writes it), CSV or TSV with a header, or plain
/// text with one label a line. Rows are joined by id where both sides have ids, else by index, else
/// by line. The same predictions give the same bits as the run that made them.
///
/// # Errors
/// [`ScoreError`]: an unreadable file, and rows that are missing, doubled, unknown or have unknown
/// labels, counted, with the first few of them.
pub fn score(
    task: &Task,
    data: &Dataset,
    path: &Path,
    columns: &TableColumns,
) -> Result<ScoreReport, Error> {
    let file = read::read(path, columns)?;
    let joined = join::join(task, data, &file.rows, path)?;
    let observations = Observations::Labels(LabelObservations {
        gold: &data.gold_labels(),
        predicted: &joined.labels,
        scores: None,
    });
    let intervals = IntervalOptions::default();
    let scores =
        metrics::evaluate(task, data.labels(), &observations, data.clusters(), &intervals)?;
    let mut warnings = data.warnings().to_vec();
    if !data.info().verified && warnings.is_empty() {
        warnings.push("the gold labels are not a file that the task names".to_owned());
    }
    if (data.len() as u64) < data.info().rows {
        warnings.push(format!(
            "only the first {} of {} rows were scored",
            data.len(),
            data.info().rows
        ));
    }
    warnings.extend(scores.notes);
    Ok(ScoreReport {
        schema_version: SCHEMA_VERSION,
        task: task.name.clone(),
        task_version: task.version,
        split: (!data.split().is_empty()).then(|| data.split().to_owned()),
        gold: data.info().clone(),
        predictions: ScoredFile {
            file: path.display().to_string(),
            sha256: file.sha256,
            rows: file.rows.len() as u64,
            joined_by: joined.by,
        },
        n: scores.n,
        metrics: scores.metrics,
        per_class: scores.per_class,
        per_entity: scores.per_entity,
        warnings,
    })
}

#[cfg(test)]
mod tests;
