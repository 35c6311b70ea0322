//! The model's files: config.json, and majority.json with the counts.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use kobench_plugin_sdk::{Error, Head, Result};
use serde::{Deserialize, Serialize};

use crate::counts::Counts;

/// Counts of tasks' training splits that are part of the library, by task: majority.json of a model that was
/// trained on it.
pub(crate) const BUNDLED: &[(&str, &str)] = &[
    ("nsmc", include_str!("../weights/nsmc.json")),
    ("hate_speech", include_str!("../weights/hate_speech.json")),
    ("korsts", include_str!("../weights/korsts.json")),
    ("question_pair", include_str!("../weights/question_pair.json")),
    ("klue_ner", include_str!("../weights/klue_ner.json")),
];

const CONFIG: &str = "config.json";
const COUNTS: &str = "majority.json";
const STATE: &str = "training_state.json";

/// majority.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    /// What the counts are of: sequences, or words.
    pub(crate) head: Head,
    /// The counts.
    pub(crate) counts: Counts,
}

/// training_state.json: what was counted since the last update.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    pending: Counts,
}

/// The counts that are part of the library: those of this task, or the first with this head and as many labels.
///
/// # Errors
/// A task of which there are none, or no counts that fit.
pub(crate) fn bundled(task: Option<&str>, head: Head, labels: Option<u32>) -> Result<Saved> {
    let read = |(task, text): &(&str, &str)| parse(text, &format!("the weights \"{task}\""));
    let known = || BUNDLED.iter().map(|(task, _)| *task).collect::<Vec<_>>().join(", ");
    if let Some(name) = task {
        let found = BUNDLED.iter().find(|(task, _)| *task == name);
        return found.map(read).unwrap_or_else(|| {
            Err(Error::not_found(format!("no weights \"{name}\"; there are: {}", known())))
        });
    }
    for bundle in BUNDLED {
        let saved = read(bundle)?;
        if saved.head == head && labels.is_none_or(|n| n as usize == saved.counts.labels()) {
            return Ok(saved);
        }
    }
    Err(Error::not_found(format!(
        "there are no weights for a {} head with {} (there are: {}); train the model first, or name a checkpoint",
        head.name(),
        labels.map_or_else(|| "any labels".to_owned(), |n| format!("{n} labels")),
        known()
    )))
}

/// Reads a checkpoint.
///
/// # Errors
/// A file that is missing, or whose content is wrong.
pub(crate) fn read(folder: &Path) -> Result<Saved> {
    is_there(folder)?;
    let path = folder.join(CONFIG);
    let config: serde_json::Value = serde_json::from_str(&text(&path)?)
        .map_err(|error| Error::bad_data(format!("{}: {error}", path.display())))?;
    let labels = config.get("num_labels").and_then(serde_json::Value::as_u64);
    let labels = labels
        .ok_or_else(|| Error::bad_data(format!("{}: no number \"num_labels\"", path.display())))?;
    let path = folder.join(COUNTS);
    let saved = parse(&text(&path)?, &path.display().to_string())?;
    if saved.counts.labels() as u64 != labels {
        return Err(Error::bad_data(format!(
            "{}: counts of {} labels, but config.json says {labels}; is the file the checkpoint's?",
            path.display(),
            saved.counts.labels()
        )));
    }
    Ok(saved)
}

/// What was counted since the last update, in a checkpoint with the state of a training.
///
/// # Errors
/// A file that is missing, or whose content is wrong.
pub(crate) fn read_state(folder: &Path) -> Result<Counts> {
    let path = folder.join(STATE);
    let state: State = serde_json::from_str(&text(&path)?)
        .map_err(|error| Error::bad_data(format!("{}: {error}", path.display())))?;
    Ok(state.pending)
}

