//! Lists of objects.

use proptest::prelude::*;
use serde_json::json;

use crate::data::testing::{CLASSES, TAGS, VALUES, message, read, task};
use crate::data::{Gold, Input};
use crate::task::Task;

fn pairs() -> Task {
    task(
        CLASSES,
        "{format: json, columns: {id: guid, text: a, text_pair: b, label: gold, cluster: a}}",
    )
}

#[test]
fn rows_are_objects() {
    let content = "\u{feff}[\n  {\"guid\": 7, \"a\": \"가\\n\\\"\\ud83d\\ude00\", \"b\": \"\", \"gold\": 1, \"x\": {\"a\": [1, {}]}},\n\n  {\"gold\": \"0\", \"b\": \"나\", \"a\": \"다\", \"guid\": \"g\"}\n]\n";
    let data = read(&pairs(), content).expect("read");
    let rows: Vec<_> = data.rows().map(|row| (row.id, row.input, row.gold, row.line)).collect();
    let expected = [
        (Some("7"), Input::Pair("가\n\"\u{1f600}", ""), Gold::Label(1), 2),
        (Some("g"), Input::Pair("다", "나"), Gold::Label(0), 4),
    ];
    assert_eq!(rows, expected);
    assert_eq!(data.clusters(), Some([0, 1].as_slice()));
    assert_eq!(read(&pairs(), " [ ] ").expect("read").len(), 0);
}

#[test]
fn columns_and_the_list_may_be_dotted_paths() {
    let columns = "columns: {text: s.t, label: labels.real-label}";
    let task = task(VALUES, &format!("{{format: json, member: a.rows, {columns}}}"));
    let content = json!({
        "version": [{"rows": 1}],
        "a": {"n": 1, "rows": [
            {"s": {"t": "가", "u": 1}, "labels": {"label": 1, "real-label": 4.857142857142857}},
            {"s.t": "나", "labels.real-label": "0"},
        ], "z": null},
    });
    let data = read(&task, content.to_string()).expect("read");
    assert_eq!(data.gold_values(), [4.857142857142857, 0.0]);
    assert_eq!(data.row(1).expect("a row").input, Input::Text("나"));
    for (content, expected) in [
        ("[]", "1:1: expected an object with the member `a`, found `[`"),
        ("{\"b\": 1}", "1:9: no member `a`; there are: b"),
        (
            "{\"a\": {\"rovs\": []}}",
            "1:19: no member `rows`; there are: rovs; did you mean `rovs`?",
        ),
        ("{\"a\": {\"rows\": [], \"rows\": []}}", "1:27: the member `rows` stands twice"),
        ("{\"a\": {\"rows\": {}}}", "1:16: expected a list of objects, one a row, found `{`"),
        ("{\"a\": {\"rows\": []}", "1:19: expected `,` or `}`, found the end of the file"),
    ] {
        assert_eq!(message(&task, content), expected, "{content}");
    }
}

#[test]
fn words_and_labels_may_be_lists() {
    let task = task(TAGS, "{format: json, columns: {text: tokens, label: tags}}");
    let content = json!([
        {"tokens": ["김", " ", "", 3], "tags": ["B-PS", "O", "O", "O"]},
        {"tokens": "김 씨", "tags": "B-PS O"},
        {"tokens": [], "tags": []},
    ]);
    let data = read(&task, content.to_string()).expect("read");
    let words: Vec<Vec<&str>> = data
        .rows()
        .map(|row| match row.input {
            Input::Words(words) => words.iter().collect(),
            _ => panic!("no words"),
        })
        .collect();
    assert_eq!(words, [vec!["김", " ", "", "3"], vec!["김", "씨"], vec![]]);
    assert_eq!(data.row(0).expect("a row").gold, Gold::Tags(&[1, 0, 0, 0]));
    for (row, expected) in [
        (json!({"tokens": ["a"], "tags": []}), "1: 1 words, but 0 labels: \"\""),
        (
            json!({"tokens": ["a"], "tags": ["X"]}),
            "1: unknown label \"X\", expected one of O, B-PS, I-PS: \"\"",
        ),
        (
            json!({"tokens": 1, "tags": []}),
            "1: `tokens` is a number, expected a list or a text: \"1\"",
        ),
        (json!({"tokens": [[]], "tags": []}), "1:25: a list in a list of texts or numbers"),
    ] {
        assert_eq!(message(&task, json!([row]).to_string()), expected);
    }
}

