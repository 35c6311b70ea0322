//! Measurements of speed in a run directory: a file each, whole or not at all.

use std::fs;
use std::path::Path;

use super::dir::{TEMPORARY, entries, read_record, sync_directory, write_json};
use super::{BenchRecord, RecordError, RunDir};

const BENCHES: &str = "bench";

impl RunDir {
    /// Writes a measurement, in place of an older one of the same id.
    ///
    /// # Errors
    /// [`RecordError::Io`]; then an older one is as it was. [`RecordError::BadId`].
    pub fn write_bench(&self, record: &BenchRecord) -> Result<(), RecordError> {
        // The id names a file.
        if record.id.is_empty() || !record.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(RecordError::BadId { id: record.id.clone() });
        }
        let folder = self.path().join(BENCHES);
        fs::create_dir_all(&folder).map_err(RecordError::io("create", &folder))?;
        let name = format!("{}.json", record.id);
        // Where the next one that opens the directory looks for what is left of a killed process.
        let temporary = self.path().join(format!("{TEMPORARY}{name}-{}", std::process::id()));
        let path = folder.join(&name);
        let written = write_json(&temporary, record)
            .and_then(|()| fs::rename(&temporary, &path).map_err(RecordError::io("write", &path)))
            .and_then(|()| sync_directory(&folder));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// All measurements of the run directory at `path`, ordered by id, without locking it; none where nothing was measured.
///
/// # Errors
/// [`RecordError::Invalid`] or [`RecordError::Version`] with the file; [`RecordError::Io`].
pub fn read_benches(path: &Path) -> Result<Vec<BenchRecord>, RecordError> {
    let folder = path.join(BENCHES);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = entries(&folder)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| read_record(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{bench, inputs};
    use super::*;
    use crate::record::BenchSide;

    #[test]
    fn the_same_measurement_again_takes_the_place_of_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read_benches(folder.path()).expect("read"), []);
        let run = RunDir::open_or_create(folder.path()).expect("opened");
        let (mut first, mut other) = (bench(), bench());
        run.write_bench(&first).expect("written");
        first.warnings.push("again".into());
        run.write_bench(&first).expect("written");
        other.id = "00aa".into();
        run.write_bench(&other).expect("written");
        assert_eq!(read_benches(folder.path()).expect("read"), [other.clone(), first]);
        other.id = "../x".into();
        assert!(matches!(run.write_bench(&other), Err(RecordError::BadId { .. })));
        fs::write(folder.path().join("bench/00aa.json"), "{").expect("written");
        let error = read_benches(folder.path()).expect_err("damaged").to_string();
        assert!(error.contains("00aa.json is not a kobench record"), "{error}");
    }

    #[test]
    fn what_was_half_written_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(RunDir::open_or_create(folder.path()).expect("opened"));
        let left = folder.path().join(".tmp-00aa.json-1");
        fs::write(&left, "{").expect("written");
        drop(RunDir::open_or_create(folder.path()).expect("opened"));
        assert!(!left.exists());
    }

    #[test]
    fn what_was_measured_and_on_which_side_decides_the_id() {
        let (record, inputs) = (bench(), inputs());
        let id =
            |scenario: &str, side| BenchRecord::id_of(&inputs, scenario, &record.settings, side);
        assert_eq!(id("offline", None), id("offline", None));
        assert_ne!(id("offline", None), id("server", None));
        assert_ne!(id("offline", Some(BenchSide::Base)), id("offline", Some(BenchSide::New)));
    }
}
