//! What can be wrong with policies.

use std::io;
use std::path::PathBuf;

use crate::hint::{Hint, io_hint};
use crate::task::TaskError;

/// An error of finding or reading a policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The YAML cannot be read, or does not have the shape of a policy.
    #[error("{file}:{line}:{column}: {message}")]
    Yaml {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was expected.
        message: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// The YAML has the right shape, but what it says cannot be.
    #[error("{file}:{line}: {message}")]
    Meaning {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// What cannot be.
        message: String,
        /// What to write.
        hint: Option<String>,
    },
    /// No policy of this name.
    #[error("there is no policy `{name}`; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// A file that cannot be read as YAML.
    #[error(transparent)]
    Task(Box<TaskError>),
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Hint for PolicyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml { hint, .. } | Self::Meaning { hint, .. } => hint.clone(),
            Self::Unknown { closest: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            Self::Unknown { .. } => {
                Some("a policy file of your own is given by its path: ./policy.yaml".to_owned())
            }
            Self::Task(error) => error.hint(),
            Self::Io { source, .. } => io_hint(source, "--policy"),
        }
    }
}

impl From<TaskError> for PolicyError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Yaml { file, line, column, message, hint } => {
                Self::Yaml { file, line, column, message, hint }
            }
            other => Self::Task(Box::new(other)),
        }
    }
}
