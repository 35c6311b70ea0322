//! Predictions that cannot be scored.

use std::io;
use std::path::PathBuf;

use crate::hint::{Hint, io_hint};

/// An error of reading predictions or of joining them with the data.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not text.
    #[error("{}: not UTF-8: the bytes at offset {offset} are no character", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Offset in bytes.
        offset: usize,
    },
    /// The file holds nothing.
    #[error("{} holds no predictions", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line cannot be read.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What was expected.
        message: String,
    },
    /// A table lacks a column.
    #[error("{}: there is no column `{name}`; there are: {known}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        name: String,
        /// The option that names it.
        option: &'static str,
        /// The columns of the header.
        known: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// Predictions without ids, of another number than the rows.
    #[error("{} has {found} predictions, the data has {expected} rows, and there are no ids to join them by", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// Predictions.
        found: usize,
        /// Rows of the data.
        expected: usize,
    },
    /// The ids of the data do not tell its rows apart.
    #[error("{} has ids, but the data has the id `{id}` twice, and the predictions have no index `i`", path.display())]
    GoldIds {
        /// The file.
        path: PathBuf,
        /// The id.
        id: String,
    },
    /// Rows that do not fit.
    #[error("{} cannot be scored:{}", path.display(), list(problems))]
    Rows {
        /// The file.
        path: PathBuf,
        /// One line a kind of problem: how many, and the first few.
        problems: Vec<String>,
        /// Whether all that is wrong is that rows at the end are missing.
        only_missing: bool,
    },
}

fn list(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

impl Hint for ScoreError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { source, .. } => return io_hint(source, "--predictions"),
            Self::NotUtf8 { .. } => "convert the file to UTF-8".to_owned(),
            Self::Empty { .. } => "every row of the data needs a prediction".to_owned(),
            Self::Line { .. } => {
                "predictions are JSONL with `pred` and `id` or `i`, CSV or TSV with a header, or one label a line"
                    .to_owned()
            }
            Self::NoColumn { closest: Some(name), option, .. } => format!("did you mean {option} {name}?"),
            Self::NoColumn { option, .. } => format!("name the column with {option}"),
            Self::Count { .. } => "check the split (--split), or name a column with the ids (--id-column)".to_owned(),
            Self::GoldIds { .. } => "give every prediction the index of its row, from 0, as `i`".to_owned(),
            Self::Rows { only_missing: true, .. } => {
                "check the split (--split); predictions of a run with --limit N are scored with --limit N".to_owned()
            }
            Self::Rows { .. } => "check the task and the split (--split)".to_owned(),
        })
    }
}
