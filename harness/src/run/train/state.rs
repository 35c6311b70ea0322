//! Where a training keeps what it needs to go on after it was interrupted.
//!
//! ```text
//! WORK/state-STEP/    the model with its training state, and progress.json
//! WORK/best-STEP/     the best checkpoint so far, as a Hugging Face directory
//! WORK/train.jsonl    the log of the steps
//! ```
//!
//! Each directory is written under a temporary name, synced and renamed, so it is whole or absent; the one
//! before goes only after that. A full disk therefore leaves the last good one in place.

use super::order::Position;
use crate::record::{EvaluationRecord, RecordError};
use crate::worker::Failure;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const PROGRESS: &str = "progress.json";
const TEMPORARY: &str = ".tmp-";
const STATE: &str = "state-";
const BEST: &str = "best-";

/// How far a training is, as the harness knows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// Optimiser steps that are done.
    pub(super) step: u64,
    pub(super) position: Position,
    pub(super) evaluations: Vec<EvaluationRecord>,
    /// The best checkpoint so far: its step, and the value that it was chosen by.
    pub(super) best: Option<(u64, f64)>,
    pub(super) final_loss: f64,
    pub(super) rows: u64,
    pub(super) tokens: u64,
    pub(super) step_seconds: f64,
    pub(super) evaluate_seconds: f64,
    pub(super) resumed_from: Vec<u64>,
    /// The sum of the squares of the lengths of all sequences so far.
    #[serde(default)]
    pub(super) pairs: u64,
    /// Tokens of a part at most, since a batch did not fit into the device's memory.
    #[serde(default)]
    pub(super) micro_tokens: Option<u64>,
    /// Steps that were computed in parts.
    #[serde(default)]
    pub(super) split_steps: u64,
}

/// The directory.
#[derive(Debug)]
pub(in crate::run) struct WorkDir {
    path: PathBuf,
}

/// Why nothing was saved.
#[derive(Debug)]
pub(super) enum SaveError {
    Record(RecordError),
    Worker(Failure),
}

impl From<RecordError> for SaveError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl WorkDir {
    /// The directory at `path`, made if need be, without what a killed process left half-written.
    pub(in crate::run) fn open(path: &Path) -> Result<Self, RecordError> {
        fs::create_dir_all(path).map_err(RecordError::io("create", path))?;
        let work = Self { path: path.to_owned() };
        for name in work.names()?.iter().filter(|name| name.starts_with(TEMPORARY)) {
            work.remove(name)?;
        }
        Ok(work)
    }

