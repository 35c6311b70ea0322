//! What scoring reports.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{JoinedBy, Outcome, Predictions, Scoring};
use crate::published::Against;
use crate::record::{DataInfo, MetricValue, PerClass, PerEntity, SCHEMA_VERSION};

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
    /// Metrics by name, as fractions. Where a reference prints 100 * sum / n, as KorQuAD's evaluation does,
    /// 100 * (sum / n) may differ from it in the last bit.
    pub metrics: BTreeMap<String, MetricValue>,
    /// Counts for each label.
    pub per_class: Vec<PerClass>,
    /// Counts and F1 for each type of entity; for tasks that have entities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub per_entity: Vec<PerEntity>,
    /// What was published for the model that the predictions are said to be of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<Against>,
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
    /// How it was read.
    pub format: &'static str,
    /// Rows in it.
    pub rows: u64,
    /// How its rows found theirs in the data.
    pub joined_by: JoinedBy,
    /// Questions without an answer, which count as wrong; see `--allow-missing`.
    pub missing: u64,
}

impl Scoring<'_> {
    /// Puts the report together. The only place that takes a [`crate::metrics::Scores`] apart.
    pub(super) fn report(
        &self,
        outcome: Outcome,
        (predictions, sha256): (&Predictions<'_>, String),
        (gold, split): (DataInfo, Option<String>),
        mut warnings: Vec<String>,
    ) -> ScoreReport {
        let Outcome { scores, joined, warnings: more } = outcome;
        warnings.extend(more);
        warnings.extend(scores.notes);
        ScoreReport {
            schema_version: SCHEMA_VERSION,
            task: self.task.name.clone(),
            task_version: self.task.version,
            split,
            gold,
            predictions: ScoredFile {
                file: self.file.path.display().to_string(),
                sha256,
                format: self.format.name(),
                rows: predictions.rows.len() as u64,
                joined_by: joined.by,
                missing: joined.missing,
            },
            n: scores.n,
            metrics: scores.metrics,
            per_class: scores.per_class,
            per_entity: scores.per_entity,
            published: vec![],
            warnings,
        }
    }
}
