//! What `kobench task check` found; harness/schemas/task-check.schema.json.

use serde::Serialize;

use super::audit::{Overlap, SplitAudit};
use crate::hint::Hint;
use crate::task::TaskError;
use crate::tokens::TokenAudit;

/// What was found; as harness/schemas/task-check.schema.json says.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) schema_version: u32,
    /// Whether nothing is wrong.
    pub(super) ok: bool,
    pub(super) tasks: Vec<TaskReport>,
}

/// What was found about one task.
#[derive(Debug, Serialize)]
pub(super) struct TaskReport {
    /// None where the file cannot be read.
    pub(super) task: Option<String>,
    pub(super) version: Option<u32>,
    pub(super) title: Option<String>,
    pub(super) kind: Option<&'static str>,
    /// `built-in`, or the path.
    pub(super) file: String,
    pub(super) ok: bool,
    /// What is wrong with the task file.
    pub(super) problem: Option<Problem>,
    pub(super) splits: Vec<SplitReport>,
    pub(super) overlaps: Vec<Overlap>,
}

/// What was found about one split.
#[derive(Debug, Serialize)]
pub(super) struct SplitReport {
    pub(super) split: String,
    pub(super) state: State,
    /// Whether it is the one that is reported.
    pub(super) reported: bool,
    pub(super) file: Option<String>,
    pub(super) sha256: Option<String>,
    /// Rows that the task names.
    pub(super) rows_named: Option<u64>,
    /// Where the file was looked for, when it is missing.
    pub(super) looked_at: Vec<String>,
    /// How to get the file, when it is missing.
    pub(super) obtain: Option<String>,
    pub(super) problem: Option<Problem>,
    pub(super) audit: Option<SplitAudit>,
    /// What the tokeniser makes of it, when a model was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<TokenAudit>,
    /// Why the tokeniser could not be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tokens_problem: Option<Problem>,
}

/// How the data of a split is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Here, and what the task names.
    Verified,
    /// Here, but the task names no SHA-256.
    Unnamed,
    /// Not here.
    Missing,
    /// Here, and wrong.
    Wrong,
}

/// An error, and what to do about it.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl TaskReport {
    pub(super) fn unreadable(file: &str, error: &TaskError) -> Self {
        let hint = match error {
            // It says to do what is being done.
            TaskError::Meaning { .. } => None,
            other => other.hint(),
        };
        Self {
            task: None,
            version: None,
            title: None,
            kind: None,
            file: file.to_owned(),
            ok: false,
            problem: Some(Problem { message: error.to_string(), hint }),
            splits: vec![],
            overlaps: vec![],
        }
    }
}
