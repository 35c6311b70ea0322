//! The promises of a baseline: it comes back as it was, whole or not at all, and no change goes unseen.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::place::{REPLACED, TEMPORARY};
use super::{BaselineError, Content, Described, Folder, Origin, read, write};
use crate::compare::{Evidence, Rows, SideKind};
use crate::hint::Hint;
use crate::record::testing::{done, on_gpu};
use crate::record::{Backend, BenchRecord, Host, Measure, PredictionsFile, validator};

fn evidence(n: usize) -> Evidence {
    let predicted = (0..n).map(|row| u32::from(row % 7 == 0)).collect();
    let gold = (0..n).map(|row| u32::from(row % 3 == 0)).collect();
    Evidence {
        from: SideKind::Run,
        index: (0..n as u64).collect(),
        ids: Some((0..n).map(|row| format!("id{row}")).collect()),
        clusters: None,
        rows: Rows::Labels { gold, predicted, scores: None },
    }
}

fn bench() -> BenchRecord {
    let measure = Measure {
        values: vec![1000.5, 998.25],
        median: 999.375,
        ci_low: None,
        ci_high: None,
        higher_is_better: true,
    };
    BenchRecord {
        schema_version: 1,
        id: "b".repeat(16),
        inputs: done().inputs,
        scenario: "offline".into(),
        settings: json!({"duration_seconds": 1.0}),
        measures: BTreeMap::from([("rows_per_second".to_owned(), measure)]),
        volume: Default::default(),
        pair: None,
        side: None,
        backend: Backend::default(),
        telemetry: None,
        warnings: vec![],
        started_at: "2026-01-31T23:59:58Z".into(),
        finished_at: "2026-01-31T23:59:59Z".into(),
    }
}

/// Two cells and a measurement of speed.
fn content() -> Content {
    let predictions = PredictionsFile {
        file: "predictions.jsonl".into(),
        sha256: "f".repeat(64),
        bytes: 100,
        rows: 2000,
    };
    let mut cpu = done();
    cpu.predictions = Some(predictions.clone());
    cpu.inputs.data.file = "/home/someone/data/nsmc/ratings_test.txt".into();
    let mut gpu = on_gpu();
    gpu.inputs.key.model = "a-model".into();
    gpu.inputs.weights.checkpoint = Some("/home/someone/checkpoints/a-model".into());
    gpu.id = gpu.inputs.id();
    gpu.predictions = Some(predictions);
    Content { cells: vec![(cpu, evidence(2000)), (gpu, evidence(2000))], benches: vec![bench()] }
}

fn set(folder: &Folder, content: &Content, replace: bool) -> Result<PathBuf, BaselineError> {
    let run = Origin {
        created_at: Some("2026-01-31T23:59:00Z".into()),
        kobench_version: Some("0.1.0".into()),
        git_revision: Some("1234abc".into()),
        host: Some(Host::detect()),
    };
    let described = Described { name: "main", note: Some("첫 기준"), run: &run };
    write(folder, described, content, replace)
}

fn temporary() -> (tempfile::TempDir, Folder) {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = Folder::new(&temporary.path().join("results/baselines"));
    (temporary, folder)
}

#[test]
fn a_baseline_comes_back_without_paths_and_texts() {
    let (_temporary, folder) = temporary();
    let content = content();
    let path = set(&folder, &content, false).expect("written");
    let baseline = read(&path).expect("read");
    assert_eq!(baseline.record.note.as_deref(), Some("첫 기준"));
    assert_eq!(baseline.benches, content.benches);
    let models: Vec<&str> =
        baseline.cells.iter().map(|cell| cell.record.inputs.key.model.as_str()).collect();
    assert_eq!(models, ["a-model", "kcbert-demo"], "ordered by their keys");
    let (written, _) = &content.cells[0];
    let cell = &baseline.cells[1];
    assert_eq!(cell.record.id, written.id);
    assert_eq!(cell.record.inputs.id(), written.inputs.id(), "everything that decides is there");
    assert_eq!(cell.record.metrics, written.metrics);
    assert_eq!(cell.record.predictions, None);
    assert_eq!(cell.predictions_sha256, Some("f".repeat(64)));
    let expected = Evidence { from: SideKind::Baseline, ids: None, ..content.cells[0].1.clone() };
    assert_eq!(baseline.evidence(cell).expect("rows"), expected);
    assert_eq!(baseline.check().expect("as it was"), 4);

    let text = fs::read_to_string(path.join("baseline.json")).expect("text");
    assert!(!text.contains("/home") && text.contains("ratings_test.txt"), "{text}");
    let again = tempfile::tempdir().expect("a folder");
    let mut other = content.clone();
    other.cells.reverse();
    let path = set(&Folder::new(again.path()), &other, false).expect("written");
    let strip = |text: &str| -> String {
        text.lines().filter(|line| !line.contains("created_at")).collect()
    };
    let other = fs::read_to_string(path.join("baseline.json")).expect("text");
    assert_eq!(strip(&other), strip(&text), "whatever the order");
}