/// Writes a checkpoint; `pending` is the state of a training.
///
/// # Errors
/// A folder that cannot be written.
pub(crate) fn write(folder: &Path, saved: &Saved, pending: Option<&Counts>) -> Result<()> {
    let io = |what: &Path, error: &dyn std::fmt::Display| {
        Error::internal(format!("cannot write {}: {error}", what.display()))
    };
    fs::create_dir_all(folder).map_err(|error| io(folder, &error))?;
    let config = serde_json::json!({
        "model_type": "majority",
        "num_labels": saved.counts.labels(),
        "problem_type": match saved.counts {
            Counts::Mean { .. } => "regression",
            Counts::Classes(_) => "single_label_classification",
        },
    });
    let put = |name: &str, value: serde_json::Result<String>| {
        let path = folder.join(name);
        let text = value.map_err(|error| io(&path, &error))?;
        fs::write(&path, text + "\n").map_err(|error| io(&path, &error))
    };
    put(CONFIG, serde_json::to_string_pretty(&config))?;
    put(COUNTS, serde_json::to_string(saved))?;
    match pending {
        Some(pending) => put(STATE, serde_json::to_string(&State { pending: pending.clone() })),
        None => Ok(()),
    }
}

/// Whether there is such a folder.
///
/// # Errors
/// Not found, naming it.
pub(crate) fn is_there(folder: &Path) -> Result<()> {
    match folder.is_dir() {
        true => Ok(()),
        false => Err(Error::not_found(format!("there is no folder {}", folder.display()))),
    }
}

fn parse(text: &str, origin: &str) -> Result<Saved> {
    let saved: Saved = serde_json::from_str(text)
        .map_err(|error| Error::bad_data(format!("{origin}: {error}")))?;
    match &saved.counts {
        Counts::Classes(counts) if counts.len() < 2 => {
            Err(Error::bad_data(format!("{origin}: counts of fewer than two classes")))
        }
        Counts::Mean { sum, .. } if !sum.is_finite() => {
            Err(Error::bad_data(format!("{origin}: a sum of {sum}")))
        }
        _ => Ok(saved),
    }
}

fn text(path: &Path) -> Result<String> {
    let named = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::not_found(named(&error)),
        _ => Error::bad_data(named(&error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kobench_plugin_sdk::ErrorKind as Kind;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let saved = Saved { head: Head::Token, counts: Counts::Classes(vec![3, 0, 7]) };
        let pending = Counts::Classes(vec![0, 1, 0]);
        write(folder.path(), &saved, Some(&pending)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), saved);
        assert_eq!(read_state(folder.path()).unwrap(), pending);
        let mean = Saved { head: Head::Sequence, counts: Counts::Mean { n: 3, sum: 0.1 + 0.2 } };
        write(folder.path(), &mean, None).unwrap();
        assert_eq!(read(folder.path()).unwrap(), mean);
    }

    #[test]
    fn files_that_are_wrong_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert_eq!(read(at).unwrap_err().kind, Kind::NotFound);
        let saved = Saved { head: Head::Sequence, counts: Counts::Classes(vec![1, 2]) };
        write(at, &saved, None).unwrap();
        fs::write(at.join(CONFIG), "{\"num_labels\": 3}").unwrap();
        let error = read(at).unwrap_err();
        assert!(error.kind == Kind::BadData && error.message.contains("majority.json"), "{error}");
        fs::write(at.join(CONFIG), "{}").unwrap();
        assert!(read(at).unwrap_err().message.contains("num_labels"));
        assert_eq!(read(&at.join("nowhere")).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn bundled_counts_are_whole_and_found_by_task_or_by_head() {
        let counts = |task: &str| bundled(Some(task), Head::Sequence, None).unwrap().counts;
        // NSMC's training set is known to have 75,173 negative and 74,827 positive reviews.
        assert_eq!(counts("nsmc"), Counts::Classes(vec![75_173, 74_827]));
        let rows = BUNDLED.iter().map(|(task, _)| (*task, counts(task).rows())).collect::<Vec<_>>();
        assert_eq!(
            rows,
            [
                ("nsmc", 150_000),
                ("hate_speech", 7_896),
                ("korsts", 5_749),
                ("question_pair", 6_136),
                ("klue_ner", 230_102)
            ]
        );
        assert_eq!(bundled(None, Head::Token, Some(13)).unwrap().head, Head::Token);
        assert_eq!(
            bundled(Some("no_such_task"), Head::Sequence, None).unwrap_err().kind,
            Kind::NotFound
        );
        assert!(bundled(None, Head::Sequence, Some(77)).is_err());
    }
}
