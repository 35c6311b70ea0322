//! What can go wrong with baselines.

use std::io;
use std::path::{Path, PathBuf};

use super::RowsError;
use crate::hint::{Hint, io_hint};
use crate::record::RecordError;

/// An error of making, finding or reading a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
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
    /// A file is not what its schema says.
    #[error("{} is not a baseline of kobench: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was expected, with line and column.
        message: String,
    },
    /// A baseline was written by a version of kobench that this one does not know.
    #[error("{} has schema version {found}; this kobench reads version {}", path.display(), super::BASELINE_VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A file has changed since the baseline was made.
    #[error("{} has changed: its SHA-256 is {found}, baseline.json says {expected}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: String,
        /// What the record says.
        expected: String,
    },
    /// A rows file cannot be read or written.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A record of the run cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// No baseline of this name.
    #[error("there is no baseline `{name}` in {}{known}", folder.display())]
    Unknown {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// `; there are: ..`, or nothing.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// There is one of this name already.
    #[error("there is a baseline `{name}` already")]
    Exists {
        /// The name.
        name: String,
    },
    /// Nothing that a baseline could be made of.
    #[error("{} has no cell that is done and no measurement of speed: there is nothing to keep", run.display())]
    Empty {
        /// The run.
        run: PathBuf,
    },
    /// A name that cannot be that of a folder.
    #[error(
        "`{name}` cannot be the name of a baseline: letters, digits, `.`, `_` and `-`, not beginning with `.` or `-`, at most 100"
    )]
    BadName {
        /// The name.
        name: String,
    },
}

impl BaselineError {
    /// Wraps an error of the operating system; for use in `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl Hint for BaselineError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => io_hint(source, "--baselines"),
            Self::Invalid { .. } | Self::Mismatch { .. } | Self::Rows(_) => Some(
                "it was edited or is damaged: take it from git again, or make it anew with `kobench baseline set \
                 NAME RUN --force`"
                    .to_owned(),
            ),
            Self::Version { .. } => {
                Some("read it with the kobench that wrote it, or a newer one".to_owned())
            }
            Self::Record(error) => error.hint(),
            Self::Unknown { closest: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            Self::Unknown { .. } => Some(
                "`kobench baseline list` shows them, `kobench baseline set NAME RUN` makes one"
                    .to_owned(),
            ),
            Self::Exists { .. } => Some("--force puts the new one in its place".to_owned()),
            Self::Empty { .. } => Some("`kobench run` makes cells".to_owned()),
            Self::BadName { .. } => None,
        }
    }
}
