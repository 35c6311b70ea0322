//! What the harness and the child process that runs a group's checks tell each other.

use super::{Finding, Group};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) library: PathBuf,
    pub(super) group: Group,
    /// The model to look at, and its weights where they are not bundled.
    pub(super) model: Option<String>,
    pub(super) checkpoint: Option<PathBuf>,
    /// Why there is no model, where there is none.
    pub(super) no_model: String,
    /// The checks, by id.
    pub(super) checks: Vec<String>,
    /// An empty folder.
    pub(super) scratch: PathBuf,
}

/// What a child tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum News {
    /// A check begins.
    Begins(String),
    /// It has ended.
    Found(Finding),
    /// All have.
    Done,
}