#[test]
fn the_record_keeps_its_schema() {
    let (_temporary, folder) = temporary();
    let path = set(&folder, &content(), false).expect("written");
    let text = fs::read_to_string(path.join("baseline.json")).expect("text");
    let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let schema = validator(include_str!("../../schemas/baseline.schema.json"));
    let errors: Vec<String> = schema.iter_errors(&record).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let cell = validator(include_str!("../../schemas/cell.schema.json"));
    for entry in record["cells"].as_array().expect("a list") {
        let errors: Vec<String> =
            cell.iter_errors(&entry["cell"]).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let wrong: [fn(&mut serde_json::Value); 5] = [
        |record| record["schema_version"] = json!(2),
        |record| record["cells"][0]["rows"]["sha256"] = json!("abc"),
        |record| record["cells"][0]["rows"]["file"] = json!("../rows.txt"),
        |record| record["extra"] = json!(1),
        |record| drop(record["cells"][0].as_object_mut().expect("an object").remove("cell")),
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        let mut record = record.clone();
        change(&mut record);
        assert!(!schema.is_valid(&record), "change {index} passes");
        fs::write(path.join("baseline.json"), record.to_string()).expect("written");
        assert!(read(&path).is_err(), "change {index} is read");
    }
}

#[test]
fn no_change_goes_unseen() {
    let (_temporary, folder) = temporary();
    let path = set(&folder, &content(), false).expect("written");
    let baseline = read(&path).expect("read");
    let rows = path.join(&baseline.record.cells[0].rows.file);
    let text = fs::read_to_string(&rows).expect("text");
    fs::write(&rows, text.replacen("\n1 1\n", "\n1 0\n", 1)).expect("written");
    let error = baseline.check().expect_err("changed");
    let message = error.to_string();
    assert!(
        message.contains("rows/") && message.contains("has changed: its SHA-256 is "),
        "{message}"
    );
    assert!(message.contains(&baseline.record.cells[0].rows.sha256), "{message}");
    assert!(error.hint().is_some_and(|hint| hint.contains("from git again")));
    fs::remove_file(path.join("bench").join(format!("{}.json", "b".repeat(16)))).expect("removed");
    assert!(matches!(read(&path), Err(BaselineError::Io { .. })));
}

#[test]
fn rows_must_be_those_of_the_record() {
    let (_temporary, folder) = temporary();
    let mut few = content();
    few.cells[0].1 = evidence(1999);
    let path = set(&folder, &few, false).expect("written");
    let error = read(&path).expect("the record is right").check().expect_err("a row is missing");
    assert!(error.to_string().contains("1999 rows, the cell's record says 2000"), "{error}");
    let mut unknown = content();
    unknown.cells[0].0.labels.truncate(1);
    let path = set(&folder, &unknown, true).expect("written");
    let error = read(&path).expect("the record is right").check().expect_err("a label too many");
    assert!(error.to_string().contains("label 1 is not among the 1"), "{error}");
}

#[test]
fn one_of_the_same_name_is_replaced_on_request_alone() {
    let (_temporary, folder) = temporary();
    let path = set(&folder, &content(), false).expect("written");
    let error = set(&folder, &content(), false).expect_err("there is one");
    assert_eq!(error.to_string(), "there is a baseline `main` already");
    let mut smaller = content();
    smaller.cells.truncate(1);
    set(&folder, &smaller, true).expect("replaced");
    assert_eq!(read(&path).expect("read").cells.len(), 1);
    // One that cannot be written leaves the old one as it was, and nothing else.
    smaller.cells[0].1.index.pop();
    assert!(set(&folder, &smaller, true).is_err());
    assert_eq!(read(&path).expect("read").cells.len(), 1);
    assert_eq!(names(folder.path()), [".lock", "main"]);
    folder.remove("main").expect("removed");
    assert_eq!(names(folder.path()), [".lock"]);
    assert!(matches!(folder.remove("main"), Err(BaselineError::Unknown { .. })));
}

#[test]
fn what_a_killed_process_left_is_cleaned_up() {
    let (_temporary, folder) = temporary();
    let path = set(&folder, &content(), false).expect("written");
    // Killed between the two renames: the old one is aside, the new one under its temporary name.
    let aside = folder.path().join(format!("{REPLACED}main"));
    fs::rename(&path, &aside).expect("renamed");
    fs::create_dir(folder.path().join(format!("{TEMPORARY}main-1"))).expect("made");
    assert_eq!(folder.names().expect("read"), ["main"]);
    assert_eq!(folder.find("main").expect("found"), aside);
    let described = Described { name: "other", note: None, run: &Origin::default() };
    write(&folder, described, &content(), false).expect("written");
    assert_eq!(names(folder.path()), [".lock", "main", "other"]);
    // Killed after them: the old one is still there.
    fs::create_dir(&aside).expect("made");
    write(&folder, described, &content(), true).expect("written");
    assert_eq!(names(folder.path()), [".lock", "main", "other"]);
}

#[test]
fn names_lead_nowhere_else() {
    let (_temporary, folder) = temporary();
    for name in ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "a\n", &"x".repeat(101)] {
        let described = Described { name, note: None, run: &Origin::default() };
        let error = write(&folder, described, &content(), true).expect_err(name);
        assert!(matches!(error, BaselineError::BadName { .. }), "{name}");
        assert!(matches!(folder.find(name), Err(BaselineError::BadName { .. })), "{name}");
    }
    set(&folder, &content(), false).expect("written");
    let error = folder.find("mian").expect_err("a slip");
    assert_eq!(error.hint().as_deref(), Some("did you mean `main`?"));
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("read");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
