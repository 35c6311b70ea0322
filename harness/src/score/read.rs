//! Reading predictions: JSON lines, CSV or TSV with a header, or one label a line.

use super::ScoreError;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// One prediction, as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The line that it is on, from 1.
    pub line: usize,
    /// The index of the row, if the file says.
    pub index: Option<u64>,
    /// The id of the row, if the file says.
    pub id: Option<String>,
    /// The label.
    pub label: String,
}

/// Names of columns, where they are not the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// The rows' ids.
    pub id: Option<String>,
    /// The predicted labels.
    pub pred: Option<String>,
}

/// Reads the predictions in `bytes`; `path` decides the format by its ending (`.csv`, `.tsv`, `.jsonl`),
/// else the first character does: `{` means JSON lines. Columns can be named for a file of any ending.
///
/// # Errors
/// A row that makes no sense, or a column that is not there.
pub fn read(bytes: &[u8], path: &Path, columns: &Columns) -> Result<Vec<Prediction>, ScoreError> {
    let text = std::str::from_utf8(bytes).map_err(|e| ScoreError::Row {
        path: path.into(),
        line: bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1,
        reason: format!("not UTF-8: {e}"),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let extension =
        path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let header = text.lines().next().unwrap_or_default();
    let named = columns.id.is_some() || columns.pred.is_some();
    match extension.as_str() {
        "jsonl" | "json" | "ndjson" => json_lines(text, path),
        "csv" => delimited(text, path, columns, b','),
        "tsv" => delimited(text, path, columns, b'\t'),
        _ if text.trim_start().starts_with('{') => json_lines(text, path),
        _ if named => {
            delimited(text, path, columns, if header.contains('\t') { b'\t' } else { b',' })
        }
        _ => Ok(labels(text)),
    }
}

/// A line of kobench's own predictions, or of another system's: more keys may be there.
#[derive(Deserialize)]
struct JsonRow {
    i: Option<u64>,
    id: Option<Value>,
    #[serde(alias = "prediction", alias = "label")]
    pred: Value,
}

fn json_lines(text: &str, path: &Path) -> Result<Vec<Prediction>, ScoreError> {
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let bad = |reason: String| ScoreError::Row { path: path.into(), line: number + 1, reason };
        let row: JsonRow = serde_json::from_str(line).map_err(|e| bad(e.to_string()))?;
        let label =
            scalar(&row.pred).ok_or_else(|| bad(format!("`pred` is {}, not a label", row.pred)))?;
        let id = row.id.as_ref().filter(|v| !v.is_null());
        let id = id
            .map(|v| scalar(v).ok_or_else(|| bad(format!("`id` is {v}, not an id"))))
            .transpose()?;
        all.push(Prediction { line: number + 1, index: row.i, id, label });
    }
    Ok(all)
}

/// A label or id that may be written as a string or as a whole number.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) if n.is_i64() || n.is_u64() => Some(n.to_string()),
        _ => None,
    }
}

fn delimited(
    text: &str,
    path: &Path,
    columns: &Columns,
    delimiter: u8,
) -> Result<Vec<Prediction>, ScoreError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        // Quotes have no meaning in the tab-separated files of these tasks.
        .quoting(delimiter == b',')
        .from_reader(text.as_bytes());
    let bad = |e: &csv::Error| ScoreError::Row {
        path: path.into(),
        line: e.position().map_or(1, |p| usize::try_from(p.line()).unwrap_or(1)),
        reason: e.to_string(),
    };
    let header: Vec<String> =
        reader.headers().map_err(|e| bad(&e))?.iter().map(ToString::to_string).collect();
    let find = |name: &str| header.iter().position(|h| h == name);
    let named = |name: &Option<String>, usual: &[&str], option: &'static str| match name {
        Some(name) => find(name).map(Some).ok_or_else(|| ScoreError::Column {
            path: path.into(),
            column: name.clone(),
            found: header.clone(),
            option,
        }),
        None => Ok(usual.iter().find_map(|n| find(n))),
    };
    let id = named(&columns.id, &["id"], "--id-column")?;
    let pred = named(&columns.pred, &["pred", "prediction", "label"], "--pred-column")?;
    let pred = pred.ok_or_else(|| ScoreError::Column {
        path: path.into(),
        column: "pred".into(),
        found: header.clone(),
        option: "--pred-column",
    })?;
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| bad(&e))?;
        let line = record.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
        let field = |column: usize| record.get(column).map(|f| f.trim().to_string());
        let label = field(pred).ok_or_else(|| ScoreError::Row {
            path: path.into(),
            line,
            reason: "the row has no prediction".into(),
        })?;
        all.push(Prediction { line, index: None, id: id.and_then(field), label });
    }
    Ok(all)
}

/// One label a line; empty lines at the end do not count.
fn labels(text: &str) -> Vec<Prediction> {
    let lines = text.trim_end().lines().enumerate();
    lines
        .map(|(i, line)| Prediction {
            line: i + 1,
            index: None,
            id: None,
            label: line.trim().to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_as(name: &str, text: &str) -> Result<Vec<Prediction>, String> {
        read(text.as_bytes(), Path::new(name), &Columns::default()).map_err(|e| e.to_string())
    }

    fn shape(rows: &[Prediction]) -> Vec<(Option<u64>, Option<&str>, &str)> {
        rows.iter().map(|r| (r.index, r.id.as_deref(), r.label.as_str())).collect()
    }

    #[test]
    fn every_form_reads_as_what_it_says() {
        let jsonl = read_as(
            "p.jsonl",
            "{\"i\": 0, \"id\": \"9\", \"pred\": \"1\", \"logits\": [0.5]}\n\n{\"id\": 7, \"pred\": 0}\n",
        );
        assert_eq!(shape(&jsonl.unwrap()), [(Some(0), Some("9"), "1"), (None, Some("7"), "0")]);
        let csv = read_as("p.csv", "id,text,pred\n3,\"쉼표, 와 \"\"따옴표\"\"\",1\n");
        assert_eq!(shape(&csv.unwrap()), [(None, Some("3"), "1")]);
        let tsv = read_as("p.tsv", "\u{feff}id\tprediction\n3\t\"1\n");
        assert_eq!(shape(&tsv.unwrap()), [(None, Some("3"), "\"1")]);
        assert_eq!(
            shape(&read_as("p.txt", "1\n0\n\n").unwrap()),
            [(None, None, "1"), (None, None, "0")]
        );
    }

    #[test]
    fn what_makes_no_sense_is_named_by_line() {
        assert!(
            read_as("p.jsonl", "{\"pred\": \"1\"}\n{\"pred\": [1]}\n")
                .unwrap_err()
                .starts_with("p.jsonl:2:")
        );
        assert!(read_as("p.jsonl", "{\"pred\": NaN}\n").unwrap_err().starts_with("p.jsonl:1:"));
        assert!(
            read_as("p.csv", "id,guess\n1,1\n").unwrap_err().contains("the columns are: id, guess")
        );
        let bytes = [b"1\n".as_slice(), &[0xff]].concat();
        let error = read(&bytes, Path::new("p"), &Columns::default()).unwrap_err().to_string();
        assert!(error.starts_with("p:2: not UTF-8"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, name in "p\\.(jsonl|csv|tsv|txt)") {
            let _ = read(&bytes, Path::new(&name), &Columns::default());
        }
    }
}
