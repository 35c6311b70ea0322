//! What can go wrong with records.

use std::io;
use std::path::{Path, PathBuf};

use crate::hint::{Hint, io_hint};

/// An error of reading or writing records.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, for instance `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record is not what its schema says.
    #[error("{} is not a kobench record: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected.
        source: serde_json::Error,
    },
    /// A record was written by a version of kobench that this one does not know.
    #[error("{} has schema version {found}; this kobench reads version {}", path.display(), super::SCHEMA_VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A line of a predictions file cannot be read.
    #[error("{}:{line}: not a prediction row: {source}", path.display())]
    Prediction {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What was expected.
        source: serde_json::Error,
    },
    /// A line of the log of a training cannot be read.
    #[error("{}:{line}: not a step of a training: {source}", path.display())]
    TrainingStep {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What was expected.
        source: serde_json::Error,
    },
    /// A prediction holds a number that JSON cannot: NaN or an infinity.
    #[error("row {row}: {value} among the {what}, which is not a finite number")]
    NotFinite {
        /// Index of the row in the dataset.
        row: u64,
        /// `logits` or `predictions`.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// Another process writes this run directory.
    #[error("{} is being written by another kobench ({owner})", path.display())]
    Locked {
        /// The run directory.
        path: PathBuf,
        /// `process PID`, as far as known.
        owner: String,
    },
    /// A record's predictions have changed since it was written.
    #[error("{} does not match its record: {what} is {found}, the record says {expected}", path.display())]
    Mismatch {
        /// The predictions file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the file has.
        found: String,
        /// What the record says.
        expected: String,
    },
    /// There is no run at this place.
    #[error("{} is not a run directory: it has no run.json and no cells", path.display())]
    NotARun {
        /// The directory.
        path: PathBuf,
    },
    /// A cell's id cannot be the name of a directory.
    #[error("cell id `{id}` is not made of hexadecimal digits")]
    BadId {
        /// The id.
        id: String,
    },
}

impl RecordError {
    /// Wraps an error of the operating system; for use in `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl Hint for RecordError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => io_hint(source, "--out"),
            Self::Invalid { .. } | Self::Prediction { .. } | Self::TrainingStep { .. } => Some(
                "the file was edited or is damaged; remove the cell's directory to run it again"
                    .to_owned(),
            ),
            Self::Version { .. } => {
                Some("read it with the kobench that wrote it, or a newer one".to_owned())
            }
            Self::NotFinite { .. } => Some(
                "the weights may be damaged, or the precision too small; try --precision f32"
                    .to_owned(),
            ),
            Self::Locked { .. } => {
                Some("wait for it to end, or give this run another place with --out".to_owned())
            }
            Self::Mismatch { .. } => Some("remove the cell's directory to run it again".to_owned()),
            Self::NotARun { .. } => {
                Some("give a directory that `kobench run --out` wrote".to_owned())
            }
            Self::BadId { .. } => None,
        }
    }
}
