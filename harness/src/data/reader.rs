//! From the content of a file to rows, by the task's format.

use super::builder::Parsed;
use super::labels::LabelIndex;
use super::row_error::RowError;
use super::{aihub, conll, csv, json, squad, tsv};
use crate::task::{Format, Task};

/// Reads all rows of `content`; `name` is the file's path, below the split's folder where that is one.
pub(super) fn parse(
    task: &Task,
    labels: &LabelIndex<'_>,
    content: &str,
    name: &str,
) -> Result<Parsed, RowError> {
    match task.reader.format {
        Format::Tsv => tsv::parse(task, labels, content),
        Format::Csv => csv::parse(task, labels, content),
        Format::Jsonl => json::lines::parse(task, labels, content),
        Format::Json => json::list::parse(task, labels, content),
        Format::Squad => squad::parse(task, labels, content),
        Format::Conll => conll::parse(task, labels, content),
        Format::AihubDialect => aihub::parse(task, labels, content, name),
    }
}
