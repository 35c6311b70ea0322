//! What can go wrong with published numbers.

use crate::hint::Hint;

/// An error of reading published numbers, or of asking for a table of them.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// A file cannot be read as what it should be.
    #[error("results/published/{file}:{line}: {message}")]
    Malformed {
        /// The file, below results/published.
        file: String,
        /// From 1.
        line: u64,
        /// What was expected.
        message: String,
    },
    /// A file can be read, but what it says cannot be.
    #[error("results/published/{file}: {message}")]
    Meaning {
        /// The file, below results/published.
        file: String,
        /// What cannot be.
        message: String,
    },
    /// No model of this name.
    #[error("nothing is published for a model `{name}`; there are: {known}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// No table of this name.
    #[error("there is no published table `{name}`; there are: {known}")]
    UnknownTable {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
}

impl Hint for PublishedError {
    fn hint(&self) -> Option<String> {
        match self {
            // The files are part of the binary: only whoever builds it can have broken them.
            Self::Malformed { .. } | Self::Meaning { .. } => {
                Some("mend the file and build kobench again".to_owned())
            }
            Self::UnknownTable { closest: Some(name), .. }
            | Self::UnknownModel { closest: Some(name), .. } => {
                Some(format!("did you mean `{name}`?"))
            }
            Self::UnknownModel { .. } => None,
            Self::UnknownTable { .. } => {
                Some("`kobench leaderboard --list-tables` says what each of them holds".to_owned())
            }
        }
    }
}
