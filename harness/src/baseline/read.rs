//! Reading a baseline.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::place::RECORD_FILE;
use super::{BASELINE_VERSION, BaselineError, BaselineRecord, ContentFile, rows};
use crate::compare::{Evidence, Rows};
use crate::digest::{is_sha256, sha256_hex};
use crate::record::{BenchRecord, CellRecord};

/// A baseline. The rows of its cells are read when they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Its directory.
    pub path: PathBuf,
    /// Its record.
    pub record: BaselineRecord,
    /// Its cells, in the record's order.
    pub cells: Vec<BaselineCell>,
    /// Its measurements of speed, in the record's order.
    pub benches: Vec<BenchRecord>,
}

/// A cell of a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineCell {
    /// Its record; it has no predictions, and its counts by label and by entity are empty.
    pub record: CellRecord,
    /// SHA-256 of the predictions that the rows were made of.
    pub predictions_sha256: Option<String>,
    rows: ContentFile,
}

/// Reads the baseline in a directory, with its measurements of speed.
///
/// # Errors
/// [`BaselineError`]: a file that is missing, damaged or of another version, or that has changed since.
pub fn read(path: &Path) -> Result<Baseline, BaselineError> {
    let file = path.join(RECORD_FILE);
    let bytes = fs::read(&file).map_err(BaselineError::io("read", &file))?;
    let record: BaselineRecord = parse(&file, &bytes)?;
    let files = record.cells.iter().map(|cell| &cell.rows);
    for content in files.chain(record.benches.iter().map(|bench| &bench.record)) {
        content.check(&file)?;
    }
    let cells = (record.cells.iter())
        .map(|entry| BaselineCell {
            // They are not here to be read.
            record: CellRecord { predictions: None, ..entry.cell.clone() },
            predictions_sha256: entry.cell.predictions.as_ref().map(|file| file.sha256.clone()),
            rows: entry.rows.clone(),
        })
        .collect();
    let benches = (record.benches.iter())
        .map(|entry| {
            let bytes = entry.record.read(path)?;
            parse_as(&path.join(&entry.record.file), &bytes)
        })
        .collect::<Result<_, _>>()?;
    Ok(Baseline { path: path.to_owned(), record, cells, benches })
}

impl Baseline {
    /// The rows of a cell, once their hash was seen to be the one of the record.
    ///
    /// # Errors
    /// [`BaselineError::Io`], [`BaselineError::Mismatch`], [`BaselineError::Rows`], and [`BaselineError::Invalid`] where
    /// the rows are not those that the cell's record speaks of.
    pub fn evidence(&self, cell: &BaselineCell) -> Result<Evidence, BaselineError> {
        let path = self.path.join(&cell.rows.file);
        let evidence = rows::parse(&cell.rows.read(&self.path)?, &path)?;
        let (rows, n) = (evidence.rows.len() as u64, cell.record.n);
        if rows != n {
            let message = format!("it has {rows} rows, the cell's record says {n}");
            return Err(BaselineError::Invalid { path, message });
        }
        let labels = cell.record.labels.len();
        if let Some(label) = largest_label(&evidence.rows).filter(|label| *label as usize >= labels)
        {
            let message = format!("label {label} is not among the {labels} of the cell's record");
            return Err(BaselineError::Invalid { path, message });
        }
        Ok(evidence)
    }

    /// Bytes of all its files.
    ///
    /// # Errors
    /// [`BaselineError::Io`].
    pub fn bytes(&self) -> Result<u64, BaselineError> {
        let file = self.path.join(RECORD_FILE);
        let own = fs::metadata(&file).map_err(BaselineError::io("read", &file))?.len();
        let rows = self.record.cells.iter().map(|cell| cell.rows.bytes);
        let benches = self.record.benches.iter().map(|bench| bench.record.bytes);
        Ok(own + rows.chain(benches).sum::<u64>())
    }

    /// Reads everything, to see that it is as it was written: how many files there are.
    ///
    /// # Errors
    /// The first of [`Baseline::evidence`].
    pub fn check(&self) -> Result<usize, BaselineError> {
        for cell in &self.cells {
            self.evidence(cell)?;
        }
        Ok(1 + self.cells.len() + self.benches.len())
    }
}

impl ContentFile {
    /// What the record says of a file comes from outside, too: it must stay below the baseline.
    fn check(&self, record: &Path) -> Result<(), BaselineError> {
        let inside = !self.file.is_empty()
            && self.file.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if inside && is_sha256(&self.sha256) {
            return Ok(());
        }
        let message =
            format!("`{}` with SHA-256 `{}` is no file of a baseline", self.file, self.sha256);
        Err(BaselineError::Invalid { path: record.to_owned(), message })
    }

    fn read(&self, directory: &Path) -> Result<Vec<u8>, BaselineError> {
        let path = directory.join(&self.file);
        let bytes = fs::read(&path).map_err(BaselineError::io("read", &path))?;
        let found = sha256_hex(&bytes);
        if found == self.sha256 {
            return Ok(bytes);
        }
        Err(BaselineError::Mismatch { path, found, expected: self.sha256.clone() })
    }
}

/// The largest label that occurs.
fn largest_label(rows: &Rows) -> Option<u32> {
    match rows {
        Rows::Labels { gold, predicted, .. } => gold.iter().chain(predicted).max().copied(),
        Rows::Tags { gold, predicted, .. } => {
            gold.iter().chain(predicted.iter().flatten()).max().copied()
        }
        Rows::Values { .. } | Rows::Answers { .. } => None,
    }
}

/// Parses the record, looking at its version before its fields: those of another version may differ.
fn parse(path: &Path, bytes: &[u8]) -> Result<BaselineRecord, BaselineError> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema_version: u64,
    }
    let found = parse_as::<Version>(path, bytes)?.schema_version;
    if found != u64::from(BASELINE_VERSION) {
        return Err(BaselineError::Version { path: path.to_owned(), found });
    }
    parse_as(path, bytes)
}

fn parse_as<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, BaselineError> {
    let invalid = |error: serde_json::Error| BaselineError::Invalid {
        path: path.to_owned(),
        message: error.to_string(),
    };
    serde_json::from_slice(bytes).map_err(invalid)
}
