//! Splits: where their files are, and what they are compared with.

use std::path::{Component, Path};

use super::{Problem, ensure, is_name, not_a_name};
use crate::digest::is_sha256;
use crate::task::{Split, Task, embedded_file};

pub(super) fn check(task: &Task) -> Result<(), Problem> {
    for (name, split) in &task.splits {
        check_split(name, split)?;
    }
    let known = || task.splits.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    ensure(task.splits.contains_key(&task.report), &["report"], || {
        format!("there is no split `{}`; there are: {}", task.report, known())
    })
}

fn check_split(name: &str, split: &Split) -> Result<(), Problem> {
    let whole = ["splits", name];
    let at = |key| ["splits", name, key];
    ensure(is_name(name), &whole, || not_a_name(name))?;
    match (&split.file, &split.bundled) {
        (Some(file), None) => ensure(is_below(file), &at("file"), || not_below(file))?,
        (None, Some(file)) => ensure(embedded_file(file).is_some(), &at("bundled"), || {
            format!("`{file}` is not part of kobench; use `file`")
        })?,
        _ => {
            let message = format!("split `{name}` needs either `file` or `bundled`");
            return Err(Problem::new(&whole, message));
        }
    }
    ensure(split.sha256.as_deref().is_none_or(is_sha256), &at("sha256"), || {
        "a SHA-256 has 64 digits, 0-9 and a-f; `sha256sum FILE` prints it".to_owned()
    })?;
    ensure(split.rows != Some(0), &at("rows"), || "a split has at least one row".to_owned())?;
    if let Some(part) = split.part {
        ensure(part.from < part.to, &at("part"), || {
            format!("a part has at least one row; {} to {} has none", part.from, part.to)
        })?;
        ensure(split.rows.is_none_or(|rows| part.to <= rows), &at("part"), || {
            let rows = split.rows.unwrap_or_default();
            format!("the part ends at row {}, and the file has {rows}", part.to)
        })?;
    }
    let Some(url) = &split.url else { return Ok(()) };
    ensure(split.file.is_some(), &at("url"), || {
        "a bundled split is not downloaded; it has no `url`".to_owned()
    })?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_url = rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
    });
    ensure(is_url, &at("url"), || format!("`{url}` does not begin with https:// or http://"))
}

/// Whether a path stays below the folder that it is relative to.
pub(super) fn is_below(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

pub(super) fn not_below(path: &str) -> String {
    format!("`{path}` must be a path below the data directory, without `..`")
}
