//! The record of a run: what was planned, and where it ran.

use serde::{Deserialize, Serialize};

use super::{CellInputs, CellKey, Host};

/// One run, as `run.json` holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of kobench.
    pub kobench_version: String,
    /// Revision of its source, when the build was told (`KOBENCH_GIT_REVISION`).
    #[serde(default)]
    pub git_revision: Option<String>,
    /// The command line, one argument an item.
    pub command_line: Vec<String>,
    /// The machine.
    pub host: Host,
    /// When the run was made, RFC 3339 UTC.
    pub created_at: String,
    /// The cells that were planned, in order.
    pub plan: Vec<PlannedCell>,
}

/// One cell of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCell {
    /// What the cell is about.
    pub key: CellKey,
    /// [`CellInputs::id`]: the name of its directory.
    pub id: String,
    /// [`CellKey::label`].
    pub label: String,
}

impl PlannedCell {
    /// The entry for a cell with these inputs.
    pub fn new(inputs: &CellInputs) -> Self {
        Self { key: inputs.key.clone(), id: inputs.id(), label: inputs.key.label() }
    }
}

impl RunRecord {
    /// The record of a run of this build, on this machine, now.
    pub fn new(command_line: Vec<String>, plan: Vec<PlannedCell>) -> Self {
        Self {
            schema_version: super::SCHEMA_VERSION,
            kobench_version: env!("CARGO_PKG_VERSION").to_owned(),
            git_revision: option_env!("KOBENCH_GIT_REVISION").map(str::to_owned),
            command_line,
            host: Host::detect(),
            created_at: super::rfc3339(std::time::SystemTime::now()),
            plan,
        }
    }
}
