//! Tasks and files for the tests of the readers.

use std::fs;

use super::{DataError, Dataset, Input, Row};
use crate::hint::Hint;
use crate::task::{Registry, Task};

pub(super) const CLASSES: &str = "kind: sequence_classification
metric: accuracy
metrics: [accuracy]
labels:
  - {id: \"0\", name: standard}
  - {id: \"1\", name: other}
";

pub(super) const VALUES: &str = "kind: sequence_regression
metric: pearson
metrics: [pearson]
scoring: {range: [0, 5]}
";

pub(super) const TAGS: &str = "kind: token_classification
metric: entity_f1
metrics: [entity_f1]
labels:
  - {id: O, name: outside}
  - {id: B-PS, name: person}
  - {id: I-PS, name: person}
";

pub(super) const QUESTIONS: &str = "kind: extractive_qa
metric: char_f1
metrics: [char_f1]
";

/// A task of this kind (one of the constants) and with this reader, in YAML.
pub(super) fn task(kind: &str, reader: &str) -> Task {
    let text = format!(
        "name: t
version: 1
title: T
{kind}reader: {reader}
splits:
  test: {{file: t/test}}
report: test
max_seq_len: 128
selection: {{policy: none, text: none}}
licence: CC0-1.0
source: written for a test
"
    );
    Registry::parse_task(&text, "t.yaml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Reads `content` as a file of the task.
pub(super) fn read(task: &Task, content: impl AsRef<[u8]>) -> Result<Dataset, DataError> {
    let file = tempfile::Builder::new().suffix(".data").tempfile().expect("a file");
    fs::write(file.path(), content).expect("written");
    Dataset::open_file(task, file.path(), None)
}

/// What is wrong with `content`, without the file's path.
pub(super) fn message(task: &Task, content: impl AsRef<[u8]>) -> String {
    let error = read(task, content).expect_err("an error");
    assert!(error.hint().is_some(), "{error} has no hint");
    let text = error.to_string();
    text.split_once(".data:").map_or(text.clone(), |(_, rest)| rest.to_owned())
}

/// The one text of a row.
pub(super) fn text<'a>(row: &Row<'a>) -> &'a str {
    match row.input {
        Input::Text(text) => text,
        _ => panic!("{row:?} has not one text"),
    }
}
