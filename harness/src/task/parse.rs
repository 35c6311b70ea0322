//! From YAML to values, with errors that point into the file.

mod wording;

use serde::de::DeserializeOwned;

use super::TaskError;

/// Reads one YAML document; `file` is its name in errors.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, TaskError> {
    // Windows editors write a byte order mark, which would be part of the first key.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        let message = "the file is empty".to_owned();
        return Err(TaskError::Yaml {
            file: file.to_owned(),
            line: 1,
            column: 1,
            message,
            hint: None,
        });
    }
    let value = serde_yaml::from_str(text).map_err(|error| located(text, file, &error))?;
    // Of two splits of one name the type would keep the last without a word; a value does not.
    serde_yaml::from_str::<serde_yaml::Value>(text).map_err(|error| located(text, file, &error))?;
    Ok(value)
}

fn located(text: &str, file: &str, error: &serde_yaml::Error) -> TaskError {
    let whole = error.to_string();
    let (mut line, mut column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    if whole.contains("while scanning a simple key")
        && let Some(begin) = last_place(&whole)
    {
        // The parser notices a missing colon on the line after.
        (line, column) = begin;
    }
    let mut message = wording::message(&whole);
    if let Some(key) = duplicate(&message)
        && let Some((first, second)) = twice(text, key)
    {
        (line, column) = (second, 1);
        message = format!("`{key}` stands a second time, after line {first}");
    }
    let content = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let hint = wording::hint(&message, content);
    TaskError::Yaml { file: file.to_owned(), line, column, message, hint }
}

/// The last ` at line 1 column 2` of a message.
fn last_place(message: &str) -> Option<(usize, usize)> {
    let (_, place) = message.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(" column ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The key of which a message says that it stands twice.
fn duplicate(message: &str) -> Option<&str> {
    let quoted = |quote: char| message.split(quote).nth(1);
    match message {
        _ if message.contains("duplicate field") => quoted('`'),
        _ if message.contains("duplicate entry") => quoted('"'),
        _ => None,
    }
}

/// The lines (from 1) of the first two keys of this name that stand in one column, with no line further to
/// the left between them.
fn twice(text: &str, key: &str) -> Option<(usize, usize)> {
    let mut before: Option<(usize, usize)> = None;
    for (line, content) in (1..).zip(text.lines()) {
        let rest = content.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        let column = content.len() - rest.len();
        let is_key = rest.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
        match before {
            Some((first, indent)) if is_key && indent == column => return Some((first, line)),
            Some((_, indent)) if column < indent => before = None,
            _ => {}
        }
        if is_key && before.is_none() {
            before = Some((line, column));
        }
    }
    None
}

/// The line (from 1) at which `path` of keys leads into the text, as far as it can be followed.
///
/// serde_yaml keeps no positions in values. Keys are looked for one after the other, which is right
/// for files in the usual block style, and close to it in others.
pub(crate) fn line_of(text: &str, path: &[&str]) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    for key in path {
        let is_key = |line: &&str| {
            let line = line.trim_start().trim_start_matches("- ").trim_start();
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
        };
        match lines.iter().skip(at).position(is_key) {
            Some(offset) => at += offset,
            None => break,
        }
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::task::Task;

    #[test]
    fn lines_follow_the_keys() {
        let text = "name: a\nsplits:\n  train:\n    rows: 1\n  test:\n    rows: 2\n";
        assert_eq!(line_of(text, &["splits", "test", "rows"]), 6);
        assert_eq!(line_of(text, &["splits", "test", "sha256"]), 5);
        assert_eq!(line_of(text, &["nothing"]), 1);
    }

    #[test]
    fn typos_are_pointed_at() {
        let text = "name: a\nversion: 1\nlables: []\n";
        let error = parse::<Task>(text, "a.yaml").expect_err("a typo");
        assert!(error.to_string().starts_with("a.yaml:3:1: "), "{error}");
        assert!(error.to_string().contains("unknown field `lables`"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("did you mean `labels`?"));
        let error = parse::<Task>("name: [", "a.yaml").expect_err("cut short");
        assert!(error.to_string().starts_with("a.yaml:"), "{error}");
    }

    /// As tasks/nsmc.yaml was once: the lines are counted here.
    const NSMC: &str = include_str!("fixtures/nsmc.yaml");

    /// The message and the hint for NSMC's file with one edit.
    fn broken(from: &str, to: &str) -> String {
        assert!(NSMC.contains(from), "{from}");
        let text = NSMC.replacen(from, to, 1);
        let error = parse::<Task>(&text, "t").expect_err("broken");
        format!("{error}; {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn mistakes_of_every_day_are_explained() {
        for (from, to, place, expected) in [
            (
                "  format: tsv\n",
                "   format: tsv\n",
                "t:12:3: ",
                "keys of one level begin in one column",
            ),
            ("  format: tsv", "\tformat: tsv", "t:11:1: ", "not with tabs"),
            ("kind: sequence_classification\n", "", "t:1:1: ", "missing field `kind`"),
            ("version: 1", "version: one", "t:2:10: ", "expected a whole number"),
            ("version: 1", "version:1", "t:2:1: ", "a colon and a space"),
            (
                "version: 1\n",
                "version: 1\nversion: 2\n",
                "t:3:1: ",
                "`version` stands a second time, after line 2",
            ),
            ("  test:\n", "  train:\n", "t:25:1: ", "`train` stands a second time, after line 20"),
            (
                "reader:\n  format",
                "reader:\n  - format",
                "t:11:3: ",
                "a list, expected keys with values",
            ),
            ("header: true", "header: yes", "t:12:11: ", "write true or false"),
            ("text: document", "text: @document", "t:15:11: ", "in quotes"),
            ("text: document", "text: -1", "t:15:11: ", "the name of a column, its index from 0"),
            ("rows: 150000", "row: 150000", "t:24:5: ", "did you mean `rows`?"),
            ("rows: 150000", "rows: 150,000", "t:24:11: ", "expected a whole number"),
        ] {
            let text = broken(from, to);
            assert!(
                text.starts_with(place) && text.contains(expected),
                "{place}{expected}\n{text}"
            );
            assert!(!text.contains("struct ") && !text.contains(" at line "), "{text}");
        }
        let labels =
            "labels:\n  - id: \"0\"\n    name: negative\n  - id: \"1\"\n    name: positive";
        for wrong in ["labels: [negative, positive]", "labels: {0: negative}"] {
            assert!(broken(labels, wrong).contains("labels are a list: `- {id: "), "{wrong}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_key() {
        assert!(parse::<Task>(&format!("\u{feff}{NSMC}"), "t").is_ok());
        assert!(parse::<Task>(&NSMC.replace('\n', "\r\n"), "t").is_ok());
        let error = parse::<Task>("\n", "t").expect_err("empty");
        assert_eq!(error.to_string(), "t:1:1: the file is empty");
    }
}
