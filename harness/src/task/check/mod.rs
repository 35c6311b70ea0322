//! What a task file must mean, beyond its shape.

mod kind;
mod reader;
mod scoring;
mod splits;

use super::parse::line_of;
use super::{Task, TaskError};

/// What is wrong, and the keys that lead to it.
#[derive(Debug)]
struct Problem {
    path: Vec<String>,
    message: String,
}

impl Problem {
    fn new(path: &[&str], message: impl Into<String>) -> Self {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Self { path, message: message.into() }
    }
}

/// A problem, unless `holds`.
fn ensure(holds: bool, path: &[&str], message: impl FnOnce() -> String) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(Problem::new(path, message())) }
}

/// Checks `task`, which was read from `text`; `file` is its name in errors.
pub(super) fn check(task: &Task, text: &str, file: &str) -> Result<(), TaskError> {
    let checked = name(task)
        .and_then(|()| kind::check(task))
        .and_then(|()| reader::check(task))
        .and_then(|()| splits::check(task))
        .and_then(|()| scoring::check(task))
        .and_then(|()| limits(task));
    checked.map_err(|Problem { path, message }| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        TaskError::Meaning { file: file.to_owned(), line: line_of(text, &path), message }
    })
}

fn name(task: &Task) -> Result<(), Problem> {
    ensure(is_name(&task.name), &["name"], || not_a_name(&task.name))?;
    ensure(task.version > 0, &["version"], || "versions count from 1".to_owned())
}

fn limits(task: &Task) -> Result<(), Problem> {
    ensure(task.max_seq_len >= 3, &["max_seq_len"], || {
        "max_seq_len must leave room for a token between the special ones".to_owned()
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

fn not_a_name(name: &str) -> String {
    format!("`{name}` is not a name: use a-z, 0-9, _ and -")
}

#[cfg(test)]
mod formats_tests;
#[cfg(test)]
mod tests;
