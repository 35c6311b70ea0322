//! Predictions of every kind of task, in the formats that its systems write.

use super::*;

fn read(rows: &Rows, name: &str, text: &str) -> Found {
    match rows.read(name, text, &ScoreOptions::default()) {
        Ok(read) => read.predicted,
        Err(error) => panic!("{name}: {error}\n{text}"),
    }
}

#[test]
fn labels_are_ids_names_or_integers() {
    let rows = texts();
    for (name, text) in [
        (
            "p.jsonl",
            "{\"id\": \"b\", \"pred\": 1}\n\n{\"id\": \"a\", \"pred\": \"1\"}\n{\"id\": 7, \"pred\": \"name of 0\", \"x\": [1, {}]}\n",
        ),
        ("p.csv", "pred,id\n1,b\nname of 1,a\n 0 ,7\n\n"),
        ("p.json", "{\"a\": 1, \"7\": \"0\", \"b\": {\"pred\": \"name of 1\"}}"),
        ("p.json", "[\"1\", 1, {\"pred\": 0}]"),
        ("p.txt", "1\r\nname of 1\r\n0\r\n\r\n"),
    ] {
        assert_eq!(read(&rows, name, text), Found::Labels(vec![1, 1, 0], None), "{name}: {text}");
    }
}

#[test]
fn numbers_for_the_labels_are_read_where_a_metric_uses_them() {
    let mut rows = texts();
    rows.task.metrics = vec![Metric::Accuracy, Metric::Auroc];
    let options = ScoreOptions::default();
    let read = |rows: &Rows, name: &str, text: &str, options: &ScoreOptions| {
        rows.read(name, text, options).expect("read").predicted
    };
    // Single precision, as a run writes it: 0.1 is not the double 0.1.
    let logits = "{\"id\":\"b\",\"pred\":1,\"logits\":[0.1,2]}\n{\"id\":\"a\",\"pred\":1,\"logits\":[-1.5,0]}\n{\"id\":7,\"pred\":0,\"logits\":[3,0.1]}\n";
    let tenth = f64::from(0.1_f32);
    let expected = vec![-1.5, 0.0, tenth, 2.0, 3.0, tenth];
    assert_eq!(
        read(&rows, "p.jsonl", logits, &options),
        Found::Labels(vec![1, 1, 0], Some((expected, true)))
    );
    let probs = logits
        .replace("logits", "probs")
        .replace("[0.1,2]", "[0.1,0.9]")
        .replace("[-1.5,0]", "[0,1]")
        .replace("[3,0.1]", "[0.999,0.0]");
    let expected = vec![0.0, 1.0, 0.1, 0.9, 0.999, 0.0];
    for name in ["probs", "probabilities", "scores"] {
        let text = probs.replace("probs", name);
        let found = read(&rows, "p.jsonl", &text, &options);
        assert_eq!(found, Found::Labels(vec![1, 1, 0], Some((expected.clone(), false))), "{text}");
    }
    let score = ScoreOptions { score_column: Some("p".to_owned()), ..ScoreOptions::default() };
    let expected = |positive: usize| {
        let both =
            [0.25, 1.0, 0.0].map(|p: f64| if positive == 1 { [1.0 - p, p] } else { [p, 1.0 - p] });
        Found::Labels(vec![0, 1, 0], Some((both.concat(), false)))
    };
    for (name, text) in [
        ("p.csv", "id,pred,p\na,0,0.25\nb,1,1\n7,0,0\n"),
        (
            "p.jsonl",
            "{\"pred\":0,\"p\":0.25,\"id\":\"a\"}\n{\"pred\":1,\"p\":1,\"id\":\"b\"}\n{\"pred\":0,\"p\":\"0\",\"id\":7}",
        ),
        (
            "p.json",
            "{\"7\": {\"pred\": 0, \"p\": 0}, \"a\": {\"pred\": 0, \"p\": 0.25}, \"b\": {\"pred\": 1, \"p\": 1.0}}",
        ),
    ] {
        assert_eq!(read(&rows, name, text, &score), expected(1), "{text}");
    }
    rows.task.scoring.positive = Some("0".to_owned());
    assert_eq!(read(&rows, "p.csv", "id,pred,p\na,0,0.25\nb,1,1\n7,0,0\n", &score), expected(0));
    // Where no metric uses them they may be anything.
    let odd = "{\"id\":\"b\",\"pred\":1,\"logits\":\"?\"}\n{\"id\":\"a\",\"pred\":1}\n{\"id\":7,\"pred\":0}\n";
    assert_eq!(read(&texts(), "p.jsonl", odd, &options), Found::Labels(vec![1, 1, 0], None));
}

