//! The rows of a cell in a baseline: what each came to, in lines of text that git diffs and compresses well.
//!
//! ```text
//! kobench-rows 1 labels rows=3 columns=gold,predicted,f32:2
//! 1 1 -0.5 2.25
//! 0 1 0.125 0.25
//! 0 0 3 -1
//! ```
//!
//! The first line has the version, the kind, the number of rows and the columns; a line a row follows. `index` is the row's
//! index in the dataset, left out where the rows are 0, 1, 2 and so on; `cluster` the source that it shares with others.
//!
//! | kind | columns |
//! |---|---|
//! | `labels` | `gold`, `predicted`: indices of labels; `f32:L` or `f64:L`: L scores, in the precision that keeps them exactly |
//! | `values` | `gold`, `predicted`: real numbers |
//! | `tags` | `words`: the indices of the words' gold labels, and after a bar `WORD:LABEL` (from 0) for each that was predicted otherwise, `-` where the model never saw it: `3 3 0 0 \| 1:4 2:-` |
//! | `answers` | `exact` (0 or 1), `char_f1` |
//!
//! No texts of the data are among them: most data sets may not be passed on.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{parse, read};
pub use write::write;

use std::path::PathBuf;

use crate::compare::Rows;

/// What the first line begins with; the number is the version.
const MAGIC: &str = "kobench-rows 1";

/// What the columns of indices and sources are called.
const INDEX: &str = "index";
const CLUSTER: &str = "cluster";

/// A rows file that cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {message}", file.display())]
pub struct RowsError {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// The kind's name in the first line.
fn kind(rows: &Rows) -> &'static str {
    match rows {
        Rows::Labels { .. } => "labels",
        Rows::Values { .. } => "values",
        Rows::Tags { .. } => "tags",
        Rows::Answers { .. } => "answers",
    }
}
