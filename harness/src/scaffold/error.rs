//! Why no task file could be made.

use std::io;
use std::path::PathBuf;

use crate::hint::{Hint, io_hint};

/// An error of making a task file.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The operating system refused.
    #[error("cannot read or write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// The option that names the file.
        option: &'static str,
    },
    /// The file is not text.
    #[error("{}: not UTF-8: the bytes at offset {offset} are no character", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Offset in bytes.
        offset: usize,
    },
    /// The file does not hold what its format says.
    #[error("{}{}: {message}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
    Content {
        /// The file.
        path: PathBuf,
        /// From 1, where there is one.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// A column that is not there.
    #[error("{}: there is no column `{name}`; there are:{columns}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// The columns with examples, a line each.
        columns: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// Several readings are possible, or none.
    #[error("{}: cannot tell {what}; the columns are:{columns}", path.display())]
    CannotTell {
        /// The file.
        path: PathBuf,
        /// For instance `which column holds the label`.
        what: String,
        /// The columns with examples, a line each.
        columns: String,
        /// What the user should say.
        say: String,
    },
    /// Not a name of a task.
    #[error("`{name}` is no name for a task: use a-z, 0-9, _ and -")]
    Name {
        /// The name.
        name: String,
    },
    /// No file was given.
    #[error("there is no file to make a task of")]
    NoFile,
    /// The task file is there.
    #[error("{} exists", path.display())]
    Exists {
        /// The task file.
        path: PathBuf,
    },
    /// A data file that the task file cannot point at.
    #[error("{} is not below {}, so that the task file cannot name it", file.display(), folder.display())]
    Outside {
        /// The data file.
        file: PathBuf,
        /// The folder of the task file, or the data directory.
        folder: PathBuf,
        /// A place for the task file from which it can.
        better: PathBuf,
    },
}

impl Hint for ScaffoldError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, option, .. } => io_hint(source, option),
            Self::NotUtf8 { .. } => {
                Some("convert the file to UTF-8 (`iconv -f CP949 -t UTF-8`)".to_owned())
            }
            Self::Content { .. } => Some("say what the file is with --format".to_owned()),
            Self::NoColumn { closest: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            Self::NoColumn { closest: None, .. } => {
                Some("a column is given by its name, or by its index from 0".to_owned())
            }
            Self::CannotTell { say, .. } => Some(say.clone()),
            Self::Name { .. } | Self::NoFile => None,
            Self::Exists { .. } => {
                Some("--force writes over it, -o FILE writes elsewhere".to_owned())
            }
            Self::Outside { better, .. } => Some(format!(
                "data is named relative to the task file (-o {}) or to --data-dir",
                better.display()
            )),
        }
    }
}
