//! One writer for each run directory, and for each folder of baselines.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::RecordError;

const LOCK_FILE: &str = ".lock";

/// The right to write a run directory, held until it is dropped or the process ends in any way: the
/// kernel holds it (flock), so a killed kobench never leaves a directory locked.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn acquire(run: &Path) -> Result<Self, RecordError> {
        let path = run.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(RecordError::io("write", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The number is for the message alone: the lock itself is what decides.
                let owner = match file.read_to_string(&mut pid) {
                    Ok(_) if !pid.trim().is_empty() => format!("process {}", pid.trim()),
                    _ => "process unknown".to_owned(),
                };
                return Err(RecordError::Locked { path: run.to_owned(), owner });
            }
            Err(TryLockError::Error(source)) => {
                return Err(RecordError::Io { action: "lock", path, source });
            }
        }
        let write_pid = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write_pid(&mut file).map_err(RecordError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}
