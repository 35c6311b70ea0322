//! What can go wrong with histories.

use std::path::PathBuf;

use crate::hint::Hint;
use crate::record::RecordError;
use crate::suggest::closest;

/// An error of reading many runs.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A run that cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A path at which there is no run.
    #[error("{} is no run directory, and holds none", path.display())]
    NoRuns {
        /// The path.
        path: PathBuf,
    },
    /// A name that none of the runs has.
    #[error("no run has a {what} `{name}`; they have {}", known.join(", "))]
    Unknown {
        /// `model`, `task` or `metric`.
        what: &'static str,
        /// The name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

impl Hint for HistoryError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Record(error) => error.hint(),
            Self::NoRuns { .. } => Some(
                "give run directories that `kobench run --out` wrote, or a folder of them"
                    .to_owned(),
            ),
            Self::Unknown { name, known, .. } => closest(name, known.iter().map(String::as_str))
                .map(|known| format!("did you mean `{known}`?")),
        }
    }
}
