//! The log of a training: a line of JSON for each optimiser step.

use crate::record::{RecordError, TrainingStep};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// The log, open to append to.
#[derive(Debug)]
pub(super) struct StepLog {
    path: PathBuf,
    file: BufWriter<File>,
}

impl StepLog {
    /// The log at `path` with what it says of the first `steps` steps; what comes behind them, of a training
    /// that was interrupted, is done again.
    pub(super) fn open(path: &Path, steps: u64) -> Result<Self, RecordError> {
        let io = |action| RecordError::io(action, path);
        let mut keep = String::new();
        if steps > 0 {
            let text = fs::read_to_string(path).map_err(io("read"))?;
            for line in text.lines() {
                let Ok(step) = serde_json::from_str::<TrainingStep>(line) else { break };
                if step.step > steps {
                    break;
                }
                keep.push_str(line);
                keep.push('\n');
            }
        }
        let temporary = path.with_extension("jsonl.tmp");
        fs::write(&temporary, keep).map_err(io("write"))?;
        fs::rename(&temporary, path).map_err(io("write"))?;
        let file = OpenOptions::new().append(true).open(path).map_err(io("write"))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    pub(super) fn write(&mut self, step: &TrainingStep) -> Result<(), RecordError> {
        let line = serde_json::to_string(step).unwrap_or_default();
        writeln!(self.file, "{line}").map_err(RecordError::io("write", &self.path))
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<(), RecordError> {
        let io = RecordError::io("write", &self.path);
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(io)
    }
}

/// All steps of a log.
pub(in crate::run) fn read(path: &Path) -> Result<Vec<TrainingStep>, RecordError> {
    let text = fs::read_to_string(path).map_err(RecordError::io("read", path))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::training_step;

    #[test]
    fn what_is_behind_the_checkpoint_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.jsonl");
        let step = |step| TrainingStep { step, ..training_step() };
        let mut log = StepLog::open(&path, 0).unwrap();
        (1..=5).for_each(|n| log.write(&step(n)).unwrap());
        log.sync().unwrap();
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"{\"step\": 6, \"lo"))
            .unwrap();
        let mut log = StepLog::open(&path, 3).unwrap();
        log.write(&step(4)).unwrap();
        log.sync().unwrap();
        let steps: Vec<u64> = read(&path).unwrap().iter().map(|step| step.step).collect();
        assert_eq!(steps, [1, 2, 3, 4]);
        StepLog::open(&path, 0).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }
}