#[test]
fn real_numbers_are_read_to_the_last_bit() {
    let tenth = 0.1 + 0.2;
    let expected = Found::Values(vec![tenth, -3.0, 5.0]);
    for (name, text) in [
        (
            "p.jsonl",
            format!(
                "{{\"i\":1,\"pred\":-3}}\n{{\"i\":0,\"pred\":{tenth}}}\n{{\"i\":2,\"pred\":\"5e0\"}}"
            ),
        ),
        ("p.csv", format!("i,pred\n2,5.0\n1,-3\n0,{tenth}\n")),
        ("p.csv", format!("id,pred\n2,5.0\n1,-3\n0,{tenth}\n")),
        ("p.tsv", format!("pred\n{tenth}\n-3\n5\n")),
        ("p.json", format!("[{tenth},-3,5]")),
        ("p.txt", format!("{tenth}\n-3\n +5 \n")),
    ] {
        assert_eq!(read(&pairs(), name, &text), expected, "{name}: {text}");
    }
}

#[test]
fn labels_of_words_come_as_lists_columns_and_lines() {
    let rows = sentences();
    let expected = Found::Tags(vec![vec![Some(1), Some(2), Some(0)], vec![Some(1)]]);
    for (name, text) in [
        (
            "p.jsonl",
            "{\"i\":1,\"pred\":[\"B-PS\"]}\n{\"i\":0,\"pred\":[{\"label\":\"B-PS\"},\"I-PS\",{\"label\":\"O\",\"cut\":false}]}",
        ),
        ("p.csv", "i,pred\n1,B-PS\n0,\"B-PS I-PS O\"\n"),
        ("p.tsv", "i\tpred\n1\tB-PS\n0\tB-PS  name-no I-PS O\n".replace(" name-no", "").as_str()),
        ("p.json", "[[\"B-PS\",\"I-PS\",\"O\"],\"B-PS\"]"),
        ("p.txt", "B-PS I-PS O\nB-PS\n"),
        ("p.conll", "\n이 B-PS\n순신 I-PS\n은 O\n\n\n네 B-PS\n\n"),
        ("p.txt", "이 B-PS B-PS\n순신 I-PS I-PS\n은 O O\n \n네 O B-PS"),
        // The space is a word, and the part of speech is no gold.
        ("p.tsv", "이\tNN\tB-PS\n \tS\tI-PS\n은\tJ\tO\n\n네\tI\tB-PS"),
        ("p.bio", "B-PS\nI-PS\nO\n\nB-PS"),
    ] {
        assert_eq!(read(&rows, name, text), expected, "{name}: {text}");
    }
    let columns = ScoreOptions { pred_column: Some("0".to_owned()), ..ScoreOptions::default() };
    let first = rows.read("p.txt", "B-PS 이\nI-PS 순신\nO 은\n\nB-PS 네", &columns).expect("read");
    assert_eq!((first.predicted, first.format), (expected, InputFormat::Conll));
}

#[test]
fn comments_of_the_data_set_may_stay_in_the_columns() {
    let mut rows = sentences();
    rows.task.reader.comment = Some("##".to_owned());
    let text = "## klue\n## 0\t<이:PS>\n이\tB-PS\n순\tI-PS\n#\tO\n\n## 1\t네\n네\tO\n";
    let expected = Found::Tags(vec![vec![Some(1), Some(2), Some(0)], vec![Some(0)]]);
    assert_eq!(read(&rows, "p.tsv", text), expected);
}

#[test]
fn words_that_the_model_never_saw_are_marked() {
    let expected = Found::Tags(vec![vec![Some(1), None, None], vec![None]]);
    for text in [
        "{\"i\":0,\"pred\":[\"B-PS\",{\"label\":null,\"cut\":true},{\"cut\":true}]}\n{\"i\":1,\"pred\":[{\"label\":null,\"cut\":true}]}",
        "{\"i\":0,\"pred\":[\"B-PS\",null],\"cut\":true}\n{\"i\":1,\"pred\":null,\"cut\":true}",
    ] {
        assert_eq!(read(&sentences(), "p.jsonl", text), expected, "{text}");
    }
}

