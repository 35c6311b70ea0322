//! Transcripts, written for these tests.

use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::form::{Variants, variants};
use crate::data::testing::{CLASSES, message, read, task, text};
use crate::data::{DataPlaces, Dataset, DatasetOptions, Gold};
use crate::task::Task;

fn aihub() -> Task {
    task(CLASSES, "{format: aihub_dialect, labels_by_prefix: {je: \"1\", jeju: \"1\", std: \"0\"}}")
}

fn file(forms: &[&str]) -> String {
    let utterances: Vec<_> = (forms.iter().enumerate())
        .map(|(index, form)| json!({"id": format!("u{index}"), "form": form, "standard_form": "x"}))
        .collect();
    format!("\u{feff}{}", json!({"metadata": {"a": [1]}, "utterance": utterances}))
}

#[test]
fn pairs_are_dialect_and_standard() {
    let of = |form| variants(form).map(|Variants { standard, dialect }| (standard, dialect));
    let both = |standard: &str, dialect: &str| Some((standard.to_owned(), dialect.to_owned()));
    assert_eq!(
        of("(뭐하맨)/(뭐 하니)? 밥 (먹언)/(먹었어)."),
        both("뭐 하니? 밥 먹었어.", "뭐하맨? 밥 먹언.")
    );
    // A pair that does not differ is resolved, but makes no row of its own.
    assert_eq!(of("(아)/(아) (가이)/(개)"), both("아 개", "아 가이"));
    assert_eq!(of("(아)/(아)"), None);
    assert_eq!(of("말이 없다"), None);
    assert_eq!(of("(())(#가*이)/(개)"), both("개", "가이"));
    // What the reference's expression does not match stays as it is.
    assert_eq!(of("(abc)/(개)"), None);
    assert_eq!(of("(웃음) (가이)/(개) (("), both("(웃음) 개 ((", "(웃음) 가이 (("));
    assert_eq!(of("((가이)/(개)"), both("(개", "(가이"));
    assert_eq!(of("()/(개)"), both("개", ""));
    assert_eq!(of("(가이) / (개)"), None);
    assert_eq!(of("(가1)/(개)"), None);
}

#[test]
fn each_difference_gives_two_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jeju_01.json");
    fs::write(&path, file(&["(가이)/(개)", "같다", "(하맨)/(하니)"])).expect("written");
    let data = Dataset::open_file(&aihub(), &path, None).expect("read");
    let rows: Vec<_> = data.rows().map(|row| (row.id, text(&row), row.gold)).collect();
    assert_eq!(
        rows,
        [
            (Some("jeju_01.json:u0:standard"), "개", Gold::Label(0)),
            (Some("jeju_01.json:u0:dialect"), "가이", Gold::Label(1)),
            (Some("jeju_01.json:u2:standard"), "하니", Gold::Label(0)),
            (Some("jeju_01.json:u2:dialect"), "하맨", Gold::Label(1)),
        ]
    );
    assert_eq!(data.clusters(), Some([0, 0, 1, 1].as_slice()));
}

#[test]
fn a_split_may_be_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let split = folder.path().join("t/test");
    let open = || {
        let places = DataPlaces::new(Some(folder.path()));
        Dataset::open(&aihub(), None, &places, DatasetOptions::default())
    };
    fs::create_dir_all(split.join("jeju")).expect("made");
    assert_eq!(
        open().expect_err("empty").to_string(),
        format!("{} holds no .json file", split.display())
    );
    fs::write(split.join("jeju/b.json"), file(&["(나)/(너)"])).expect("written");
    fs::write(split.join("jeju/a.json"), file(&["(가)/(거)"])).expect("written");
    fs::write(split.join("std.json"), file(&["(다)/(더)"])).expect("written");
    fs::write(split.join("readme.txt"), "no data").expect("written");
    let data = open().expect("read");
    let rows: Vec<_> = data.rows().map(|row| (text(&row), row.gold)).collect();
    let expected = [("거", 0), ("가", 1), ("너", 0), ("나", 1), ("더", 0), ("다", 0)];
    assert_eq!(rows, expected.map(|(text, label)| (text, Gold::Label(label))));
    // What `sha256sum jeju/a.json jeju/b.json std.json | sha256sum` prints.
    let line = |name: &str| {
        let bytes = fs::read(split.join(name)).expect("read");
        format!("{}  {name}\n", crate::digest::sha256_hex(&bytes))
    };
    let listing = ["jeju/a.json", "jeju/b.json", "std.json"].map(line).concat();
    assert_eq!(data.info().sha256, crate::digest::sha256_hex(listing.as_bytes()));

    fs::write(split.join("jeju/b.json"), "{\"utterance\": [{}]}").expect("written");
    let error = open().expect_err("wrong").to_string();
    assert!(error.ends_with("jeju/b.json:1:17: missing field `form`"), "{error}");
    fs::remove_file(split.join("jeju/b.json")).expect("removed");
    fs::write(split.join("busan.json"), file(&[])).expect("written");
    let error = open().expect_err("no region").to_string();
    assert!(
        error.ends_with(
            "busan.json:1: no label for `busan.json`: its path names none of je, jeju, std"
        ),
        "{error}"
    );
}

#[test]
fn other_shapes_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jeju.json");
    for (content, expected) in [
        ("[]", "1:1: expected an object with the member `utterance`, found `[`"),
        ("{\"a\": 1}", "1:9: no member `utterance`, as AI Hub's transcripts have"),
        ("{\"utterance\": [{\"form\": 1}]}", "1:25: invalid type: integer `1`, expected a string"),
    ] {
        fs::write(&path, content).expect("written");
        let error = Dataset::open_file(&aihub(), &path, None).expect_err("wrong").to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    assert!(message(&aihub(), "{}").contains("no label for `"));
}

proptest! {
    #[test]
    fn any_form_is_read(form in "[가-나a()/*#. ]{0,24}") {
        if let Some(Variants { standard, dialect }) = variants(&form) {
            prop_assert_ne!(standard, dialect);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&aihub(), content);
    }
}
