//! What a task file must mean, beyond its shape.

use std::collections::HashSet;
use std::path::{Component, Path};

use super::embedded::embedded_file;
use super::parse::line_of;
use super::{Column, Split, Task, TaskError};
use crate::digest::is_sha256;

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
    if task.labels.len() < 2 {
        return fail(&["labels"], "a classification task needs at least two labels".to_owned());
    }
    let mut seen = HashSet::new();
    if let Some(twice) = task.labels.iter().find(|label| !seen.insert(&label.id)) {
        return fail(&["labels"], format!("label `{}` stands twice", twice.id));
    }
    for (key, column) in task.reader.columns.named() {
        if let Column::Name(name) = column
            && !task.reader.header
        {
            let message = format!(
                "column `{name}` is given by name, but the files have no header; give its index"
            );
            return fail(&["reader", "columns", key], message);
        }
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
    if !is_sha256(&split.sha256) {
        return Err((
            "sha256",
            "a SHA-256 has 64 digits, 0-9 and a-f; `sha256sum FILE` prints it".to_owned(),
        ));
    }
    if split.rows == 0 {
        return Err(("rows", "a split has at least one row".to_owned()));
    }
    Ok(())
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
}
