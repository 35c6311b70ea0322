//! The record of one cell: what ran, how it ended, what it scored and what it cost.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CellInputs, SeedSpread, Telemetry, TrainingRecord};

/// One cell, as `cells/ID/cell.json` holds it. The inputs and the status are flattened into it, so
/// `model`, `task`, `split` and `status` are members of the top level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// [`CellInputs::id`].
    pub id: String,
    /// What decided the numbers.
    #[serde(flatten)]
    pub inputs: CellInputs,
    /// How the cell ended.
    #[serde(flatten)]
    pub status: Status,
    /// Rows that were scored; 0 in a failed cell.
    pub n: u64,
    /// Label ids in the task's order; empty for tasks without labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The metric that ranks cells of this task, by its name.
    pub primary_metric: String,
    /// Metrics by their name, for instance `accuracy`; empty in a failed cell.
    #[serde(default)]
    pub metrics: BTreeMap<String, MetricValue>,
    /// Counts for each label, in the order of `labels`.
    #[serde(default)]
    pub per_class: Vec<PerClass>,
    /// Counts and F1 for each type of entity, by name; for tasks that have entities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_entity: Vec<PerEntity>,
    /// Speed.
    #[serde(default)]
    pub throughput: Throughput,
    /// Peak memory.
    #[serde(default)]
    pub memory: Memory,
    /// What the GPU did meanwhile, where the cell ran on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
    /// What the tokeniser reported.
    #[serde(default)]
    pub tokens: Tokens,
    /// What the numbers were computed on.
    #[serde(default)]
    pub backend: Backend,
    /// How the weights were chosen among checkpoints, for instance `checkpoint as given`.
    #[serde(default)]
    pub selection_policy: Option<String>,
    /// How the model was trained, where the cell did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// The predictions beside the record; none in a failed cell.
    #[serde(default)]
    pub predictions: Option<PredictionsFile>,
    /// What a reader of the numbers should know, one sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The last lines that the plugin printed, when it printed any.
    #[serde(default)]
    pub plugin_output: Option<String>,
    /// Start, RFC 3339 UTC.
    pub started_at: String,
    /// End, RFC 3339 UTC.
    pub finished_at: String,
    /// Seconds from start to end.
    pub wall_seconds: f64,
}

impl CellRecord {
    /// Whether the cell has numbers.
    pub fn is_done(&self) -> bool {
        self.status == Status::Done
    }
}

/// How a cell ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// The cell has numbers.
    Done,
    /// The cell has none.
    Failed {
        /// Why.
        cause: Cause,
    },
}

impl Status {
    /// `done`, or the cause in short: `crashed: SIGSEGV`.
    pub fn label(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Failed { cause } => cause.label(),
        }
    }
}

/// Why a cell has no numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// What happened.
    #[serde(flatten)]
    pub kind: CauseKind,
    /// What was being done, for instance `open`, `encode` or `forward`.
    #[serde(default)]
    pub stage: Option<String>,
    /// The whole message, for a person.
    pub detail: String,
}

/// The kinds of failure that are told apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CauseKind {
    /// The plugin died by a signal of its own making.
    Crashed {
        /// Name of the signal, for instance `SIGSEGV`.
        signal: String,
    },
    /// The plugin ended the worker process.
    Exited {
        /// Exit status.
        code: i32,
    },
    /// The plugin did not answer within its limit.
    Hung {
        /// The limit in seconds.
        limit_seconds: f64,
    },
    /// The plugin, or the harness before it, reported an error.
    Error {
        /// A code to tell errors apart by, for instance `out_of_memory`.
        code: String,
    },
    /// Someone else ended the worker: the out-of-memory killer, a scheduler, a person.
    Killed {
        /// Name of the signal, for instance `SIGKILL`.
        signal: String,
    },
}

impl Cause {
    /// The cause in a few words, for a table's cell.
    pub fn label(&self) -> String {
        self.kind.to_string()
    }

    /// The cause in full: the label, and the detail where it says more.
    pub fn text(&self) -> String {
        let label = self.label();
        if self.detail.starts_with(&label) {
            return self.detail.clone();
        }
        format!("{label}: {}", self.detail)
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed { signal } => write!(f, "crashed: {signal}"),
            Self::Exited { code } => write!(f, "exited: code {code}"),
            Self::Hung { limit_seconds } => write!(f, "hung: no progress for {limit_seconds} s"),
            Self::Error { code } => write!(f, "error: {code}"),
            Self::Killed { signal } => write!(f, "killed: {signal}"),
        }
    }
}

