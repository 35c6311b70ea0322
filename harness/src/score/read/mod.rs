//! Readers of predictions, one a file format.

mod conll;
mod json;
mod member;
mod plain;
mod table;

use std::path::Path;

pub(in crate::score) use member::Text;

use super::format::InputFormat;
use super::labels::LabelNames;
use super::value::Predictions;
use super::{ScoreError, ScoreOptions};
use crate::task::Kind;

/// The names of columns, or of members of JSON objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) id: &'a str,
    pub(super) pred: &'a str,
    pub(super) gold: Option<&'a str>,
    /// The probability of the positive label.
    pub(super) score: Option<&'a str>,
    /// Whether the user named any.
    pub(super) are_given: bool,
    /// Whether the user named the ids, so that they must be there.
    pub(super) needs_ids: bool,
}

impl<'a> Names<'a> {
    pub(super) fn new(options: &'a ScoreOptions) -> Self {
        let given =
            [&options.id_column, &options.pred_column, &options.gold_column, &options.score_column];
        Self {
            id: options.id_column.as_deref().unwrap_or("id"),
            pred: options.pred_column.as_deref().unwrap_or("pred"),
            gold: options.gold_column.as_deref(),
            score: options.score_column.as_deref(),
            are_given: given.iter().any(|name| name.is_some()),
            needs_ids: options.id_column.is_some(),
        }
    }

    /// Whether `line` is the header of a table with a column of predictions.
    pub(super) fn stand_in(&self, line: &str) -> bool {
        let delimiter = if line.contains('\t') { '\t' } else { ',' };
        let name = |field: &str| field.trim().trim_matches('"') == self.pred;
        line.contains(delimiter) && line.split(delimiter).any(name)
    }
}

/// What is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) path: &'a Path,
    pub(super) kind: Kind,
    pub(super) labels: &'a LabelNames<'a>,
    pub(super) names: Names<'a>,
    /// Whether numbers for the labels are of any use.
    pub(super) wants_scores: bool,
    /// What begins a comment in the task's own files; for CoNLL.
    pub(super) comment: Option<&'a str>,
}

impl Request<'_> {
    fn fail(&self, line: u32, message: impl Into<String>) -> ScoreError {
        ScoreError::Line { path: self.path.to_owned(), line, message: message.into(), hint: None }
    }

    /// There is no `what` (column or member) of this name.
    fn no_name(
        &self,
        line: u32,
        what: &str,
        name: &str,
        option: &str,
        known: &[&str],
    ) -> ScoreError {
        let likely = ["pred", "label", "answer", "class", "output"];
        let meant = crate::suggest::closest(name, known.iter().copied()).or_else(|| {
            let is_likely = |column: &&&str| {
                let column = column.to_lowercase();
                option == "--pred-column" && likely.iter().any(|word| column.contains(word))
            };
            known.iter().find(is_likely).copied()
        });
        let hint = match meant {
            Some(name) => format!("did you mean {option} {name}?"),
            None => format!("name the {what} with {option}"),
        };
        let message = format!("there is no {what} `{name}`; there are: {}", known.join(", "));
        ScoreError::Line { path: self.path.to_owned(), line, message, hint: Some(hint) }
    }
}

/// Reads predictions from `text`.
///
/// # Errors
/// [`ScoreError::Line`] with the first line that cannot be read.
pub(super) fn read<'t>(
    text: &'t str,
    format: InputFormat,
    request: &Request<'_>,
) -> Result<Predictions<'t>, ScoreError> {
    if let (Some(_), InputFormat::Lines) = (request.names.gold, format) {
        return Err(ScoreError::Options {
            message: format!(
                "{} is read as plain lines, which have no gold column",
                request.path.display()
            ),
            hint: "say how the file is written with --input-format, or give the gold with --gold"
                .to_owned(),
        });
    }
    let predictions = match format {
        InputFormat::Jsonl => json::read_lines(text, request),
        InputFormat::Json => json::read_document(text, request),
        InputFormat::Csv => table::read(text, b',', request),
        InputFormat::Tsv => table::read(text, b'\t', request),
        InputFormat::Conll => conll::read(text, request),
        InputFormat::Lines => Ok(plain::read(text)),
    }?;
    if predictions.rows.is_empty() {
        return Err(ScoreError::Empty { path: request.path.to_owned() });
    }
    Ok(predictions)
}
