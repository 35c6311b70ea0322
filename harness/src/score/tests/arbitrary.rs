//! Whatever bytes a file holds, it is read or refused.

use proptest::prelude::*;

use super::*;

const FORMATS: [InputFormat; 6] = [
    InputFormat::Jsonl,
    InputFormat::Json,
    InputFormat::Csv,
    InputFormat::Tsv,
    InputFormat::Conll,
    InputFormat::Lines,
];

/// Reads `content` in every way. Refusals must have a message and a hint.
fn read_all(content: &[u8]) {
    let columns = ScoreOptions {
        gold_column: Some("gold".to_owned()),
        score_column: Some("p".to_owned()),
        ..ScoreOptions::default()
    };
    let mut scored = texts();
    scored.task.metrics = vec![Metric::LogLoss];
    for rows in [texts(), scored, pairs(), sentences(), questions()] {
        for name in ["p", "p.json", "p.csv", "p.tsv"] {
            for options in [&ScoreOptions::default(), &columns] {
                check(rows.read(name, content, options), rows.n);
            }
        }
        for format in FORMATS {
            check(rows.read("p", content, &of_format(format)), rows.n);
        }
    }
}

fn check(result: Result<Read, ScoreError>, n: usize) {
    match result {
        Ok(read) => {
            let found = match read.predicted {
                Found::Labels(labels, _) => labels.len(),
                Found::Values(values) => values.len(),
                Found::Tags(tags) => tags.len(),
                Found::Answers(answers) => answers.len(),
            };
            assert_eq!(found, n);
        }
        Err(error) => assert!(!error.to_string().is_empty() && error.hint().is_some(), "{error}"),
    }
}

proptest! {
    #[test]
    fn bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&content);
    }

    #[test]
    fn text_that_is_nearly_right_never_panics(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", "\"", ",", ":", "\t", "\n", "\r", " ", "\u{feff}", "\\u", "\\", "id", "\"id\"",
                "pred", "\"pred\"", "i", "\"i\"", "\"gold\"", "gold", "p", "\"p\"", "cut", "\"cut\":true", "logits",
                "\"logits\":[1,2]", "\"probs\":[0.5,0.5]", "a", "b", "7", "0", "1", "-1", "1e999", "NaN", "null", "true",
                "B-PS", "O", "q-1", "가", "\"가\"", "id,pred\n", "{\"i\":0,\"pred\":1}\n", "##", "1.5",
            ]),
            0..30,
        ),
    ) {
        read_all(parts.concat().as_bytes());
    }
}

#[test]
fn deep_nesting_is_refused_or_skipped() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    read_all(deep("[", "]").as_bytes());
    read_all(format!("{{\"id\":\"a\",\"x\":{},\"pred\":1}}", deep("[", "]")).as_bytes());
    read_all(format!("{{\"id\":\"a\",\"pred\":{}}}", deep("{\"a\":", "}")).as_bytes());
}
