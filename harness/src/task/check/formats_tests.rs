//! What formats and kinds need, and what they have no use for.

use crate::task::Registry;

/// A valid task file of each kind, by what is replaced in it.
const PAIRS: &str = "name: t
version: 1
title: T
kind: sequence_classification
labels:
  - {id: a, name: a}
  - {id: b, name: b}
reader:
  format: json
  columns:
    text: x
    label: y
splits:
  test:
    file: t/test
report: test
metric: accuracy
metrics: [accuracy]
max_seq_len: 128
selection: {policy: none, text: none}
licence: CC0-1.0
source: here
";

fn error_of(edits: &[(&str, &str)]) -> String {
    let mut text = PAIRS.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    match Registry::parse_task(&text, "t.yaml") {
        Ok(_) => panic!("valid:\n{text}"),
        Err(error) => error.to_string(),
    }
}

const LABELS: &str = "labels:
  - {id: a, name: a}
  - {id: b, name: b}
";

#[test]
fn readers() {
    Registry::parse_task(PAIRS, "t.yaml").expect("valid");
    for (edits, expected) in [
        (
            &[("format: json", "format: squad")][..],
            "t.yaml:9: `squad` files are not for sequence_classification",
        ),
        (
            &[("format: json", "format: conll")],
            "t.yaml:9: `conll` files are not for sequence_classification",
        ),
        (&[("format: json", "format: jsno")], "t.yaml:9:11: reader.format: unknown variant `jsno`"),
        (
            &[("format: json", "format: json\n  header: true")],
            "t.yaml:10: `header` is for tsv and csv, and the format is `json`",
        ),
        (
            &[("format: json", "format: json\n  comment: \"#\"")],
            "t.yaml:10: `comment` is for conll, and the format is `json`",
        ),
        (
            &[("format: json", "format: jsonl\n  member: data")],
            "t.yaml:10: `member` is for json, and the format is `jsonl`",
        ),
        (
            &[("format: json", "format: json\n  member: a..b")],
            "t.yaml:10: `member` is the name of a member, or a dotted path to it",
        ),
        (
            &[("format: json", "format: json\n  labels_by_prefix: {x: a}")],
            "t.yaml:10: `labels_by_prefix` is for aihub_dialect, and the format is `json`",
        ),
        (
            &[("format: json", "format: json\n  empty_text: as_nan")],
            "t.yaml:10: `as_nan` is what pandas makes of CSV files; use keep or skip",
        ),
        (
            &[("text: x", "text: 0")],
            "t.yaml:11: column 0 is an index, but the rows of `json` are objects; give the name of the member",
        ),
        (
            &[("format: json", "format: tsv")],
            "t.yaml:12: column `y` is given by name, but the files have no header; give its index",
        ),
        (
            &[
                ("format: json", "format: tsv"),
                ("label: y", "label: 0"),
                ("text: x", "text: {template: \"{0}{y}\"}"),
            ],
            "t.yaml:11: column `y` is given by name, but the files have no header; give its index",
        ),
        (
            &[
                ("format: json", "format: tsv"),
                ("label: y", "label: 0"),
                ("text: x", "text: {template: \"{10000}\"}"),
            ],
            "t.yaml:11: column 10000 is beyond the 10000 columns",
        ),
        (
            &[("text: x", "text: {template: \"{a\"}")],
            "t.yaml:11: `{a` is not closed; a brace itself is written `{{`",
        ),
        (
            &[("text: x", "text: [x]")],
            "t.yaml:11:11: reader.columns.text: invalid type: a list, expected the name of a column, its index from 0, or {template: \"{one} {another}\"}",
        ),
        (&[("    text: x\n", "")], "t.yaml:10: `columns.text` is missing"),
        (&[("    label: y\n", "")], "t.yaml:10: `columns.label` is missing"),
        (&[("label: y", "label: \"\"")], "t.yaml:12: a column needs a name"),
        (
            &[("format: json", "format: aihub_dialect")],
            "t.yaml:10: `columns` is for formats that have columns, and the format is `aihub_dialect`",
        ),
        (
            &[
                ("format: json", "format: aihub_dialect"),
                ("  columns:\n    text: x\n    label: y\n", ""),
            ],
            "t.yaml:8: aihub_dialect needs `labels_by_prefix`: the transcripts do not say their region",
        ),
        (
            &[
                ("format: json", "format: aihub_dialect"),
                ("  columns:\n    text: x\n    label: y\n", "  labels_by_prefix: {p: c}\n"),
            ],
            "t.yaml:10: `c` is none of the labels: a, b",
        ),
    ] {
        let message = error_of(edits);
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
}

#[test]
fn kinds() {
    let regression = ("sequence_classification", "sequence_regression");
    let words = ("sequence_classification", "token_classification");
    let tags = (LABELS, "labels:\n  - {id: O, name: o}\n  - {id: B-A, name: a}\n");
    let only = |extra: &'static str| ("metrics: [accuracy]", extra);
    for (edits, expected) in [
        (
            &[(LABELS, "")][..],
            "t.yaml:1: a classification task needs at least two labels, or a `labels_file`",
        ),
        (&[("{id: b,", "{id: \"\",")], "t.yaml:5: label 1 has an empty id"),
        (
            &[("reader:", "labels_file: l.txt\nreader:")],
            "t.yaml:8: a task has either `labels` or a `labels_file`",
        ),
        (
            &[(LABELS, "labels_file: /l.txt\n")],
            "t.yaml:5: `/l.txt` must be a path below the data directory",
        ),
        (&[regression], "t.yaml:5: sequence_regression has no labels"),
        (&[("sequence_classification", "extractive_qa")], "t.yaml:5: extractive_qa has no labels"),
        (
            &[("sequence_classification", "extractive_qa"), (LABELS, "")],
            "t.yaml:6: extractive_qa is read from `squad`, not from `json`",
        ),
        (
            &[words],
            "t.yaml:5: token classification needs the label `O` for words outside of entities",
        ),
        (
            &[words, tags, ("{id: B-A,", "{id: A-B,")],
            "t.yaml:5: label `A-B` is neither `O` nor `B-TYPE` or `I-TYPE`, as `scoring.tags: prefix` says",
        ),
        (
            &[words, tags, only("metrics: [accuracy]\nscoring: {tags: suffix}")],
            "t.yaml:5: label `B-A` is neither `O` nor `TYPE-B` or `TYPE-I`, as `scoring.tags: suffix` says",
        ),
        (
            &[words, tags, ("label: y", "label: y\n    text_pair: z")],
            "t.yaml:13: token classification has one text a row",
        ),
        (
            &[words, tags, ("text: x", "text: {template: \"{x}\"}")],
            "t.yaml:11: the words of a token classification stand in one column",
        ),
        (
            &[
                words,
                tags,
                ("format: json", "format: conll"),
                ("text: x", "text: 0"),
                ("label: y", "label: 1\n    id: 0"),
            ],
            "t.yaml:13: the ids of sentences stand in comments: `comment` must say how these begin",
        ),
        (
            &[words, tags, ("format: json", "format: conll")],
            "t.yaml:12: column `y` is given by name, but conll files have no names; give its index",
        ),
        (
            &[only("metrics: [accuracy]\nqa: {n_best: 3}")],
            "t.yaml:19: `qa` is for extractive_qa, and the task is sequence_classification",
        ),
    ] {
        let message = error_of(edits);
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
}

#[test]
fn scoring_and_splits() {
    let regression = ("kind: sequence_classification", "kind: sequence_regression");
    let no_labels = (LABELS, "");
    let scoring = |value: &'static str| ("metrics: [accuracy]", value);
    for (edits, expected) in [
        (
            &[scoring("metrics: [accuracy]\nscoring:\n  positive: c")][..],
            "t.yaml:20: `c` is none of the labels: a, b",
        ),
        (
            &[scoring("metrics: [accuracy]\nscoring:\n  batch_size: 0")],
            "t.yaml:20: a batch has at least one row",
        ),
        (
            &[scoring("metrics: [accuracy]\nscoring:\n  threshold: 3")],
            "t.yaml:20: `threshold` is for sequence_regression, and the task is sequence_classification",
        ),
        (
            &[scoring("metrics: [accuracy]\nscoring:\n  range: [0, 1]")],
            "t.yaml:20: `range` is for sequence_regression",
        ),
        (
            &[regression, no_labels, scoring("metrics: [accuracy]\nscoring:\n  range: [1, 1]")],
            "t.yaml:17: `range` is the smallest and the largest gold value, not [1, 1]",
        ),
        (
            &[regression, no_labels, scoring("metrics: [accuracy]\nscoring:\n  range: [0, .inf]")],
            "t.yaml:17: `range` is the smallest",
        ),
        (
            &[
                regression,
                no_labels,
                scoring("metrics: [accuracy]\nscoring:\n  range: [0, 5]\n  threshold: 6"),
            ],
            "t.yaml:18: `threshold` 6 is no value that lies within the range",
        ),
        (
            &[regression, no_labels, scoring("metrics: [accuracy]\nscoring:\n  threshold: .nan")],
            "t.yaml:17: `threshold` NaN is no value",
        ),
        (
            &[("file: t/test", "file: t/test\n    url: ftp://x")],
            "t.yaml:16: `ftp://x` does not begin with https:// or http://",
        ),
        (
            &[("file: t/test", "file: t/test\n    url: \"https://a b\"")],
            "t.yaml:16: `https://a b` does not begin",
        ),
        (
            &[("file: t/test", "bundled: samples/nsmc/README.md\n    url: https://x")],
            "t.yaml:16: a bundled split is not downloaded; it has no `url`",
        ),
    ] {
        let message = error_of(edits);
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
}

#[test]
fn answers_have_options() {
    let qa = "format: squad\n";
    let edits = [
        ("sequence_classification", "extractive_qa"),
        (LABELS, ""),
        ("format: json\n  columns:\n    text: x\n    label: y\n", qa),
        ("metrics: [accuracy]", "metrics: [accuracy]\nqa:\n  n_best: 0"),
    ];
    assert_eq!(error_of(&edits), "t.yaml:14: n_best must be at least 1");
}
