//! What can be wrong with data.

use std::io;
use std::path::PathBuf;

use super::row_error::RowError;
use crate::hint::{Hint, io_hint};
use crate::task::TaskError;

/// An error of finding or reading data.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The task has no such split.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The file is in none of the places.
    #[error("the data of {task}/{split} is not there; looked at:{}", list(places))]
    NotFound {
        /// The task.
        task: String,
        /// The split.
        split: String,
        /// Every path that was tried, in order.
        places: Vec<PathBuf>,
        /// A split of the task that is part of kobench.
        bundled: Option<String>,
        /// Whether `kobench data fetch` can get it.
        fetchable: bool,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not text.
    #[error("{file}:{line}: not UTF-8: the bytes at offset {offset} are no character")]
    NotUtf8 {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Offset in bytes from the beginning of the file.
        offset: usize,
    },
    /// The labels file is not one label id a line.
    #[error("{file}:{line}: {message}")]
    Labels {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What is wrong with it.
        message: String,
    },
    /// The folder holds nothing that could be read.
    #[error("{folder} holds no .json file")]
    EmptyFolder {
        /// The folder.
        folder: String,
    },
    /// A row is not what the task says.
    #[error("{file}:{error}")]
    Row {
        /// The file.
        file: String,
        /// Line and reason.
        error: RowError,
        /// Whether the file is the one that the task names, by its SHA-256.
        is_expected_file: bool,
    },
    /// More than the reader's offsets can count.
    #[error("{file} has {bytes} bytes; kobench reads files below 4 GiB")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
    },
    /// The task knows no hash of the file, so nothing can be compared.
    #[error("{task} names no SHA-256 for its split {split}, so {file} is taken as it is")]
    Unnamed {
        /// The file.
        file: String,
        /// The task.
        task: String,
        /// The split.
        split: String,
    },
    /// The file is not the one that the task names.
    #[error(
        "{file} is not the file that {task}/{split} names: its SHA-256 is {found}, expected {expected}"
    )]
    Sha256 {
        /// The file.
        file: String,
        /// The task.
        task: String,
        /// The split.
        split: String,
        /// Of the file.
        found: String,
        /// Of the task.
        expected: String,
    },
    /// The file ends before the split's part does.
    #[error("{task}/{split} is rows {from} to {to} of {file}, which has {rows}")]
    Part {
        /// The file.
        file: String,
        /// The task.
        task: String,
        /// The split.
        split: String,
        /// Rows of the file.
        rows: u64,
        /// The part's first row.
        from: u64,
        /// The row after the part's last.
        to: u64,
    },
    /// The file has another number of rows.
    #[error("{file} has {found} rows, {task}/{split} names {expected}")]
    Rows {
        /// The file.
        file: String,
        /// The task.
        task: String,
        /// The split.
        split: String,
        /// Of the file.
        found: u64,
        /// Of the task.
        expected: u64,
    },
}

fn list(places: &[PathBuf]) -> String {
    places.iter().map(|place| format!("\n  {}", place.display())).collect()
}

impl Hint for DataError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Task(error) => error.hint(),
            Self::NotFound { task, split, bundled, fetchable, .. } => {
                let place = "give the folder that holds the data with --data-dir or KOBENCH_DATA";
                let place = match fetchable {
                    true => format!("`kobench data fetch {task} --split {split}` gets it, or {place}"),
                    false => place.to_owned(),
                };
                Some(match bundled {
                    Some(split) => format!("{place}, or take what is part of kobench with --split {split}"),
                    None => place,
                })
            }
            Self::Io { source, .. } => io_hint(source, "--data-dir"),
            Self::TooLarge { .. } => Some("split the file".to_owned()),
            Self::Labels { .. } => Some("a labels file has one label id a line, in the order of the model's outputs".to_owned()),
            Self::EmptyFolder { .. } => Some("unpack the data into it; `kobench task list` shows what is expected where".to_owned()),
            Self::Unnamed { .. } => None,
            Self::NotUtf8 { .. } => Some("convert the file to UTF-8, or download it again".to_owned()),
            Self::Row { error: RowError::NoColumn { closest: Some(name), .. }, is_expected_file: true, .. } => {
                Some(format!("did you mean `{name}`? the task's reader names the columns"))
            }
            Self::Row { error: RowError::NoColumn { closest: Some(name), .. }, .. } => {
                Some(format!("the header has `{name}`; the file is not the one that the task names (its SHA-256 differs)"))
            }
            Self::Row { error: RowError::OpenQuote { .. } | RowError::TooMany { .. }, .. } => Some(
                "a field with a comma or a line end stands in quotation marks, and a quotation mark in it is doubled; \
                 for files without quoting take `format: tsv`"
                    .to_owned(),
            ),
            Self::Row { error: RowError::NoRegion { .. }, .. } => Some(
                "name the file or its folder so that it begins with one of them; the reader's `labels_by_prefix` lists them"
                    .to_owned(),
            ),
            Self::Row { is_expected_file: false, .. } => Some(
                "the file is not the one that the task names (its SHA-256 differs); it may be edited or cut short"
                    .to_owned(),
            ),
            Self::Row { .. } => Some("the task's reader does not fit the file; see `kobench task check`".to_owned()),
            Self::Part { .. } => Some("correct the split's `part`: rows `from` to below `to`, counted from 0".to_owned()),
            Self::Sha256 { .. } | Self::Rows { .. } => Some(
                "get the original file, or score this one with --allow-unverified: the record will say so".to_owned(),
            ),
        }
    }
}
