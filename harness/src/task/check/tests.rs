//! Task files that cannot be.

use proptest::prelude::*;

use crate::task::Registry;

/// As tasks/nsmc.yaml was once: the lines are counted here.
const NSMC: &str = include_str!("../fixtures/nsmc.yaml");

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
        ("file: nsmc/ratings_test.txt", "file: ../x", "t.yaml:26: `../x` must be a path below"),
        ("bundled: samples/", "bundled: nowhere/", "t.yaml:31: `nowhere/nsmc/"),
        ("sha256: 8ac9", "sha256: ZZZZ", "t.yaml:28: a SHA-256 has 64 digits"),
        (
            "rows: 2000",
            "rows: 2000\n    part: {from: 7, to: 7}",
            "t.yaml:34: a part has at least one row; 7 to 7 has none",
        ),
        (
            "rows: 2000",
            "rows: 2000\n    part: {from: 0, to: 2001}",
            "t.yaml:34: the part ends at row 2001, and the file has 2000",
        ),
        ("rows: 2000", "rows: 0", "t.yaml:33: a split has at least one row"),
        (
            "report: test",
            "report: dev",
            "t.yaml:36: there is no split `dev`; there are: sample, test, train",
        ),
        ("metrics: [accuracy]", "metrics: []", "t.yaml:37: `accuracy` is not among the metrics"),
        ("max_seq_len: 128", "max_seq_len: 2", "t.yaml:41: max_seq_len must leave room"),
        ("    bundled:", "    file: a\n    bundled:", "t.yaml:30: split `sample` needs either"),
        (
            "metrics: [accuracy]",
            "metrics: [acuracy]",
            "t.yaml:38:11: metrics[0]: unknown variant `acuracy`",
        ),
        (
            "metrics: [accuracy]",
            "metrics: [accuracy, spearman]",
            "t.yaml:38: `spearman` is for tasks of kind sequence_regression, not sequence_classification",
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