#[test]
fn bad_rows_are_named() {
    for (row, expected) in [
        ("1", "2:1: invalid type: integer `1`, expected an object"),
        (
            "{\"a\": \"x\"}",
            "2: no id, no second text, no label: the row has no member `guid`: \"x\"",
        ),
        (
            "{\"guid\": 1, \"a\": null, \"b\": \"\", \"gold\": 1}",
            "2: `a` is null, expected a text or a number: \"1 |  | 1\"",
        ),
        (
            "{\"guid\": 1, \"a\": [], \"b\": \"\", \"gold\": 1}",
            "2: `a` is a list, expected a text or a number: \"1 |  | 1\"",
        ),
        (
            "{\"guid\": 1, \"a\": {}, \"b\": \"\", \"gold\": 1}",
            "2: `a` is an object, expected a text or a number: \"1 |  | 1\"",
        ),
        (
            "{\"guid\": 1, \"a\": \"\", \"b\": \"\", \"gold\": 1.0}",
            "2: unknown label \"1.0\", expected one of 0, 1: \"1 |  |  | 1.0\"",
        ),
        ("{\"guid\": 1, \"guid\": 2}", "2:18: `guid` stands twice"),
        ("{\"guid\": 1, \"a\": \"가\"", "3:1: expected `,` or `}`"),
        (
            "{\"guid\": \"\t\"}",
            "2:11: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        (
            "{}}",
            "2: no id, no text, no second text, no label, no cluster: the row has no member `guid`: \"\"",
        ),
    ] {
        assert_eq!(message(&pairs(), format!("[\n{row}\n]")), expected, "{row}");
    }
}

#[test]
fn values_are_finite_and_within_their_range() {
    let task = task(VALUES, "{format: json, columns: {text: t, label: v}}");
    for (value, expected) in [
        ("5.5", "1: 5.5 is not within 0 to 5: \"x | 5.5\""),
        ("\"viel\"", "1: \"viel\" is no finite number: \"x | viel\""),
        ("\"nan\"", "1: \"nan\" is no finite number: \"x | nan\""),
        ("true", "1: \"true\" is no finite number: \"x | true\""),
        ("1e999", "1:22: number out of range"),
    ] {
        let content = format!("[{{\"t\": \"x\", \"v\": {value}}}]");
        assert_eq!(message(&task, content), expected);
    }
}

#[test]
fn deep_nesting_is_no_crash() {
    let deep = format!("[{{\"x\": {}{}}}]", "[".repeat(100_000), "]".repeat(100_000));
    assert!(message(&pairs(), &deep).contains("no id"));
    let wanted = format!("[{{\"a\": {}{}}}]", "[".repeat(100_000), "]".repeat(100_000));
    assert!(message(&pairs(), wanted).contains("recursion limit exceeded"));
}

proptest! {
    #[test]
    fn cut_and_damaged_files_never_panic(at in 0usize..120, inserted in "[\\PC\n\"{}\\[\\],:]{0,3}") {
        let whole = json!([{"guid": 1, "a": "가", "b": "나", "gold": 1}, {"guid": "x", "a": "", "b": "", "gold": "0"}]).to_string();
        let at = (at.min(whole.len())..).find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        for content in [whole[..at].to_owned(), format!("{}{inserted}{}", &whole[..at], &whole[at..])] {
            if let Ok(data) = read(&pairs(), &content) {
                prop_assert_eq!(data.rows().count(), data.len());
            }
        }
    }

    #[test]
    fn what_was_written_is_read(rows in prop::collection::vec(("\\PC{0,6}", "[a\"\\\\\n가\u{1f600}]{0,6}", 0u32..2), 0..12), pretty: bool) {
        let list: Vec<_> = rows
            .iter()
            .map(|(a, b, gold)| json!({"guid": 0, "a": a, "b": b, "gold": gold, "other": {"gold": [a]}}))
            .collect();
        let content = if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) };
        let data = read(&pairs(), content.expect("written")).expect("read");
        let found: Vec<_> = data.rows().map(|row| (row.input, row.gold)).collect();
        let expected: Vec<_> = rows.iter().map(|(a, b, gold)| (Input::Pair(a, b), Gold::Label(*gold))).collect();
        prop_assert_eq!(found, expected);
    }
}
