//! Questions about paragraphs, written for these tests.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::data::testing::{QUESTIONS, message, read, task};
use crate::data::{Gold, Input};
use crate::task::Task;

fn qa() -> Task {
    task(QUESTIONS, "{format: squad}")
}

fn question(id: &str, answer: &str, start: u64) -> Value {
    json!({"id": id, "question": "무엇?", "answers": [{"text": answer, "answer_start": start}]})
}

fn file(paragraphs: &[(&str, Vec<Value>)]) -> String {
    let paragraphs: Vec<Value> = paragraphs
        .iter()
        .map(|(context, questions)| json!({"qas": questions, "context": context}))
        .collect();
    json!({"version": "t", "data": [{"title": "a", "paragraphs": paragraphs}]}).to_string()
}

#[test]
fn offsets_count_characters_and_become_bytes() {
    let content = file(&[
        ("가나 \u{1f600}다", vec![question("q0", "다", 4), question("q1", "가나", 0)]),
        ("abc", vec![question("q2", "c", 2)]),
    ]);
    // Escapes and a byte order mark, as other writers have them.
    let content = format!("\u{feff}{}", content.replace('가', "\\uac00"));
    let data = read(&qa(), content).expect("read");
    let found: Vec<_> = data
        .rows()
        .map(|row| match (row.input, row.gold) {
            (Input::Question { question, context }, Gold::Answers(answers)) => {
                let answer = answers.iter().next().expect("an answer");
                (row.id.expect("an id"), question, context, answer.text, answer.start)
            }
            _ => panic!("{row:?}"),
        })
        .collect();
    let first = "가나 \u{1f600}다";
    assert_eq!(
        found,
        [
            ("q0", "무엇?", first, "다", 11),
            ("q1", "무엇?", first, "가나", 0),
            ("q2", "무엇?", "abc", "c", 2)
        ]
    );
    assert_eq!(data.clusters(), Some([0, 0, 1].as_slice()));
}

#[test]
fn offsets_that_do_not_fit_name_the_question() {
    let context = "가나 다라 가나";
    for (answer, start, expected) in [
        (
            "다라",
            2,
            "the context has \" 다\" at answer_start 2 (in characters), expected the answer \"다라\"; the answer stands at 3",
        ),
        (
            "마",
            0,
            "the context has \"가\" at answer_start 0 (in characters), expected the answer \"마\"; the context does not hold the answer",
        ),
        (
            "다라",
            7,
            "the context has \"나\" at answer_start 7 (in characters), expected the answer \"다라\"; the answer stands at 3",
        ),
        ("다라", 10, "answer_start 10 is beyond the 8 characters of the context"),
        ("", 0, "an answer is empty"),
    ] {
        let content =
            file(&[(context, vec![question("q0", "가나", 0), question("q1", answer, start)])]);
        assert_eq!(message(&qa(), content), format!("1: question q1: {expected}"));
    }
    let unanswered = json!({"id": "q1", "question": "무엇?", "answers": [], "is_impossible": true});
    assert_eq!(
        message(&qa(), file(&[(context, vec![unanswered])])),
        "1: question q1: no answer; questions that have none are not supported"
    );
    let twice = file(&[(context, vec![question("q1", "가나", 0), question("q1", "가나", 6)])]);
    assert_eq!(
        message(&qa(), twice),
        "1: question q1: the id stands twice; predictions are joined by it"
    );
}

#[test]
fn other_shapes_are_named_with_line_and_column() {
    for (content, expected) in [
        ("", "1:1: expected an object with the member `data`, found the end of the file"),
        ("[]", "1:1: expected an object with the member `data`, found `[`"),
        ("{\"version\": 1}", "1:15: no member `data`, as SQuAD files have"),
        ("{\"data\": {}}", "1:10: expected a list of articles, found `{`"),
        ("{\"data\": [{}]}", "1:13: an article without `paragraphs`"),
        (
            "{\"data\": [1]}",
            "1:11: expected an article, an object with the member `paragraphs`, found `1`",
        ),
        ("{\"data\": []} x", "1:14: expected nothing more, found `x`"),
        ("{\"data\": [{\"paragraphs\": [\n  {\"qas\": []}]}]}", "2:13: missing field `context`"),
        (
            "{\"data\": [{\"paragraphs\": [\n  {\"context\": \"가\", \"qas\": [{\"id\": 1}]}]}]}",
            "2:35: invalid type: integer `1`, expected a string",
        ),
        ("{\"data\": [{\"paragraphs\": [\n", "2:1: EOF while parsing a value"),
        (
            "{\"data\": [{\"paragraphs\": []}",
            "1:29: expected `,` or `]`, found the end of the file",
        ),
    ] {
        assert_eq!(message(&qa(), content), expected, "{content}");
    }
}

proptest! {
    #[test]
    fn cut_and_damaged_files_never_panic(at in 0usize..200, inserted in "[\\PC\n\"{}\\[\\],:]{0,3}") {
        let whole = file(&[("가나 다", vec![question("q0", "다", 3)]), ("b", vec![question("q1", "b", 0)])]);
        let at = (at.min(whole.len())..).find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        for content in [whole[..at].to_owned(), format!("{}{inserted}{}", &whole[..at], &whole[at..])] {
            if let Ok(data) = read(&qa(), &content) {
                prop_assert_eq!(data.rows().count(), data.len());
            }
        }
    }

    #[test]
    fn every_substring_is_found_where_it_is(context in "[a가\u{1f600} \"]{1,12}", start in 0usize..12, length in 1usize..5) {
        let characters: Vec<char> = context.chars().collect();
        let start = start.min(characters.len() - 1);
        let answer: String = characters[start..].iter().take(length).collect();
        let data = read(&qa(), file(&[(&context, vec![question("q", &answer, start as u64)])])).expect("read");
        let Some(Gold::Answers(answers)) = data.row(0).map(|row| row.gold) else { panic!("no answers") };
        let found = answers.iter().next().expect("an answer");
        prop_assert_eq!(context[..found.start].chars().count(), start);
        prop_assert_eq!(found.text, answer.as_str());
    }
}
