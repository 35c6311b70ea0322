//! The directory of a run: cells come into it whole or not at all.
//!
//! A cell is written into `cells/.tmp-ID-PID`, synced, and renamed to `cells/ID`. Killed at any
//! moment, a run loses at most the cell in flight; the next `open_or_create` cleans up after it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::lock::Lock;
use super::{CellRecord, PredictionRow, PredictionWriter, RecordError, RunRecord, SCHEMA_VERSION};
use crate::digest::sha256_file;

const RUN_FILE: &str = "run.json";
const CELLS: &str = "cells";
const CELL_FILE: &str = "cell.json";
const PREDICTIONS_FILE: &str = "predictions.jsonl";
pub(super) const TEMPORARY: &str = ".tmp-";
const REPLACED: &str = ".old-";
const TRAINING: &str = ".train-";

/// A run directory that this process alone may write.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: Lock,
}

impl RunDir {
    /// Opens the run directory at `path`, making it if need be, and removes what a killed process
    /// left half-written.
    ///
    /// # Errors
    /// [`RecordError::Locked`] while another process has it open; [`RecordError::Io`].
    pub fn open_or_create(path: &Path) -> Result<Self, RecordError> {
        let cells = path.join(CELLS);
        fs::create_dir_all(&cells).map_err(RecordError::io("create", &cells))?;
        let lock = Lock::acquire(path)?;
        let run = Self { path: path.to_owned(), _lock: lock };
        run.clean_up()?;
        Ok(run)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of the cell `id`, whether it is there or not.
    pub fn cell_path(&self, id: &str) -> PathBuf {
        self.path.join(CELLS).join(id)
    }

    /// Where the training of the cell `id` keeps what it goes on from after an interruption.
    pub fn training_path(&self, id: &str) -> PathBuf {
        self.path.join(CELLS).join(format!("{TRAINING}{id}"))
    }

    /// Removes what the training of the cell `id` has kept.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn forget_training(&self, id: &str) -> Result<(), RecordError> {
        let path = self.training_path(id);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(RecordError::io("remove", &path))?;
        }
        Ok(())
    }

    /// All cells, done and failed, ordered by id.
    ///
    /// # Errors
    /// As [`read_cells`].
    pub fn cells(&self) -> Result<Vec<CellRecord>, RecordError> {
        read_cells_at(&self.path.join(CELLS))
    }

    /// The record of the cell `id` when it is done and its predictions are there: present, and of
    /// the size that the record says. [`verify_predictions`] looks at their content too.
    pub fn done(&self, id: &str) -> Option<CellRecord> {
        let cell = self.cell_path(id);
        let record: CellRecord = read_record(&cell.join(CELL_FILE)).ok()?;
        let predictions = record.predictions.as_ref()?;
        let size = fs::metadata(cell.join(&predictions.file)).ok()?.len();
        (record.is_done() && record.id == id && size == predictions.bytes).then_some(record)
    }

    /// Whether the cell `id` need not run again; see [`RunDir::done`].
    pub fn has_done(&self, id: &str) -> bool {
        self.done(id).is_some()
    }

    /// Writes a cell with its predictions, in place of an older one of the same id, and gives back
    /// the record with [`CellRecord::predictions`] filled in. A failed cell has no predictions.
    ///
    /// # Errors
    /// [`RecordError::Io`] and [`RecordError::NotFinite`]; then nothing of the cell remains, and an
    /// older one is as it was.
    pub fn write_cell(
        &self,
        record: CellRecord,
        predictions: Option<&[PredictionRow]>,
    ) -> Result<CellRecord, RecordError> {
        self.write_cell_with(record, predictions, &[])
    }

    /// As [`RunDir::write_cell`], with more files: each is moved into the cell's directory under a name. They
    /// must be on the same file system; after an error they may be gone.
    ///
    /// # Errors
    /// As [`RunDir::write_cell`].
    pub fn write_cell_with(
        &self,
        mut record: CellRecord,
        predictions: Option<&[PredictionRow]>,
        moved: &[(&str, &Path)],
    ) -> Result<CellRecord, RecordError> {
        // The id names a directory, so one that is not an id must not reach the file system.
        if record.id.is_empty() || !record.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(RecordError::BadId { id: record.id });
        }
        let cells = self.path.join(CELLS);
        let temporary = cells.join(format!("{TEMPORARY}{}-{}", record.id, std::process::id()));
        let written = fill(&temporary, &mut record, predictions)
            .and_then(|()| {
                moved.iter().try_for_each(|(name, from)| {
                    let to = temporary.join(name);
                    fs::rename(from, &to).map_err(RecordError::io("write", &to))
                })
            })
            .and_then(|()| {
                replace(
                    &temporary,
                    &cells.join(&record.id),
                    &cells.join(format!("{REPLACED}{}", record.id)),
                )
            })
            .and_then(|()| sync_directory(&cells));
        if let Err(error) = written {
            // The first error is the one to report; a directory that cannot be removed now is
            // removed at the next open.
            let _ = fs::remove_dir_all(&temporary);
            return Err(error);
        }
        Ok(record)
    }

    /// Writes `run.json`, in place of an older one.
    ///
    /// # Errors
    /// [`RecordError::Io`]; then an older `run.json` is as it was.
    pub fn write_run(&self, run: &RunRecord) -> Result<(), RecordError> {
        let temporary = self.path.join(format!("{TEMPORARY}{RUN_FILE}-{}", std::process::id()));
        let path = self.path.join(RUN_FILE);
        let written = write_json(&temporary, run)
            .and_then(|()| fs::rename(&temporary, &path).map_err(RecordError::io("write", &path)))
            .and_then(|()| sync_directory(&self.path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Removes what was being written, and puts back what was being replaced, when a process died.
    /// The lock is held, so none of it belongs to a living one.
    fn clean_up(&self) -> Result<(), RecordError> {
        let cells = self.path.join(CELLS);
        for path in entries(&cells)?.into_iter().chain(entries(&self.path)?) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(id) = name.strip_prefix(REPLACED) {
                let place = cells.join(id);
                if place.exists() {
                    fs::remove_dir_all(&path).map_err(RecordError::io("remove", &path))?;
                } else {
                    fs::rename(&path, &place).map_err(RecordError::io("restore", &place))?;
                }
            } else if name.starts_with(TEMPORARY) {
                let removed =
                    if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(RecordError::io("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// All cells of the run directory at `path`, done and failed, ordered by id, without locking it.
///
/// # Errors
/// [`RecordError::NotARun`] when there is none; [`RecordError::Invalid`] or
/// [`RecordError::Version`] with the file.
pub fn read_cells(path: &Path) -> Result<Vec<CellRecord>, RecordError> {
    let cells = path.join(CELLS);
    if !cells.is_dir() && !path.join(RUN_FILE).is_file() {
        return Err(RecordError::NotARun { path: path.to_owned() });
    }
    if cells.is_dir() { read_cells_at(&cells) } else { Ok(Vec::new()) }
}

/// The `run.json` of the run directory at `path`.
///
/// # Errors
/// As [`read_cells`].
pub fn read_run(path: &Path) -> Result<RunRecord, RecordError> {
    let file = path.join(RUN_FILE);
    if !file.is_file() {
        return Err(RecordError::NotARun { path: path.to_owned() });
    }
    read_record(&file)
}

/// Whether the predictions of a cell of the run directory at `path` are of the size that its record says: what a
/// record is trusted by, for reading them all takes a while ([`verify_predictions`]). A record without its predictions
/// passes, as one that was copied alone has none.
///
/// # Errors
/// [`RecordError::Mismatch`] when the sizes differ; [`RecordError::Io`] when the system does not tell.
pub fn trust_predictions(path: &Path, record: &CellRecord) -> Result<(), RecordError> {
    let Some(predictions) = &record.predictions else { return Ok(()) };
    let path = path.join(CELLS).join(&record.id).join(&predictions.file);
    let found = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(RecordError::Io { action: "read", path, source }),
    };
    if found == predictions.bytes {
        return Ok(());
    }
    Err(RecordError::Mismatch {
        path,
        what: "its size in bytes",
        found: found.to_string(),
        expected: predictions.bytes.to_string(),
    })
}

/// Reads the predictions of a cell of the run directory at `path` again, and compares their hash
/// with the one in its record. A failed cell has none, and passes.
///
/// # Errors
/// [`RecordError::Mismatch`] when they differ; [`RecordError::Io`] when they cannot be read.
pub fn verify_predictions(path: &Path, record: &CellRecord) -> Result<(), RecordError> {
    let (Some(predictions), Some(path)) = (&record.predictions, predictions_path(path, record))
    else {
        return Ok(());
    };
    let found = sha256_file(&path).map_err(RecordError::io("read", &path))?;
    if found == predictions.sha256 {
        return Ok(());
    }
    Err(RecordError::Mismatch {
        path,
        what: "SHA-256",
        found,
        expected: predictions.sha256.clone(),
    })
}

/// Where the predictions of a cell of the run directory at `path` are; none where it has none.
pub fn predictions_path(path: &Path, record: &CellRecord) -> Option<PathBuf> {
    let predictions = record.predictions.as_ref()?;
    Some(path.join(CELLS).join(&record.id).join(&predictions.file))
}

fn read_cells_at(cells: &Path) -> Result<Vec<CellRecord>, RecordError> {
    let mut paths: Vec<PathBuf> = entries(cells)?
        .into_iter()
        .filter(|path| !path.file_name().unwrap_or_default().to_string_lossy().starts_with('.'))
        .filter(|path| path.is_dir())
        .collect();
    paths.sort();
    // In the order of the paths; of several damaged ones any is named.
    paths.par_iter().map(|path| read_record(&path.join(CELL_FILE))).collect()
}

pub(super) fn entries(directory: &Path) -> Result<Vec<PathBuf>, RecordError> {
    fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(RecordError::io("read", directory))
}

/// Reads a record, looking at its version before its fields: those of another version may differ.
pub(crate) fn read_record<T: DeserializeOwned>(path: &Path) -> Result<T, RecordError> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema_version: u64,
    }
    let bytes = fs::read(path).map_err(RecordError::io("read", path))?;
    let invalid = |source| RecordError::Invalid { path: path.to_owned(), source };
    let found = serde_json::from_slice::<Version>(&bytes).map_err(invalid)?.schema_version;
    if found != u64::from(SCHEMA_VERSION) {
        return Err(RecordError::Version { path: path.to_owned(), found });
    }
    serde_json::from_slice(&bytes).map_err(invalid)
}

/// Makes the directory of a cell and everything in it, synced.
fn fill(
    directory: &Path,
    record: &mut CellRecord,
    predictions: Option<&[PredictionRow]>,
) -> Result<(), RecordError> {
    fs::create_dir(directory).map_err(RecordError::io("create", directory))?;
    record.predictions = None;
    if let Some(rows) = predictions {
        let path = directory.join(PREDICTIONS_FILE);
        let file = File::create(&path).map_err(RecordError::io("create", &path))?;
        let mut writer = PredictionWriter::new(BufWriter::new(file), &path);
        for row in rows {
            writer.write(row)?;
        }
        let (buffered, info) = writer.finish()?;
        buffered.get_ref().sync_all().map_err(RecordError::io("write", &path))?;
        record.predictions = Some(info);
    }
    write_json(&directory.join(CELL_FILE), record)?;
    sync_directory(directory)
}

/// Puts `from` at `to`. A directory cannot be renamed over one that is not empty, so an older cell
/// goes to `aside` first; a process that dies in between leaves it there, and `clean_up` restores it.
fn replace(from: &Path, to: &Path, aside: &Path) -> Result<(), RecordError> {
    let replacing = to.exists();
    if replacing {
        fs::rename(to, aside).map_err(RecordError::io("replace", to))?;
    }
    if let Err(source) = fs::rename(from, to) {
        if replacing {
            // When even this fails, `clean_up` does it at the next open.
            let _ = fs::rename(aside, to);
        }
        return Err(RecordError::Io { action: "write", path: to.to_owned(), source });
    }
    if replacing {
        // The new cell is in place: what remains of the old one is removed at the next open.
        let _ = fs::remove_dir_all(aside);
    }
    Ok(())
}

/// Writes `value` indented, with a final newline, and syncs it.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), RecordError> {
    let write = || -> io::Result<()> {
        let mut writer = BufWriter::new(File::create(path)?);
        serde_json::to_writer_pretty(&mut writer, value)?;
        writer.write_all(b"\n")?;
        writer.flush()?;
        writer.get_ref().sync_all()
    };
    write().map_err(RecordError::io("write", path))
}

/// A rename is durable once the directory that holds the name is synced.
pub(super) fn sync_directory(path: &Path) -> Result<(), RecordError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(RecordError::io("sync", path))
}

#[cfg(test)]
#[path = "dir_tests.rs"]
mod tests;
