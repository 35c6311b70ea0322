//! The log of a training: one JSON object a line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::record::{RecordError, TrainingStep};

/// All steps of a `train.jsonl`, in the order of the file.
///
/// # Errors
/// [`RecordError::Io`], or [`RecordError::Prediction`] with the line that is none.
pub(super) fn read_steps(path: &Path) -> Result<Vec<TrainingStep>, RecordError> {
    let io = |source| RecordError::Io { action: "read", path: path.to_owned(), source };
    let lines = BufReader::new(File::open(path).map_err(io)?).lines();
    let step = |(index, line): (usize, std::io::Result<String>)| {
        let wrong =
            |source| RecordError::TrainingStep { path: path.to_owned(), line: index + 1, source };
        serde_json::from_str(&line.map_err(io)?).map_err(wrong)
    };
    lines.enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::training_step;

    #[test]
    fn steps_come_back_and_a_bad_line_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("train.jsonl");
        let line = serde_json::to_string(&training_step()).expect("JSON");
        std::fs::write(&path, format!("{line}\n{line}\n")).expect("written");
        assert_eq!(read_steps(&path).expect("read"), [training_step(), training_step()]);
        std::fs::write(&path, format!("{line}\n{{\"step\": 1}}\n")).expect("written");
        let error = read_steps(&path).expect_err("no step").to_string();
        assert!(
            error.contains("train.jsonl:2: not a step of a training: missing field"),
            "{error}"
        );
    }
}
