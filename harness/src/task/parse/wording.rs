//! What the YAML parser and serde say, in the words of task files.

use crate::suggest::closest;

/// The message without places and without the names of Rust's types.
pub(super) fn message(whole: &str) -> String {
    let mut message = without_places(whole);
    for (theirs, ours) in [
        ("invalid type: sequence", "invalid type: a list"),
        ("invalid type: map", "invalid type: keys with values"),
        ("invalid type: unit value", "nothing stands here"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected keys with values"),
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected usize", "expected a whole number"),
        ("expected f64", "expected a number"),
        (
            "data did not match any variant of untagged enum TextSource",
            "a text is the name of a column, its index from 0, or `{template: \"{title} {body}\"}`",
        ),
    ] {
        message = message.replace(theirs, ours);
    }
    if let Some((before, after)) = message.split_once("expected struct ") {
        let rest = after.trim_start_matches(|c: char| c.is_alphanumeric());
        message = format!("{before}expected keys with values{rest}");
    }
    message
}

/// Takes out each ` at line 1 column 2`: the place stands in front of the message already.
fn without_places(whole: &str) -> String {
    let mut parts = whole.split(" at line ");
    let mut message = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start_matches(" column ")
            .trim_start_matches(|c: char| c.is_ascii_digit());
        message.push_str(rest);
    }
    message
}

/// What was probably meant; `line` is the one that the error is on.
pub(super) fn hint(message: &str, line: &str) -> Option<String> {
    let indent = &line[..line.len() - line.trim_start().len()];
    let has = |text: &str| message.contains(text);
    let hint = if indent.contains('\t') {
        "YAML is indented with spaces, not with tabs"
    } else if has("cannot start any token") {
        "put a value that begins with a sign in quotes: \"@name\""
    } else if has("mapping values are not allowed") {
        "put a value that holds `: ` in quotes, and begin keys of one level in one column"
    } else if has("did not find expected key") || has("did not find expected '-' indicator") {
        "keys of one level begin in one column"
    } else if has("could not find expected ':'") {
        "a key is followed by a colon and a space: `version: 1`"
    } else if has("expected a boolean") {
        "write true or false"
    } else if message.starts_with("labels") && has("expected keys with values")
        || message.starts_with("labels: invalid type")
    {
        "labels are a list: `- {id: \"0\", name: negative}`, a line each"
    } else {
        return did_you_mean(message);
    };
    Some(hint.to_owned())
}

/// serde says "unknown field `a`, expected one of `b`, `c`" (and the same of variants): the first
/// name in backquotes is what stands in the file, the others are what could.
fn did_you_mean(message: &str) -> Option<String> {
    let start = message.find("unknown field").or_else(|| message.find("unknown variant"))?;
    let mut names = message[start..].split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    closest(wrong, names).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_types_are_gone() {
        assert_eq!(
            message(
                "could not find expected ':' at line 3 column 1, while scanning a simple key at line 2 column 1"
            ),
            "could not find expected ':', while scanning a simple key"
        );
        assert_eq!(
            message("reader: invalid type: sequence, expected struct Reader at line 11 column 3"),
            "reader: invalid type: a list, expected keys with values"
        );
        assert_eq!(
            message("version: invalid type: string \"one\", expected u32"),
            "version: invalid type: string \"one\", expected a whole number"
        );
    }

    #[test]
    fn hints_follow_the_message_and_the_line() {
        let tab = hint("found character that cannot start any token", "\tformat: tsv");
        assert!(tab.is_some_and(|hint| hint.contains("tabs")));
        let sign = hint("found character that cannot start any token", "  text: @document");
        assert!(sign.is_some_and(|hint| hint.contains("quotes")));
        assert_eq!(hint("missing field `kind`", ""), None);
    }
}
