//! An object a line.

use std::fs;

use proptest::prelude::*;
use serde_json::json;

use crate::data::testing::{CLASSES, message, read, task, text};
use crate::data::{DataPlaces, Dataset, DatasetOptions, Gold};
use crate::hint::Hint;
use crate::task::{Registry, Task};

fn patent_like() -> Task {
    task(
        CLASSES,
        "{format: jsonl, empty_text: skip, columns: {text: {template: \"{ipc} {title}: {{{n}}}\"}, label: label}}",
    )
}

#[test]
fn texts_are_put_together() {
    let content = "\u{feff}{\"ipc\": \"A01\", \"title\": \"쟁기\", \"n\": 3, \"label\": \"1\"}\r\n \n{\"label\": 0, \"n\": 1.5, \"title\": \"\u{2028}\", \"ipc\": \"\"}\n{\"label\": 0, \"n\": \"\", \"title\": \"\", \"ipc\": \"\"}";
    let data = read(&patent_like(), content).expect("read");
    let rows: Vec<_> = data.rows().map(|row| (text(&row), row.gold, row.line)).collect();
    assert_eq!(
        rows,
        [("A01 쟁기: {3}", Gold::Label(1), 1), (" \u{2028}: {1.5}", Gold::Label(0), 3)]
    );
    // Empty where all of its columns are, whatever stands between them.
    assert_eq!(data.skipped_empty(), 1);
}

#[test]
fn bad_lines_are_named() {
    let good = "{\"ipc\": \"\", \"title\": \"\", \"n\": 1, \"label\": 1}\n";
    for (line, expected) in [
        (
            "{\"ipc\": \"\", \"n\": 1, \"label\": 1}",
            "2: no text: the row has no member `title`: \"{\\\"ipc\\\": \\\"\\\", \\\"n\\\": 1, \\\"label\\\": 1}\"",
        ),
        ("{\"ipc\": \"\"} x", "2:13: expected nothing more, found `x`"),
        ("{\"ipc\": \"", "2:9: EOF while parsing a string"),
        ("[1]", "2:1: invalid type: sequence, expected an object"),
        ("쟁기", "2:1: expected value"),
    ] {
        assert_eq!(message(&patent_like(), format!("{good}{line}\n{good}")), expected);
    }
}

#[test]
fn labels_may_stand_in_a_file_of_their_own() {
    let patent = Registry::load(&[]).expect("loads").get("patent").expect("is there");
    let folder = tempfile::tempdir().expect("a folder");
    let places = DataPlaces::new(Some(folder.path()));
    let open = || Dataset::open(&patent, None, &places, DatasetOptions::default());
    let inside = |name: &str| folder.path().join("patent").join(name);
    fs::create_dir(folder.path().join("patent")).expect("made");
    let row = json!({"ipc": "A01B", "title": "쟁기", "abstract": "밭", "claims": "1. 쟁기", "label": "EA04"});
    fs::write(inside("validation.jsonl"), format!("{row}\n")).expect("written");
    let error = open().expect_err("no labels");
    assert_eq!(
        error.to_string(),
        format!(
            "the data of patent/labels is not there; looked at:\n  {}\n  {}",
            inside("labels.txt").display(),
            folder.path().join("labels.txt").display()
        )
    );
    fs::write(inside("labels.txt"), "EA03\n\n").expect("written");
    let error = open().expect_err("an empty line");
    assert_eq!(
        error.to_string(),
        format!("{}:2: an empty line, expected a label id", inside("labels.txt").display())
    );
    assert!(error.hint().is_some());
    fs::write(inside("labels.txt"), "EA03\nEA04\n").expect("written");
    let data = open().expect("read");
    let row = data.row(0).expect("a row");
    assert_eq!((text(&row), row.gold), ("A01B 쟁기 밭 1. 쟁기", Gold::Label(1)));
    assert_eq!((data.labels().len(), data.labels()[1].id.as_str()), (2, "EA04"));
    let first = data.info().labels_sha256.clone().expect("hashed");
    fs::write(inside("labels.txt"), "EA04\nEA03\n").expect("written");
    let data = open().expect("read");
    assert_ne!(data.info().labels_sha256, Some(first));
    assert_eq!(data.gold_labels(), [0]);
    // A file that is given by its path has its labels beside it.
    let data = Dataset::open_file(&patent, &inside("validation.jsonl"), None).expect("read");
    assert_eq!(data.gold_labels(), [0]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(data) = read(&patent_like(), content) {
            prop_assert_eq!(data.rows().count(), data.len());
        }
    }

    #[test]
    fn what_was_written_is_read(rows in prop::collection::vec(("\\PC{0,6}", "[a\"\\\\\n가]{1,6}", 0u32..2), 0..12)) {
        let content: String = rows
            .iter()
            .map(|(ipc, title, label)| format!("{}\n", json!({"ipc": ipc, "title": title, "n": 1, "label": label})))
            .collect();
        let data = read(&patent_like(), content).expect("read");
        let found: Vec<_> = data.rows().map(|row| (text(&row).to_owned(), row.gold)).collect();
        let expected: Vec<_> = rows
            .iter()
            .map(|(ipc, title, label)| (format!("{ipc} {title}: {{1}}"), Gold::Label(*label)))
            .collect();
        prop_assert_eq!(found, expected);
    }
}
