//! What an audit comes to.

use crate::record::CellInputs;
use serde::Serialize;

/// The version of the JSON document; it changes when a field changes its meaning or goes.
pub const AUDIT_VERSION: u32 = 1;

/// All checks of one model on one task's rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// What was asked.
    #[serde(flatten)]
    pub inputs: CellInputs,
    /// Rows that it was asked about.
    pub rows: u64,
    /// The largest logit of the reference, without its sign: what differences are parts of.
    pub largest_logit: f64,
    /// In the order in which they were done.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its name, for instance `batch-of-one`.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was seen, in one sentence; why it was skipped.
    pub message: String,
    /// The largest difference of two logits, as a part of the largest logit.
    pub largest_difference: Option<f64>,
    /// The row that has it.
    pub row: Option<u32>,
    /// Rows whose prediction is another one; none where the task has no labels and no answers.
    pub changed_predictions: Option<u64>,
    /// What the difference may be at most; of `caching`, the factor.
    pub tolerance: Option<f64>,
    /// Of `caching`: how many times faster texts were that had been answered before.
    pub speedup: Option<f64>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not so.
    Failed,
    /// It cannot be said here.
    Skipped,
}

impl Check {
    /// A check that has nothing to look at, and why.
    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::bare(name, Outcome::Skipped, why.into())
    }

    /// A check that failed before anything could be compared.
    pub(super) fn failed(name: &'static str, why: impl Into<String>) -> Self {
        Self::bare(name, Outcome::Failed, why.into())
    }

    pub(super) fn bare(name: &'static str, outcome: Outcome, message: String) -> Self {
        Self {
            name,
            outcome,
            message,
            largest_difference: None,
            row: None,
            changed_predictions: None,
            tolerance: None,
            speedup: None,
        }
    }
}

impl Audit {
    /// Whether no check failed.
    pub fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Failed)
    }
}
