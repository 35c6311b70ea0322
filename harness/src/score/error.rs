//! Predictions that cannot be scored.

use crate::hint::{Hint, io_hint};
use crate::metrics::MetricError;
use std::io;
use std::path::PathBuf;

/// Why predictions cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Predictions that the metrics refuse.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A row that makes no sense.
    #[error("{}:{line}: {reason}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A column that is not there.
    #[error("{}: no column `{column}`; the columns are: {}", path.display(), found.join(", "))]
    Column {
        /// The file.
        path: PathBuf,
        /// The name that was looked for.
        column: String,
        /// The names that are there.
        found: Vec<String>,
        /// The option that names another.
        option: &'static str,
    },
    /// As many rows as there are not.
    #[error(
        "{}: {found} predictions for {expected} rows, and no ids to join them by", path.display()
    )]
    Count {
        /// The file.
        path: PathBuf,
        /// Predictions.
        found: usize,
        /// Rows of gold.
        expected: usize,
    },
    /// Rows without a prediction, or predictions without a row.
    #[error("{}: {count} {what}, the first of them: {}", path.display(), first.join(", "))]
    Unmatched {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
        /// What is wrong with them.
        what: &'static str,
        /// Some of them.
        first: Vec<String>,
        /// What to do.
        hint: &'static str,
    },
}

impl Hint for ScoreError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => io_hint(source, "--predictions"),
            Self::Metric(e) => e.hint(),
            Self::Row { .. } => Some(
                "predictions are JSON lines ({\"id\": ..., \"pred\": ...}), a .csv or .tsv file with a header, or one \
                 label a line"
                    .into(),
            ),
            Self::Column { option, .. } => Some(format!("{option} names it")),
            Self::Count { .. } => {
                Some("give ids (JSON lines or columns), or --limit N if these are the first N rows".into())
            }
            Self::Unmatched { hint, .. } => Some((*hint).into()),
        }
    }
}
