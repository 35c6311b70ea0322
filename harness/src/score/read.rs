//! Predictions from JSONL, CSV, TSV or plain lines.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{ScoreError, TableColumns};
use crate::digest::sha256_hex;
use crate::suggest::closest;

/// One prediction, as far as its file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prediction {
    /// From 1.
    pub(super) line: u64,
    pub(super) id: Option<String>,
    pub(super) index: Option<u64>,
    pub(super) pred: String,
}

#[derive(Debug)]
pub(super) struct PredictionFile {
    pub(super) rows: Vec<Prediction>,
    pub(super) sha256: String,
}

/// Reads a file, telling its format by its extension, its first character and the options.
pub(super) fn read(path: &Path, columns: &TableColumns) -> Result<PredictionFile, ScoreError> {
    let bytes =
        fs::read(path).map_err(|source| ScoreError::Io { path: path.to_owned(), source })?;
    let sha256 = sha256_hex(&bytes);
    let text = std::str::from_utf8(&bytes).map_err(|error| ScoreError::NotUtf8 {
        path: path.to_owned(),
        offset: error.valid_up_to(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let is_table = columns.id.is_some()
        || columns.pred.is_some()
        || matches!(extension.as_str(), "csv" | "tsv");
    let rows = if is_table {
        let header = text.lines().next().unwrap_or_default();
        let delimiter = if extension == "tsv" || header.contains('\t') { b'\t' } else { b',' };
        read_table(path, text, columns, delimiter)?
    } else if extension == "jsonl" || text.trim_start().starts_with('{') {
        read_jsonl(path, text)?
    } else {
        read_lines(text)
    };
    if rows.is_empty() {
        return Err(ScoreError::Empty { path: path.to_owned() });
    }
    Ok(PredictionFile { rows, sha256 })
}

/// A label or an id may be written as a JSON string or as an integer.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a label or an id must be a string or an integer")]
enum Scalar {
    Text(String),
    Integer(i64),
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => text,
            Scalar::Integer(integer) => integer.to_string(),
        }
    }
}

/// Other members are allowed: a run's rows have `gold` and `logits`, other systems their own.
#[derive(Deserialize)]
struct JsonRow {
    #[serde(default)]
    i: Option<u64>,
    #[serde(default)]
    id: Option<Scalar>,
    pred: Scalar,
}

fn read_jsonl(path: &Path, text: &str) -> Result<Vec<Prediction>, ScoreError> {
    let lines = (1u64..).zip(text.lines()).filter(|(_, content)| !content.trim().is_empty());
    lines
        .map(|(line, content)| {
            let row: JsonRow = serde_json::from_str(content).map_err(|error| {
                let message = format!("not a prediction: {error}");
                ScoreError::Line { path: path.to_owned(), line, message }
            })?;
            Ok(Prediction {
                line,
                id: row.id.map(String::from),
                index: row.i,
                pred: row.pred.into(),
            })
        })
        .collect()
}

fn read_table(
    path: &Path,
    text: &str,
    columns: &TableColumns,
    delimiter: u8,
) -> Result<Vec<Prediction>, ScoreError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let fail = |error: csv::Error| ScoreError::Line {
        path: path.to_owned(),
        line: error.position().map_or(1, csv::Position::line),
        message: error.to_string(),
    };
    let header = reader.headers().map_err(fail)?.clone();
    let find = |name: &str, option: &'static str| {
        header.iter().position(|column| column == name).ok_or_else(|| ScoreError::NoColumn {
            path: path.to_owned(),
            name: name.to_owned(),
            option,
            known: header.iter().collect::<Vec<_>>().join(", "),
            closest: closest(name, header.iter()).map(str::to_owned),
        })
    };
    let pred = find(columns.pred.as_deref().unwrap_or("pred"), "--pred-column")?;
    let id = match &columns.id {
        Some(name) => Some(find(name, "--id-column")?),
        None => header.iter().position(|column| column == "id"),
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fail)?;
        // The reader has checked that every record is as long as the header.
        let field = |index: usize| record.get(index).unwrap_or_default().to_owned();
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(Prediction { line, id: id.map(field), index: None, pred: field(pred) });
    }
    Ok(rows)
}

/// One label a line. An empty line is a prediction too (of no known label): were it skipped, all
/// rows after it would be scored against the wrong one.
fn read_lines(text: &str) -> Vec<Prediction> {
    let prediction = |(line, pred): (u64, &str)| Prediction {
        line,
        id: None,
        index: None,
        pred: pred.trim().to_owned(),
    };
    (1u64..).zip(text.lines()).map(prediction).collect()
}
