//! From YAML to values, with errors that point into the file.

use serde::de::DeserializeOwned;

use super::TaskError;
use crate::suggest::closest;

/// Reads one YAML document; `file` is its name in errors.
pub(super) fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, TaskError> {
    serde_yaml::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let whole = error.to_string();
        // The place is in front of our message already.
        let message = whole
            .rsplit_once(" at line ")
            .map_or(whole.as_str(), |(message, _)| message)
            .to_owned();
        let hint = did_you_mean(&message);
        TaskError::Yaml { file: file.to_owned(), line, column, message, hint }
    })
}

/// serde says "unknown field `a`, expected one of `b`, `c`" (and the same of variants): the first
/// name in backquotes is what stands in the file, the others are what could.
fn did_you_mean(message: &str) -> Option<String> {
    let start = message.find("unknown field").or_else(|| message.find("unknown variant"))?;
    let mut names = message[start..].split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    closest(wrong, names).map(|name| format!("did you mean `{name}`?"))
}

/// The line (from 1) at which `path` of keys leads into the text, as far as it can be followed.
///
/// serde_yaml keeps no positions in values. Keys are looked for one after the other, which is right
/// for files in the usual block style, and close to it in others.
pub(super) fn line_of(text: &str, path: &[&str]) -> usize {
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
}
