//! Rows that do not fit are counted over the whole file, and the first of each kind are shown.

use super::*;

#[test]
fn bad_rows_are_counted_and_shown() {
    let (_, data) = sample();
    let mut text: String = data
        .rows()
        .map(|row| format!("{{\"id\": \"{}\", \"pred\": \"0\"}}\n", row.id.expect("an id")))
        .collect();
    let first = data.row(0).expect("a row").id.expect("an id");
    text = text.replacen(first, "nobody", 1);
    text = text.replacen("\"pred\": \"0\"", "\"pred\": \"2\"", 3);
    let twice = data.row(5).expect("a row").id.expect("an id");
    text.push_str(&format!("{{\"id\": {twice}, \"pred\": 1}}\n"));
    let error = score_text("p.jsonl", &text, &ScoreOptions::default()).expect_err("bad rows");
    let error = error.to_string();
    for expected in [
        format!("rows without a prediction: 1 (id {first})"),
        format!("predictions for a row that has one already: 1 (id {twice} in line 6 and line 2001)"),
        "predictions for no row of the data: 1 (id nobody in line 1)".to_owned(),
        "predictions that are none of the labels 0 (negative), 1 (positive): 2 (\"2\" in line 2, \"2\" in line 3)"
            .to_owned(),
    ] {
        assert!(error.contains(&expected), "{error}\n{expected}");
    }
}

#[test]
fn every_kind_of_row_has_its_message() {
    let line = "p.txt has 2 predictions, the data has 3 rows, and there are no ids to join them by\nhint: the file was read as lines";
    for (rows, name, text, expected) in [
        (texts(), "p.txt", "0\n1\n", line),
        (
            texts(),
            "p.txt",
            "0\n\n1\n",
            "predictions that are none of the labels 0 (name of 0), 1 (name of 1): 1 (\"\" in line 2)",
        ),
        (texts(), "p.txt", "0\n1.0\n1\n", "1 (\"1.0\" in line 2)"),
        (
            texts(),
            "p.jsonl",
            "{\"i\":0,\"pred\":1.5}\n{\"i\":1,\"pred\":null}\n{\"i\":9,\"pred\":[]}\n{\"i\":99999999999,\"pred\":{}}",
            "predictions for no row of the data: 2 (i 9 in line 3, i 99999999999 in line 4)",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"i\":0,\"pred\":1.5}\n{\"i\":1,\"pred\":null}\n{\"i\":2,\"pred\":true}\n",
            "predictions that are neither a string nor an integer: 2 (1.5 in line 1, a boolean in line 3)",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"i\":0,\"pred\":1}\n{\"i\":1,\"pred\":null}\n{\"i\":2,\"pred\":1}\n",
            "rows without a prediction: 1 (null in line 2)",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"id\":\"a\",\"pred\":1}\n{\"pred\":1}\n{\"id\":\"b\",\"pred\":1}\n",
            "predictions without an id: 1 (line 2)",
        ),
        (
            texts(),
            "p.json",
            "{\"a\": 1, \"b\": 1, \"7\": 1, \"a\": 0, \"c\\n\": 1}",
            "predictions for a row that has one already: 1 (id a in entry 1 and entry 4)",
        ),
        (
            pairs(),
            "p.txt",
            "nan\n3,5\ninf\n",
            "predictions that are no finite number: 3 (\"nan\" in line 1, \"3,5\" in line 2, \"inf\" in line 3)",
        ),
        (pairs(), "p.txt", "1\n\n1\n", "predictions that are no finite number: 1 (\"\" in line 2)"),
        (
            pairs(),
            "p.csv",
            "pred\n1\n1e999\n1\n",
            "predictions that are no finite number: 1 (\"1e999\" in line 3)",
        ),
        (
            pairs(),
            "p.json",
            "[1, [2], 3]",
            "predictions that are no finite number: 1 (a list in entry 2)",
        ),
        (
            sentences(),
            "p.txt",
            "B-PS I-PS\nO O\n",
            "sentences with another number of labels than words: 2 (2 labels for 3 words in row 0 (line 1), 2 labels for 1 words in row 1 (line 2))",
        ),
        (
            sentences(),
            "p.jsonl",
            "{\"i\":0,\"pred\":[\"O\",null,\"X\"]}\n{\"i\":1,\"pred\":[{\"label\":\"O\",\"cut\":true}]}",
            "words without a label that are not marked `cut`: 1 (word 2 in row 0 (line 1))",
        ),
        (
            sentences(),
            "p.jsonl",
            "{\"i\":0,\"pred\":[\"O\",null,\"X\"]}\n{\"i\":1,\"pred\":[{\"label\":\"O\",\"cut\":true}]}",
            "words that are marked `cut` and have a label all the same: 1 (word 1 in row 1 (line 2))",
        ),
        (
            sentences(),
            "p.jsonl",
            "{\"i\":0,\"pred\":[\"O\",null,\"X\"]}\n{\"i\":1,\"pred\":3.5}",
            "I-PS (name of I-PS): 1 (\"X\" in word 3 in row 0 (line 1))",
        ),
        (
            sentences(),
            "p.jsonl",
            "{\"i\":0,\"pred\":[\"O\",\"O\",\"O\"]}\n{\"i\":1,\"pred\":3.5}",
            "predictions that are no list of labels: 1 (3.5 in row 1 (line 2))",
        ),
        (
            sentences(),
            "p.jsonl",
            "{\"i\":0,\"pred\":[\"O\",\"O\",\"O\",\"O\"],\"cut\":true}\n{\"i\":1,\"pred\":null}",
            "4 labels for 3 words in row 0 (line 1)",
        ),
        (
            sentences(),
            "p.conll",
            "이 B-PS B-PS\n순신 O I-PS\n은 O O\n\n네 O O\n",
            "words whose gold label is not that of the data: 1 (O for I-PS at word 2 in row 0 (line 1))",
        ),
        (
            sentences(),
            "p.conll",
            "이 B-PS\n순신 I-PS\n은 O\n",
            "p.conll has 1 predictions, the data has 2 rows",
        ),
        (
            questions(),
            "p.json",
            "{\"q-1\": \"\", \"q-2\": [\"a\"], \"q-3\": 1.5}",
            "answers that are no string: 2 (a list in entry 2, 1.5 in entry 3)",
        ),
        (
            questions(),
            "p.json",
            "{\"q-1\": \"\", \"q-2\": \"\", \"q-4\": \"\"}",
            "predictions for no row of the data: 1 (id q-4 in entry 3)",
        ),
    ] {
        let refused = rows.refused(name, text, &ScoreOptions::default());
        assert!(refused.contains(expected), "{refused}\nexpected {expected}");
    }
}

#[test]
fn messages_move_no_cursor_and_stay_short() {
    let long = "가".repeat(100_000);
    let text = format!("{long}\n\u{1b}[31m\n1\n");
    let refused = texts().refused("p.txt", &text, &ScoreOptions::default());
    assert!(refused.len() < 1000 && !refused.contains('\u{1b}'), "{refused}");
    assert!(refused.contains("가...\" in line 1, \"\\u{1b}[31m\" in line 2"), "{refused}");
}
