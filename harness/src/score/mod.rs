//! Scoring any system's predictions against a task's gold labels.
//!
//! Nothing is guessed: predictions that are missing, doubled, unknown or of no label are errors that count
//! and name them.

mod error;
mod join;
mod read;

pub use error::ScoreError;
pub use join::{JoinedBy, join};
pub use read::{Columns, Prediction, read};

use crate::data::Dataset;
use crate::metrics::{Scores, evaluate};
use crate::record::{DataInfo, MetricValue, PerClass, SCHEMA_VERSION};
use crate::task::Task;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What predictions came to; `harness/schemas/score.schema.json` describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The version of the records.
    pub schema_version: u32,
    /// The task.
    pub task: String,
    /// Its version.
    pub task_version: u32,
    /// The split; none where gold labels were given as a file.
    pub split: Option<String>,
    /// The gold labels.
    pub gold: DataInfo,
    /// The predictions.
    pub predictions: PredictionsFile,
    /// Rows that were scored.
    pub n: u64,
    /// The task's metrics.
    pub metrics: BTreeMap<String, MetricValue>,
    /// Counts of each label.
    pub per_class: Vec<PerClass>,
    /// What a reader of the numbers should know.
    pub warnings: Vec<String>,
}

/// The file of the predictions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PredictionsFile {
    /// As it was named.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its rows.
    pub rows: u64,
    /// How its rows found theirs.
    pub joined_by: JoinedBy,
}

/// Scores the predictions in a file.
///
/// # Errors
/// See [`ScoreError`].
pub fn score(
    task: &Task,
    split: Option<&str>,
    gold: &Dataset,
    predictions: &Path,
    columns: &Columns,
) -> Result<Score, ScoreError> {
    let bytes = std::fs::read(predictions)
        .map_err(|source| ScoreError::Io { path: predictions.into(), source })?;
    let rows = read(&bytes, predictions, columns)?;
    let (predicted, joined_by) = join(task, gold, &rows, predictions)?;
    let Scores { n, metrics, per_class } = evaluate(task, &gold.gold(), &predicted)?;
    Ok(Score {
        schema_version: SCHEMA_VERSION,
        task: task.name.clone(),
        task_version: task.version,
        split: split.map(ToString::to_string),
        gold: gold.info().clone(),
        predictions: PredictionsFile {
            file: predictions.display().to_string(),
            sha256: crate::digest::sha256_hex(&bytes),
            rows: rows.len() as u64,
            joined_by,
        },
        n,
        metrics,
        per_class,
        warnings: gold.warnings().to_vec(),
    })
}
