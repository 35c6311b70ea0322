//! What can be wrong with task and suite files.

use std::io;
use std::path::PathBuf;

use crate::hint::{Hint, io_hint};

/// An error of finding or reading a task or a suite.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The YAML cannot be read, or does not have the shape of a task.
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
    },
    /// No task or suite of this name.
    #[error("there is no {what} `{name}`; there are: {known}")]
    Unknown {
        /// `task` or `suite`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// A split that the task does not have.
    #[error("task {task} has no split `{split}`; it has: {known}")]
    UnknownSplit {
        /// The task.
        task: String,
        /// The split asked for.
        split: String,
        /// The splits that there are.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// Two files claim one name.
    #[error("{second}: the task `{name}` is already defined by {first}")]
    Shadowed {
        /// The name.
        name: String,
        /// Who has it.
        first: String,
        /// Who claims it too.
        second: String,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Hint for TaskError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml { hint, .. } => hint.clone(),
            Self::Meaning { .. } => Some("`kobench task check FILE` checks a task file".to_owned()),
            Self::Unknown { closest: Some(name), .. }
            | Self::UnknownSplit { closest: Some(name), .. } => {
                Some(format!("did you mean `{name}`?"))
            }
            Self::Unknown { what: "task", .. } => Some(
                "a task file of your own is given by its path, or its folder with --task-dir"
                    .to_owned(),
            ),
            Self::Unknown { .. } | Self::UnknownSplit { .. } => None,
            Self::Shadowed { .. } => {
                Some("give the task a name of its own: scores are joined by it".to_owned())
            }
            Self::Io { source, .. } => io_hint(source, "--task-dir"),
        }
    }
}