#[test]
fn answers_are_taken_as_they_are() {
    let expected = |last: &str| {
        Found::Answers(["서울", "1945", last].map(|text| Some(text.to_owned())).to_vec())
    };
    for (name, text, last) in [
        ("p.json", "{\"q-3\": \"\\\"강\\\"\\n\", \"q-1\": \"서울\", \"q-2\": 1945}", "\"강\"\n"),
        (
            "p.jsonl",
            "{\"id\": \"q-3\", \"pred\": \"\"}\n{\"id\": \"q-1\", \"pred\": \"서울\"}\n{\"id\": \"q-2\", \"pred\": \"1945\"}",
            "",
        ),
        ("p.csv", "id,pred\nq-3,\"a, \"\"b\"\"\n\"\nq-1,서울\nq-2,1945\n", "a, \"b\"\n"),
        // A quotation mark that is never closed, as systems print it without CSV in mind.
        ("p.tsv", "id\tpred\nq-3\t\"강\nq-1\t서울\nq-2\t1945\n", "\"강"),
        ("p.tsv", "id\tpred\nq-3\t\"한 \"\"강\"\"\"\nq-1\t서울\nq-2\t1945\n", "한 \"강\""),
        (
            "p.tsv",
            "id\tpred\nq-3\t\"강\" 또는 \"산\"\nq-1\t서울\nq-2\t1945\n",
            "\"강\" 또는 \"산\"",
        ),
        ("p.txt", "서울\n1945\n강\u{2028}산\n\n", "강\u{2028}산"),
    ] {
        assert_eq!(read(&questions(), name, text), expected(last), "{name}: {text}");
    }
}

#[test]
fn questions_without_an_answer_are_counted_when_that_is_allowed() {
    let allowed = ScoreOptions { allow_missing: true, ..ScoreOptions::default() };
    for text in ["{\"q-2\": \"1945\"}", "{\"q-1\": null, \"q-2\": \"1945\", \"q-3\": null}"] {
        let read = questions().read("p.json", text, &allowed).expect("read");
        assert_eq!(read.predicted, Found::Answers(vec![None, Some("1945".to_owned()), None]));
        assert_eq!(read.missing, 2);
        let refused = questions().refused("p.json", text, &ScoreOptions::default());
        assert!(refused.contains("rows without a prediction: 2 ("), "{refused}");
        assert!(refused.contains("--allow-missing"), "{refused}");
    }
}

#[test]
fn ids_are_matched_with_care() {
    // Numbers are ids of strings, and white space around them does not matter.
    let read = |rows: &Rows, text: &str| rows.read("p.csv", text, &ScoreOptions::default());
    assert_eq!(read(&texts(), "id,pred\n7 ,1\na,0\nb,0\n").expect("read").by, JoinedBy::Id);
    // Data without ids: indices in any order are indices, other numbers must ascend.
    let by = |text| read(&pairs(), text).map(|read| (read.by, read.warnings.len()));
    assert_eq!(by("id,pred\n2,0\n0,0\n1,0\n").expect("read"), (JoinedBy::Index, 0));
    assert_eq!(by("id,pred\n1,0\n2,0\n3,0\n").expect("read"), (JoinedBy::Line, 1));
    assert_eq!(by("id,pred\nx,0\na,0\nx,0\n").expect("read"), (JoinedBy::Line, 1));
    let refused = pairs().refused("p.csv", "id,pred\n3,0\n1,0\n2,0\n", &ScoreOptions::default());
    assert!(
        refused.starts_with(
            "p.csv has ids that do not ascend (`1` in line 3), but the data has no ids"
        ),
        "{refused}"
    );
    // Ids that the data has twice tell its rows apart only by an index, or in its own order.
    let doubled = Rows { ids: vec!["a", "a", "b"], ..texts() };
    assert_eq!(read(&doubled, "id,pred\na,0\na,0\nb,1\n").expect("read").by, JoinedBy::Id);
    assert_eq!(
        read(&doubled, "id,i,pred\nb,2,0\na,1,0\na,0,1\n").expect("read").by,
        JoinedBy::Index
    );
    let refused = doubled.refused("p.csv", "id,pred\nb,0\na,0\na,1\n", &ScoreOptions::default());
    assert!(refused.contains("the data has the id `a` twice"), "{refused}");
}
