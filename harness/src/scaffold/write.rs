//! The text of a task file.

use std::fmt::Write as _;

use super::{FileFormat, Shape, SourceFile};
use crate::task::Kind;

/// Characters of Korean a token at least, in the vocabularies that models have: for the limit of tokens.
const CHARACTERS_PER_TOKEN: f64 = 1.4;

/// A string in double quotes. Those of JSON are strings of YAML, but for characters that end lines in YAML
/// or may not stand in a file of it.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_else(|_| format!("{text:?}"));
    let is_refused = |c: char| {
        matches!(
            c,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        if is_refused(c) {
            let _ = write!(quoted, "\\u{:04x}", u32::from(c));
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// A string as it is where YAML takes it for one, else in quotes.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = text
        .starts_with(|c: char| c.is_ascii_alphabetic() || ('가'..='힣').contains(&c))
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || ('가'..='힣').contains(&c)
                || matches!(c, '_' | '-' | '.' | '/')
        });
    // YAML 1.1 has more words for truth than 1.2.
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if is_plain && !is_word { text.to_owned() } else { quoted(text) }
}

/// The metric that ranks models, and all that are computed.
fn metrics(shape: &Shape) -> (&'static str, &'static str) {
    match shape.kind {
        Kind::SequenceClassification if shape.is_uneven => ("macro_f1", "[accuracy, macro_f1]"),
        Kind::SequenceClassification => ("accuracy", "[accuracy, macro_f1]"),
        Kind::SequenceRegression => ("spearman", "[pearson, spearman]"),
        Kind::TokenClassification => ("entity_f1", "[entity_f1, entity_f1_strict]"),
        Kind::ExtractiveQa => ("exact_match", "[exact_match, char_f1]"),
    }
}

/// The smallest usual limit of tokens that leaves 99 of 100 texts whole.
fn max_seq_len(shape: &Shape) -> u32 {
    let tokens = f64::from(shape.long_text) / CHARACTERS_PER_TOKEN + 3.0;
    [64, 128, 256].into_iter().find(|limit| tokens <= f64::from(*limit)).unwrap_or(512)
}

/// The split whose score is the task's.
fn reported(files: &[SourceFile]) -> &str {
    let has = |name: &str| files.iter().find(|file| file.split == name);
    (has("test").or_else(|| has("dev")).or_else(|| files.first()))
        .map_or("test", |file| file.split.as_str())
}

/// The task file. Keys in the order of the built-in ones, what a newcomer may want to change with a word
/// on it.
pub(super) fn yaml(name: &str, files: &[SourceFile], shape: &Shape) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_yaml(&mut text, name, files, shape);
    text
}

fn write_yaml(
    text: &mut String,
    name: &str,
    files: &[SourceFile],
    shape: &Shape,
) -> std::fmt::Result {
    writeln!(
        text,
        "# `kobench task check FILE` compares this file with its data; `kobench task schema` says what each key means.
name: {}
# Raise it whenever an edit changes a score: scores of two versions are never compared.
version: 1
title: {}
kind: {}",
        scalar(name),
        scalar(name),
        shape.kind.name()
    )?;
    if !shape.labels.is_empty() {
        writeln!(
            text,
            "# In the order of the model's outputs. `id` is what stands in the data, `name` is for people.
labels:"
        )?;
        for label in &shape.labels {
            writeln!(text, "  - {{id: {}, name: {}}}", quoted(label), quoted(label))?;
        }
    }
    write_reader(text, shape)?;
    writeln!(text, "# Paths are relative to this file, or to the data directory.\nsplits:")?;
    for (file, rows) in files.iter().zip(&shape.rows) {
        let path = scalar(&file.below);
        writeln!(
            text,
            "  {}:\n    file: {path}\n    sha256: {}\n    rows: {rows}",
            scalar(&file.split),
            file.sha256
        )?;
    }
    let (metric, metrics) = metrics(shape);
    writeln!(text, "# The split whose score is the task's.\nreport: {}", scalar(reported(files)))?;
    if shape.is_uneven && shape.kind == Kind::SequenceClassification {
        writeln!(
            text,
            "# The labels are uneven: always saying the largest one would have a high accuracy."
        )?;
    }
    writeln!(text, "metric: {metric}\nmetrics: {metrics}")?;
    if shape.suffix_tags {
        writeln!(text, "scoring:\n  # `PER-B`, not `B-PER`.\n  tags: suffix")?;
    }
    if let Some((low, high)) = shape.range {
        writeln!(
            text,
            "# Values of these files: {low} to {high}. To make others an error of the data:\n# scoring:\n#   range: [{low}, {high}]"
        )?;
    }
    if shape.kind == Kind::ExtractiveQa {
        writeln!(
            text,
            "# Contexts that are longer than the model takes are read in windows, `doc_stride` tokens apart.
qa:
  doc_stride: 128
  max_question_len: 64
  max_answer_len: 30
  n_best: 20"
        )?;
    }
    writeln!(
        text,
        "# Tokens an example at most, special ones included; `kobench task check FILE` shows how long texts are.
max_seq_len: {}
selection:
  policy: none
  text: No score of this task is published.
# An SPDX identifier where there is one, and where the data comes from: say both before you pass the task on.
licence: unknown
source: unknown",
        max_seq_len(shape)
    )
}

fn write_reader(text: &mut String, shape: &Shape) -> std::fmt::Result {
    writeln!(text, "reader:\n  format: {}", shape.format.name())?;
    if matches!(shape.format, FileFormat::Tsv | FileFormat::Csv) {
        writeln!(text, "  header: {}", shape.header)?;
    }
    if let Some(member) = &shape.member {
        writeln!(text, "  member: {}", scalar(member))?;
    }
    if let Some(comment) = &shape.comment {
        writeln!(text, "  comment: {}", quoted(comment))?;
    }
    if !shape.columns.is_empty() {
        writeln!(text, "  columns:")?;
        for (key, column) in &shape.columns {
            writeln!(text, "    {key}: {column}")?;
        }
    }
    if matches!(shape.format, FileFormat::Squad | FileFormat::Conll) {
        return Ok(());
    }
    writeln!(
        text,
        "  # Rows with an empty text are scored; `skip` leaves them out.\n  empty_text: keep"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_stay_strings() {
        for text in ["text", "labels.real-label", "문장", "a/b.tsv"] {
            assert_eq!(scalar(text), text);
        }
        for text in ["", "1", "no", "y", "a b", "a: b", "#a", "-", "é", "1a", "a\"b", "null"] {
            let written = scalar(text);
            assert!(written.starts_with('"'), "{text}");
            assert_eq!(serde_yaml::from_str::<String>(&written).expect("a string"), text);
        }
    }

    proptest! {
        #[test]
        fn any_string_is_read_back(text in any::<String>()) {
            let written = scalar(&text);
            prop_assert_eq!(serde_yaml::from_str::<String>(&written).expect("a string"), text);
        }

        #[test]
        fn line_ends_are_read_back(text in "[\\x00-\\x1f\u{7f}-\u{9f}\u{2028}\u{2029}\u{feff} a가:#\"]{0,12}") {
            let written = quoted(&text);
            prop_assert_eq!(serde_yaml::from_str::<String>(&written).expect("a string"), text);
        }
    }
}
