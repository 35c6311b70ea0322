//! What can be wrong with recipes and with edits of them.

use std::io;
use std::path::PathBuf;

use crate::hint::{Hint, io_hint};
use crate::task::TaskError;

/// An error of finding, reading or using a recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The YAML cannot be read, or does not have the shape of a recipe.
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
    /// No recipe of this name.
    #[error("there is no recipe `{name}`; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// The recipe does not say how this task is trained.
    #[error("the recipe {recipe} has no task `{task}`; it has: {known}")]
    NoTask {
        /// The recipe.
        recipe: String,
        /// The task asked for.
        task: String,
        /// The tasks that it has.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// A key that settings do not have.
    #[error("there is no setting `{key}`; there are: {known}")]
    UnknownSetting {
        /// The key.
        key: String,
        /// The keys that there are.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// A value that a key cannot have.
    #[error("{key}: {message}")]
    Setting {
        /// The key, or what stands in its place.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// A file of a recipe that cannot be read as YAML.
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

impl Hint for RecipeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml { hint, .. } => hint.clone(),
            Self::Unknown { closest: Some(name), .. }
            | Self::NoTask { closest: Some(name), .. }
            | Self::UnknownSetting { closest: Some(name), .. } => {
                Some(format!("did you mean `{name}`?"))
            }
            Self::Unknown { .. } => {
                Some("a recipe file of your own is given by its path".to_owned())
            }
            Self::NoTask { .. } => Some(
                "`kobench recipe list` shows which recipe has which task; `default` has any"
                    .to_owned(),
            ),
            Self::Setting { .. } => {
                Some("`kobench recipe show default` shows the keys and how values look".to_owned())
            }
            Self::Meaning { .. } | Self::UnknownSetting { .. } => None,
            Self::Task(error) => error.hint(),
            Self::Io { source, .. } => io_hint(source, "--recipe"),
        }
    }
}
