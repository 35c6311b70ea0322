//! Predictions, one JSON object a line, in the order of the dataset.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{PredictionsFile, RecordError};
use crate::digest::HashingWriter;

/// One example's prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionRow {
    /// Index of the row in the dataset, from 0.
    pub i: u64,
    /// The row's own id, where the dataset has ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is right.
    pub gold: Output,
    /// What the model says.
    pub pred: Output,
    /// The model's numbers, one a label in the task's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logits: Option<Vec<f32>>,
    /// What else is right: the other answers of a question that has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_gold: Vec<String>,
    /// Where rows share sources, the number of this row's: such rows are no independent observations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<u32>,
}

impl PredictionRow {
    /// A row without ids, logits and sources.
    pub fn new(i: u64, gold: Output, pred: Output) -> Self {
        Self { i, id: None, gold, pred, logits: None, also_gold: Vec::new(), cluster: None }
    }
}

/// What a row's gold or prediction is; the task's kind says which it must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Output {
    /// A label id (classification) or an answer (question answering).
    Text(String),
    /// A real number (regression).
    Number(f64),
    /// A label a word (tagging).
    Words(Vec<Word>),
}

/// One word's label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Label id; null where the model never saw the word.
    pub label: Option<String>,
    /// Whether the word lies beyond the maximum length. The reference drops such words from gold and
    /// prediction alike, an honest score counts them: so they are marked, not left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Writes rows and hashes them on their way.
#[derive(Debug)]
pub struct PredictionWriter<W: Write> {
    writer: HashingWriter<W>,
    path: PathBuf,
    rows: u64,
}

impl<W: Write> PredictionWriter<W> {
    /// Rows go to `writer`; `path` is its name in errors and, by its last part, in the record.
    pub fn new(writer: W, path: &Path) -> Self {
        Self { writer: HashingWriter::new(writer), path: path.to_owned(), rows: 0 }
    }

    /// Writes one row. Numbers are printed with as many digits as give the same number back.
    ///
    /// # Errors
    /// [`RecordError::NotFinite`] for NaN and infinities, which JSON cannot hold;
    /// [`RecordError::Io`] when the writer fails.
    pub fn write(&mut self, row: &PredictionRow) -> Result<(), RecordError> {
        let bad_logit = row.logits.iter().flatten().find(|logit| !logit.is_finite());
        if let Some(value) = bad_logit {
            return Err(RecordError::NotFinite {
                row: row.i,
                what: "logits",
                value: f64::from(*value),
            });
        }
        if let Output::Number(value) = row.pred
            && !value.is_finite()
        {
            return Err(RecordError::NotFinite { row: row.i, what: "predictions", value });
        }
        let written = serde_json::to_writer(&mut self.writer, row)
            .map_err(io::Error::from)
            .and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(RecordError::io("write", &self.path))?;
        self.rows += 1;
        Ok(())
    }

    /// Flushes, and gives back the writer with what a record says about the file.
    ///
    /// # Errors
    /// [`RecordError::Io`] when the writer fails.
    pub fn finish(mut self) -> Result<(W, PredictionsFile), RecordError> {
        self.writer.flush().map_err(RecordError::io("write", &self.path))?;
        let file = self
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let (inner, sha256, bytes) = self.writer.finish();
        Ok((inner, PredictionsFile { file, sha256, bytes, rows: self.rows }))
    }
}

/// Reads rows one by one; a bad line is an error that names it.
#[derive(Debug)]
pub struct PredictionReader<R> {
    reader: R,
    path: PathBuf,
    line: usize,
    buffer: String,
}

impl<R: BufRead> PredictionReader<R> {
    /// Rows come from `reader`; `path` is its name in errors.
    pub fn new(reader: R, path: &Path) -> Self {
        Self { reader, path: path.to_owned(), line: 0, buffer: String::new() }
    }
}

impl<R: BufRead> Iterator for PredictionReader<R> {
    type Item = Result<PredictionRow, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.buffer.clear();
        self.line += 1;
        match self.reader.read_line(&mut self.buffer) {
            Ok(0) => None,
            Ok(_) => {
                let (path, line) = (&self.path, self.line);
                let parsed = serde_json::from_str(&self.buffer);
                Some(parsed.map_err(|source| RecordError::Prediction {
                    path: path.clone(),
                    line,
                    source,
                }))
            }
            Err(source) => {
                Some(Err(RecordError::Io { action: "read", path: self.path.clone(), source }))
            }
        }
    }
}

/// All rows of a predictions file.
///
/// # Errors
/// [`RecordError::Io`], or [`RecordError::Prediction`] with the line.
pub fn read_predictions(path: &Path) -> Result<Vec<PredictionRow>, RecordError> {
    let file = File::open(path).map_err(RecordError::io("read", path))?;
    PredictionReader::new(BufReader::new(file), path).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(pred: Output, logits: Option<Vec<f32>>) -> PredictionRow {
        PredictionRow {
            id: Some("a\t\"b".into()),
            logits,
            ..PredictionRow::new(3, Output::Text("1".into()), pred)
        }
    }

    fn written(row: &PredictionRow) -> Result<Vec<u8>, RecordError> {
        let mut writer = PredictionWriter::new(Vec::new(), Path::new("p.jsonl"));
        writer.write(row)?;
        Ok(writer.finish()?.0)
    }

    proptest! {
        #[test]
        fn logits_come_back_bit_for_bit(bits in prop::collection::vec(any::<u32>(), 0..8)) {
            let logits: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|value| value.is_finite()).collect();
            let before = row(Output::Text("0".into()), Some(logits.clone()));
            let bytes = written(&before).expect("written");
            let after = PredictionReader::new(bytes.as_slice(), Path::new("p")).next().expect("a row").expect("parsed");
            let after = after.logits.expect("logits");
            prop_assert_eq!(after.len(), logits.len());
            for (a, b) in after.iter().zip(&logits) {
                prop_assert_eq!(a.to_bits(), b.to_bits());
            }
        }
    }

    #[test]
    fn every_kind_of_output_comes_back() {
        let words =
            vec![Word { label: Some("PER-B".into()), cut: false }, Word { label: None, cut: true }];
        for pred in [Output::Text("서울".into()), Output::Number(3.25), Output::Words(words)] {
            let before = row(pred, None);
            let bytes = written(&before).expect("written");
            let rows: Result<Vec<_>, _> =
                PredictionReader::new(bytes.as_slice(), Path::new("p")).collect();
            assert_eq!(rows.expect("parsed"), [before]);
        }
    }

    #[test]
    fn what_json_cannot_hold_is_an_error() {
        let error =
            written(&row(Output::Text("0".into()), Some(vec![1.0, f32::NAN]))).expect_err("NaN");
        assert_eq!(error.to_string(), "row 3: NaN among the logits, which is not a finite number");
        let error = written(&row(Output::Number(f64::INFINITY), None)).expect_err("infinity");
        assert!(error.to_string().starts_with("row 3: inf among the predictions"), "{error}");
    }

    #[test]
    fn a_bad_line_is_named() {
        let text = "{\"i\":0,\"gold\":\"1\",\"pred\":\"1\"}\n{\"i\":1,\n";
        let rows: Vec<_> = PredictionReader::new(text.as_bytes(), Path::new("p.jsonl")).collect();
        assert!(rows[0].is_ok());
        let error = rows[1].as_ref().expect_err("cut short").to_string();
        assert!(error.starts_with("p.jsonl:2: "), "{error}");
    }
}
