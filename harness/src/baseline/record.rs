//! The record of a baseline.

use serde::{Deserialize, Serialize};

use crate::compare::Side;
use crate::record::{CellKey, CellRecord, Host};

/// A baseline, as `baseline.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineRecord {
    /// [`super::BASELINE_VERSION`].
    pub schema_version: u32,
    /// Its name, that of its folder.
    pub name: String,
    /// Why it was made, as its maker said.
    #[serde(default)]
    pub note: Option<String>,
    /// When it was made, RFC 3339 UTC.
    pub created_at: String,
    /// The kobench that made it.
    pub kobench_version: String,
    /// The run that it was made of.
    pub run: Origin,
    /// The cells, ordered by their keys.
    pub cells: Vec<CellEntry>,
    /// The measurements of speed, ordered by their keys and scenarios.
    pub benches: Vec<BenchEntry>,
}

/// What is known of the run; all of it is null where it left no run.json.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// When it was made, RFC 3339 UTC.
    #[serde(default)]
    pub created_at: Option<String>,
    /// The kobench that made it.
    #[serde(default)]
    pub kobench_version: Option<String>,
    /// Revision of that kobench's source.
    #[serde(default)]
    pub git_revision: Option<String>,
    /// The machine.
    #[serde(default)]
    pub host: Option<Host>,
}

impl From<&Side> for Origin {
    fn from(side: &Side) -> Self {
        Self {
            created_at: side.created_at.clone(),
            kobench_version: side.kobench_version.clone(),
            git_revision: side.git_revision.clone(),
            host: side.host.clone(),
        }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellEntry {
    /// Its record, without what changes from run to run and without local paths. The predictions that it names are those
    /// that the rows were made of; they are not part of the baseline.
    pub cell: CellRecord,
    /// Its rows.
    pub rows: ContentFile,
}

/// A measurement of speed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchEntry {
    /// What was run.
    pub key: CellKey,
    /// In which scenario.
    pub scenario: String,
    /// Its record.
    pub record: ContentFile,
}

/// A file of the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentFile {
    /// Its path below the baseline, with `/`.
    pub file: String,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}