    pub(in crate::run) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("train.jsonl")
    }

    pub(super) fn best(&self, step: u64) -> PathBuf {
        self.path.join(format!("{BEST}{step:010}"))
    }

    pub(super) fn model(&self) -> PathBuf {
        self.path.join("model")
    }

    /// The latest state: its directory, and how far the training was. A state that cannot be read is passed
    /// over, and what it was is told to `unreadable`.
    pub(super) fn latest(
        &self,
        unreadable: &mut dyn FnMut(String),
    ) -> Result<Option<(PathBuf, Progress)>, RecordError> {
        let mut states: Vec<String> = self.names()?;
        states.retain(|name| name.starts_with(STATE));
        states.sort();
        while let Some(name) = states.pop() {
            let directory = self.path.join(name);
            let path = directory.join(PROGRESS);
            let read = fs::read(&path)
                .map_err(|e| e.to_string())
                .and_then(|json| serde_json::from_slice(&json).map_err(|e| e.to_string()));
            match read {
                Ok(progress) => return Ok(Some((directory, progress))),
                Err(why) => unreadable(format!("{}: {why}", path.display())),
            }
        }
        Ok(None)
    }

    /// Saves a state; `write` puts the model into the directory that it is given.
    pub(super) fn save_state(
        &self,
        progress: &Progress,
        write: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), SaveError> {
        let name = format!("{STATE}{:010}", progress.step);
        self.place(&name, |directory| {
            write(directory).map_err(SaveError::Worker)?;
            let path = directory.join(PROGRESS);
            let json = serde_json::to_vec_pretty(progress).unwrap_or_default();
            let io = |e| SaveError::Record(RecordError::io("write", &path)(e));
            fs::write(&path, json).map_err(io)?;
            File::open(&path).and_then(|file| file.sync_all()).map_err(io)
        })?;
        let best = progress.best.map(|(step, _)| format!("{BEST}{step:010}"));
        for other in self.names()? {
            let is_old_state = other.starts_with(STATE) && other != name;
            let is_old_best = other.starts_with(BEST) && Some(&other) != best.as_ref();
            if is_old_state || is_old_best {
                self.remove(&other)?;
            }
        }
        Ok(())
    }

    /// Saves the best checkpoint so far. The one before stays until the next state, which may still need it.
    pub(super) fn save_best(
        &self,
        step: u64,
        write: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), SaveError> {
        let name = format!("{BEST}{step:010}");
        self.place(&name, |directory| write(directory).map_err(SaveError::Worker))
    }

    /// Saves the model that was chosen.
    pub(super) fn save_model(
        &self,
        write: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), SaveError> {
        self.place("model", |directory| write(directory).map_err(SaveError::Worker))
    }

    /// Fills a directory under a temporary name, and gives it its own.
    fn place(
        &self,
        name: &str,
        fill: impl FnOnce(&Path) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        let temporary = self.path.join(format!("{TEMPORARY}{name}"));
        let to = self.path.join(name);
        let io = |action| RecordError::io(action, &to);
        let _ = fs::remove_dir_all(&temporary);
        let placed = fs::create_dir(&temporary)
            .map_err(|e| SaveError::Record(RecordError::io("create", &temporary)(e)))
            .and_then(|()| fill(&temporary))
            .and_then(|()| {
                if to.exists() {
                    fs::remove_dir_all(&to).map_err(io("replace"))?;
                }
                let sync = |path: &Path| File::open(path).and_then(|d| d.sync_all());
                sync(&temporary).map_err(io("sync"))?;
                fs::rename(&temporary, &to).map_err(io("write"))?;
                Ok(sync(&self.path).map_err(io("sync"))?)
            });
        if placed.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_dir_all(&temporary);
        }
        placed
    }

    fn remove(&self, name: &str) -> Result<(), RecordError> {
        let path = self.path.join(name);
        fs::remove_dir_all(&path).map_err(RecordError::io("remove", &path))
    }

    fn names(&self) -> Result<Vec<String>, RecordError> {
        let io = RecordError::io("read", &self.path);
        fs::read_dir(&self.path)
            .and_then(|entries| {
                entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
            })
            .map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64, best: Option<(u64, f64)>) -> Progress {
        Progress { step, best, ..Progress::default() }
    }

    fn weights(text: &'static str) -> impl FnOnce(&Path) -> Result<(), Failure> {
        move |directory| {
            fs::write(directory.join("weights"), text).unwrap();
            Ok(())
        }
    }

    fn full() -> Failure {
        let kind = crate::worker::FailureKind::Worker("no space left".into());
        Failure { kind, stage: None, output: Vec::new() }
    }

    #[test]
    fn the_latest_state_and_the_best_of_it_stay() {
        let folder = tempfile::tempdir().unwrap();
        let work = WorkDir::open(&folder.path().join("w")).unwrap();
        assert!(work.latest(&mut |_| {}).unwrap().is_none());
        work.save_best(5, weights("five")).unwrap();
        work.save_state(&at(9, Some((5, 0.5))), weights("nine")).unwrap();
        work.save_best(10, weights("ten")).unwrap();
        assert!(work.best(5).is_dir(), "the state still refers to it");
        work.save_state(&at(12, Some((10, 0.6))), weights("twelve")).unwrap();
        assert!(!work.best(5).exists() && work.best(10).is_dir());
        let (directory, progress) = work.latest(&mut |_| {}).unwrap().unwrap();
        assert_eq!(progress, at(12, Some((10, 0.6))));
        assert_eq!(fs::read_to_string(directory.join("weights")).unwrap(), "twelve");
    }

    #[test]
    fn a_save_that_fails_leaves_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let work = WorkDir::open(folder.path()).unwrap();
        work.save_state(&at(9, None), weights("nine")).unwrap();
        let failed = work.save_state(&at(12, None), |directory| {
            fs::write(directory.join("weights"), "twel").unwrap();
            Err(full())
        });
        assert!(matches!(failed, Err(SaveError::Worker(_))));
        assert_eq!(work.latest(&mut |_| {}).unwrap().unwrap().1.step, 9);
        assert_eq!(work.names().unwrap().len(), 1, "nothing half-written stays");
    }

    #[test]
    fn what_cannot_be_read_is_passed_over_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let work = WorkDir::open(folder.path()).unwrap();
        work.save_state(&at(9, None), weights("nine")).unwrap();
        fs::create_dir_all(folder.path().join("state-0000000020")).unwrap();
        fs::create_dir_all(folder.path().join(".tmp-state-0000000021")).unwrap();
        let work = WorkDir::open(folder.path()).unwrap();
        let mut told = Vec::new();
        let (_, progress) = work.latest(&mut |what| told.push(what)).unwrap().unwrap();
        assert_eq!((progress.step, told.len()), (9, 1));
        assert!(told[0].contains("state-0000000020"), "{told:?}");
        assert!(!folder.path().join(".tmp-state-0000000021").exists());
    }
}
