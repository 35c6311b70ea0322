//! What a task file must mean, beyond its shape.

use std::collections::HashSet;
use std::path::{Component, Path};

use super::embedded::embedded_file;
use super::parse::line_of;
use super::{Column, Columns, Kind, Split, Task, TaskError, TextSource};
use crate::digest::is_sha256;

/// More than any benchmark's files have; an index beyond it is a slip.
const MAX_COLUMNS: usize = 10_000;

/// Checks `task`, which was read from `text`; `file` is its name in errors.
pub(super) fn check(task: &Task, text: &str, file: &str) -> Result<(), TaskError> {
    let fail = |path: &[&str], message: String| {
        Err(TaskError::Meaning { file: file.to_owned(), line: line_of(text, path), message })
    };
    if !is_name(&task.name) {
        return fail(&["name"], format!("`{}` is not a name: use a-z, 0-9, _ and -", task.name));
    }
    if task.version == 0 {
        return fail(&["version"], "versions count from 1".to_owned());
    }
    if task.kind == Kind::SequenceClassification && task.labels.len() < 2 {
        return fail(&["labels"], "a classification task needs at least two labels".to_owned());
    }
    let mut seen = HashSet::new();
    if let Some(twice) = task.labels.iter().find(|label| !seen.insert(&label.id)) {
        return fail(&["labels"], format!("label `{}` stands twice", twice.id));
    }
    for (key, column) in named(&task.reader.columns) {
        if let Column::Name(name) = column
            && !task.reader.header
        {
            let message = format!(
                "column `{name}` is given by name, but the files have no header; give its index"
            );
            return fail(&["reader", "columns", key], message);
        }
    }
    if let Some((key, column)) = named(&task.reader.columns).find(|(_, column)| is_beyond(column)) {
        let message =
            format!("column {column} is beyond the {MAX_COLUMNS} columns that a file may have");
        return fail(&["reader", "columns", key], message);
    }
    for (name, split) in &task.splits {
        if let Err((key, message)) = check_split(name, split) {
            return fail(&["splits", name, key], message);
        }
    }
    if !task.splits.contains_key(&task.report) {
        let known: Vec<&str> = task.splits.keys().map(String::as_str).collect();
        return fail(
            &["report"],
            format!("there is no split `{}`; there are: {}", task.report, known.join(", ")),
        );
    }
    if !task.metrics.contains(&task.metric) {
        return fail(&["metric"], format!("`{}` is not among the metrics", task.metric.name()));
    }
    if task.max_seq_len < 3 {
        return fail(
            &["max_seq_len"],
            "max_seq_len must leave room for a token between the special ones".to_owned(),
        );
    }
    Ok(())
}

/// The key that is wrong, and why.
fn check_split(name: &str, split: &Split) -> Result<(), (&'static str, String)> {
    if !is_name(name) {
        return Err(("", format!("`{name}` is not a name: use a-z, 0-9, _ and -")));
    }
    match (&split.file, &split.bundled) {
        (Some(file), None) if !is_below(file) => {
            return Err((
                "file",
                format!("`{file}` must be a path below the data directory, without `..`"),
            ));
        }
        (None, Some(file)) if embedded_file(file).is_none() => {
            return Err(("bundled", format!("`{file}` is not part of kobench; use `file`")));
        }
        (Some(_), None) | (None, Some(_)) => {}
        _ => return Err(("", format!("split `{name}` needs either `file` or `bundled`"))),
    }
    if split.sha256.as_ref().is_some_and(|hash| !is_sha256(hash)) {
        return Err((
            "sha256",
            "a SHA-256 has 64 digits, 0-9 and a-f; `sha256sum FILE` prints it".to_owned(),
        ));
    }
    if split.rows == Some(0) {
        return Err(("rows", "a split has at least one row".to_owned()));
    }
    Ok(())
}

/// Every single column with its key in YAML.
fn named(columns: &Columns) -> impl Iterator<Item = (&'static str, &Column)> {
    fn single(source: &Option<TextSource>) -> Option<&Column> {
        match source {
            Some(TextSource::Column(column)) => Some(column),
            _ => None,
        }
    }
    [
        ("id", columns.id.as_ref()),
        ("text", single(&columns.text)),
        ("text_pair", single(&columns.text_pair)),
        ("label", columns.label.as_ref()),
        ("cluster", columns.cluster.as_ref()),
    ]
    .into_iter()
    .filter_map(|(key, column)| column.map(|column| (key, column)))
}

fn is_beyond(column: &Column) -> bool {
    matches!(column, Column::Index(index) if *index >= MAX_COLUMNS)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

fn is_below(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::task::Registry;

    const NSMC: &str = include_str!("../../../tasks/nsmc.yaml");

    fn error_of(from: &str, to: &str) -> String {
        assert!(NSMC.contains(from), "{from}");
        let text = NSMC.replacen(from, to, 1);
        Registry::parse_task(&text, "t.yaml").expect_err("invalid").to_string()
    }

    #[test]
    fn every_rule_names_its_line() {
        for (from, to, expected) in [
            ("name: nsmc", "name: NSMC", "t.yaml:1: `NSMC` is not a name"),
            ("version: 1", "version: 0", "t.yaml:2: versions count from 1"),
            ("- id: \"1\"", "- id: \"0\"", "t.yaml:5: label `0` stands twice"),
            (
                "text: document",
                "text: 18446744073709551615",
                "t.yaml:15: column 18446744073709551615 is beyond",
            ),
            ("header: true", "header: false", "t.yaml:14: column `id` is given by name"),
            ("file: nsmc/ratings_test.txt", "file: ../x", "t.yaml:25: `../x` must be a path below"),
            ("bundled: samples/", "bundled: nowhere/", "t.yaml:29: `nowhere/nsmc/"),
            ("sha256: 8ac9", "sha256: ZZZZ", "t.yaml:26: a SHA-256 has 64 digits"),
            ("rows: 2000", "rows: 0", "t.yaml:31: a split has at least one row"),
            (
                "report: test",
                "report: dev",
                "t.yaml:34: there is no split `dev`; there are: sample, test, train",
            ),
            (
                "metrics: [accuracy]",
                "metrics: []",
                "t.yaml:35: `accuracy` is not among the metrics",
            ),
            ("max_seq_len: 128", "max_seq_len: 2", "t.yaml:37: max_seq_len must leave room"),
            ("    bundled:", "    file: a\n    bundled:", "t.yaml:28: split `sample` needs either"),
            (
                "metrics: [accuracy]",
                "metrics: [acuracy]",
                "t.yaml:36:11: metrics[0]: unknown variant `acuracy`",
            ),
        ] {
            let message = error_of(from, to);
            assert!(message.starts_with(expected), "{message}\n{expected}");
        }
    }

    proptest! {
        #[test]
        fn damaged_files_are_errors_not_panics(at in 0..NSMC.len(), inserted in "[\\PC\n\t]{0,4}", cut in 0usize..8) {
            let at = (at..).find(|at| NSMC.is_char_boundary(*at)).unwrap_or(NSMC.len());
            let end = (at + cut..).find(|end| NSMC.is_char_boundary((*end).min(NSMC.len()))).unwrap_or(at);
            let text = format!("{}{inserted}{}", &NSMC[..at], &NSMC[end.min(NSMC.len())..]);
            if let Err(error) = Registry::parse_task(&text, "t.yaml") {
                prop_assert!(error.to_string().starts_with("t.yaml:"), "{}", error);
            }
        }
    }
}
