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
    /// A folder in place of a file.
    #[error("{} is a folder, not a file with predictions", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A file that must be unpacked first.
    #[error("{} is {what}, not text", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What makes text of it.
        tool: &'static str,
    },
    /// A file with NUL bytes.
    #[error("{} is a binary file: there is a NUL byte at offset {offset}", path.display())]
    Binary {
        /// The file.
        path: PathBuf,
        /// Offset in bytes.
        offset: usize,
    },
    /// The file is not text in UTF-8.
    #[error("{}:{line}: not UTF-8: the bytes at offset {offset} are no character", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u32,
        /// Offset in bytes.
        offset: usize,
        /// Whether it begins as UTF-16 does.
        is_utf16: bool,
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
        line: u32,
        /// What was expected.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Options that do not fit the task.
    #[error("{message}")]
    Options {
        /// What does not fit.
        message: String,
        /// What to do.
        hint: String,
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
        /// How the file was read.
        format: &'static str,
    },
    /// The ids of the data do not tell its rows apart.
    #[error("{} has ids, but the data has the id `{id}` twice, and the predictions have no index `i`", path.display())]
    GoldIds {
        /// The file.
        path: PathBuf,
        /// The id.
        id: String,
    },
    /// The data has no ids, and the order of the file's is no order of rows.
    #[error(
        "{} has ids that do not ascend (`{id}` in {place}), but the data has no ids to join them by",
        path.display()
    )]
    IdsOfNothing {
        /// The file.
        path: PathBuf,
        /// The first id that is smaller than the one before.
        id: String,
        /// Where it is.
        place: String,
    },
    /// Rows that do not fit.
    #[error("{} cannot be scored:{}", path.display(), list(problems))]
    Rows {
        /// The file.
        path: PathBuf,
        /// One line a kind of problem: how many, and the first few.
        problems: Vec<String>,
        /// What to do.
        hint: &'static str,
    },
}

fn list(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

/// What predictions look like.
pub(super) const FORMATS: &str = "predictions are JSONL with `pred` and `id` or `i`, a JSON object of ids and predictions, CSV or TSV with a header, or one prediction a line; --input-format says which";

impl Hint for ScoreError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { source, .. } => return io_hint(source, "--predictions"),
            Self::Folder { path } => {
                let inside = path.join("predictions.jsonl");
                let inside = if inside.is_file() {
                    inside.display().to_string()
                } else {
                    "RUN/cells/ID/predictions.jsonl".to_owned()
                };
                format!("give a file, for instance --predictions {inside}")
            }
            Self::Packed { tool, .. } => format!("unpack it first, with {tool}"),
            Self::Binary { .. } => {
                format!("give a text file: {FORMATS}")
            }
            Self::NotUtf8 { is_utf16: true, .. } => {
                "the file is UTF-16; convert it: iconv -f UTF-16 -t UTF-8".to_owned()
            }
            Self::NotUtf8 { .. } => {
                "convert the file to UTF-8; what Korean spreadsheets save is often CP949: iconv -f CP949 -t UTF-8"
                    .to_owned()
            }
            Self::Empty { .. } => "every row of the data needs a prediction".to_owned(),
            Self::Line { hint, .. } => hint.clone().unwrap_or_else(|| FORMATS.to_owned()),
            Self::Options { hint, .. } => hint.clone(),
            Self::Count { format, .. } => format!(
                "the file was read as {format} (--input-format says otherwise); check the split (--split), or give ids"
            ),
            Self::GoldIds { .. } => "give every prediction the index of its row, from 0, as `i`".to_owned(),
            Self::IdsOfNothing { .. } => {
                "give every prediction the index of its row, from 0, as `i`, or put them into the order of the data"
                    .to_owned()
            }
            Self::Rows { hint, .. } => (*hint).to_owned(),
        })
    }
}