/// A metric with its 95% interval; all fractions from 0 to 1 (correlations from -1 to 1, losses in nats).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// The value.
    pub value: f64,
    /// Lower end of the interval.
    pub ci_low: f64,
    /// Upper end of the interval.
    pub ci_high: f64,
    /// Examples that the value is over.
    pub n: u64,
    /// How the interval was made: `wilson`, `bootstrap` (percentiles over resampled rows) or
    /// `cluster_bootstrap` (over resampled clusters of rows), and for many independent rows
    /// `normal` (from the standard error of a mean) or `delong` (from that of an area under a ROC curve);
    /// in tables also `seeds` (of the mean over several seeds' runs, joined with their own intervals).
    pub method: String,
    /// Resamples that the interval is from, where it is from resamples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resamples: Option<u32>,
    /// Clusters that were resampled, where rows share sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<u64>,
    /// The runs that this is the mean of, where it is one; in tables alone, never in a cell's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<SeedSpread>,
}

/// Counts for one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerClass {
    /// Label id as it is in the data.
    pub label: String,
    /// Its name for people.
    pub name: String,
    /// Rows whose gold label it is.
    pub support: u64,
    /// Rows for which it was predicted.
    pub predicted: u64,
    /// Rows for which both hold.
    pub correct: u64,
}

/// Counts and rates for one type of entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PerEntity {
    /// The type, as it is in the labels: `PER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Gold entities.
    pub support: u64,
    /// Predicted entities.
    pub predicted: u64,
    /// Predicted entities that are gold ones: same words, same type.
    pub correct: u64,
    /// `correct / predicted`; 0 where nothing is predicted.
    pub precision: f64,
    /// `correct / support`; 0 without support.
    pub recall: f64,
    /// `2 P R / (P + R)`; 0 where both are.
    pub f1: f64,
}

/// Speed of a cell; what was not measured is null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Throughput {
    /// Rows a second of forward time.
    pub rows_per_second: Option<f64>,
    /// Tokens (special tokens included) a second of forward time.
    pub tokens_per_second: Option<f64>,
    /// Rows a second from the request to the last logits: tokenisation and forward passes, in turn or at once.
    pub end_to_end_rows_per_second: Option<f64>,
    /// Seconds spent in tokenisation.
    pub tokenize_seconds: Option<f64>,
    /// Seconds spent in forward passes.
    pub forward_seconds: Option<f64>,
    /// Seconds spent in loading the model.
    pub load_seconds: Option<f64>,
    /// Tokens a batch at most; at the end, where device memory ran out on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_tokens: Option<u64>,
    /// Operations of all forward passes, where the plugin says what its model computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_flops: Option<f64>,
    /// Model FLOPs utilisation: `forward_flops / (forward_seconds * the device's peak in that precision)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu: Option<f64>,
}

/// Peak memory in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Resident set of the worker process.
    pub peak_rss_bytes: Option<u64>,
    /// Memory of the device.
    pub peak_device_bytes: Option<u64>,
}

/// What the tokeniser reported over all rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Tokens, special tokens included.
    pub total: Option<u64>,
    /// Sequences: as many as rows, but for contexts that were cut into windows.
    pub sequences: Option<u64>,
    /// Rows that were cut at the maximum length.
    pub truncated_rows: Option<u64>,
    /// Unknown tokens; where windows overlap they count in each.
    pub unknown_tokens: Option<u64>,
    /// Tokens of the longest row.
    pub max_len: Option<u64>,
}

/// What the numbers were computed on; the kind of device is in the inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Backend {
    /// Full name of the device, for instance the CPU's model.
    pub device_name: Option<String>,
    /// Instruction set that was used, for instance `avx512f`.
    pub isa: Option<String>,
    /// Which of several GPUs it was, for instance `cuda:1`. Nothing depends on it but this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What tells the GPU from every other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_uuid: Option<String>,
    /// The GPU's compute capability, for instance `9.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_capability: Option<String>,
    /// The version of CUDA that the GPU's driver speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuda_driver_version: Option<String>,
    /// All of the GPU's memory in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_memory_bytes: Option<u64>,
}

/// The predictions beside a record. The record is trusted while they match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictionsFile {
    /// File name in the cell's directory.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_flat_and_short() {
        let status = Status::Failed {
            cause: Cause {
                kind: CauseKind::Crashed { signal: "SIGSEGV".into() },
                stage: Some("forward".into()),
                detail: "the plugin died".into(),
            },
        };
        let json = serde_json::to_value(&status).expect("serialised");
        let expected = serde_json::json!({"status": "failed", "cause":
            {"kind": "crashed", "signal": "SIGSEGV", "stage": "forward", "detail": "the plugin died"}});
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Status>(json).expect("parsed"), status);
        assert_eq!(status.label(), "crashed: SIGSEGV");
        assert_eq!(Status::Done.label(), "done");
        assert_eq!(
            CauseKind::Hung { limit_seconds: 60.0 }.to_string(),
            "hung: no progress for 60 s"
        );
    }
}
