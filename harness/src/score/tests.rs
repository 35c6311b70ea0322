//! Every format gives the same bits, and every bad file says what is wrong with it.

use std::fs;

use super::*;
use crate::data::{DataPlaces, DatasetOptions};
use crate::hint::Hint;
use crate::record::{Output, PredictionRow, PredictionWriter};
use crate::task::Registry;

fn sample() -> (Task, Dataset) {
    let task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
    let data =
        Dataset::open(&task, Some("sample"), &DataPlaces::default(), DatasetOptions::default());
    (task, data.expect("read"))
}

/// Wrong in every seventh row.
fn predicted(data: &Dataset) -> Vec<u32> {
    data.gold_labels()
        .iter()
        .enumerate()
        .map(|(index, gold)| if index % 7 == 0 { 1 - gold } else { *gold })
        .collect()
}

fn score_text(name: &str, text: &str, columns: &ScoreOptions) -> Result<ScoreReport, Error> {
    let (task, data) = sample();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("written");
    score(&task, &data, &path, columns)
}

fn named(id: &str, pred: &str) -> ScoreOptions {
    ScoreOptions {
        id_column: Some(id.to_owned()),
        pred_column: Some(pred.to_owned()),
        ..ScoreOptions::default()
    }
}

#[test]
fn every_format_gives_the_bits_of_the_run() {
    let (task, data) = sample();
    let predicted = predicted(&data);
    let gold = data.gold_labels();
    let observations = Observations::Labels(LabelObservations {
        gold: &gold,
        predicted: &predicted,
        scores: None,
    });
    let run =
        metrics::evaluate(&task, data.labels(), &observations, None, &IntervalOptions::default())
            .expect("scored");
    let mut writer = PredictionWriter::new(Vec::new(), Path::new("p.jsonl"));
    let (mut csv, mut tsv, mut plain, mut by_index) =
        (String::from("a,p,i d\n"), String::from("id\tpred\n"), String::new(), String::new());
    for (row, pred) in data.rows().zip(&predicted) {
        let (id, label) = (row.id.expect("an id"), &task.labels[*pred as usize].id);
        let (gold, pred) = (
            Output::Text(task.labels[gold[row.index] as usize].id.clone()),
            Output::Text(label.clone()),
        );
        let i = row.index as u64;
        writer
            .write(&PredictionRow {
                i,
                id: Some(id.to_owned()),
                gold,
                pred,
                logits: Some(vec![0.5, 1.5]),
            })
            .expect("ok");
        csv.push_str(&format!("\"x, \"\"y\"\"\",{label},{id}\n"));
        tsv.insert_str("id\tpred\n".len(), &format!("{id}\t{label}\n"));
        plain.push_str(&format!("{label}\n"));
        by_index.push_str(&format!("{{\"i\": {i}, \"pred\": {label}}}\n"));
    }
    let jsonl = String::from_utf8(writer.finish().expect("ok").0).expect("text");
    for (name, text, columns, by) in [
        ("p.jsonl", jsonl, ScoreOptions::default(), JoinedBy::Id),
        ("p.csv", csv, named("i d", "p"), JoinedBy::Id),
        ("p.tsv", tsv, ScoreOptions::default(), JoinedBy::Id),
        ("p.txt", plain, ScoreOptions::default(), JoinedBy::Line),
        ("p.json", by_index, ScoreOptions::default(), JoinedBy::Index),
    ] {
        let report = score_text(name, &text, &columns).expect("scored");
        assert_eq!(report.metrics, run.metrics, "{name}");
        assert_eq!((report.predictions.joined_by, report.n), (by, 2000), "{name}");
        let schema = crate::record::validator(include_str!("../../schemas/score.schema.json"));
        let json = serde_json::to_value(&report).expect("serialised");
        assert!(schema.is_valid(&json), "{json}");
        let mut wrong = json;
        wrong["metrics"]["accuracy"]["value"] = "85.7".into();
        assert!(!schema.is_valid(&wrong));
    }
}

#[test]
fn bad_rows_are_counted_and_shown() {
    let (task, data) = sample();
    let mut text: String = data
        .rows()
        .map(|row| format!("{{\"id\": \"{}\", \"pred\": \"0\"}}\n", row.id.expect("an id")))
        .collect();
    let first = data.row(0).expect("a row").id.expect("an id");
    text = text.replacen(first, "nobody", 1);
    text = text.replacen("\"pred\": \"0\"", "\"pred\": \"2\"", 3);
    let twice = data.row(5).expect("a row").id.expect("an id");
    text.push_str(&format!("{{\"id\": {twice}, \"pred\": 1}}\n"));
    let error =
        score_text("p.jsonl", &text, &ScoreOptions::default()).expect_err("bad rows").to_string();
    for expected in [
        format!("rows without a prediction: 1 (id {first})"),
        format!("predictions for a row that has one already: 1 (id {twice} in lines 6 and 2001)"),
        "predictions for no row of the data: 1 (id nobody in line 1)".to_owned(),
        "predictions that are none of the labels 0, 1: 2 (\"2\" in line 2, \"2\" in line 3)"
            .to_owned(),
    ] {
        assert!(error.contains(&expected), "{error}\n{expected}");
    }
    assert_eq!(task.name, "nsmc");
}

#[test]
fn bad_files_are_named() {
    let columns = ScoreOptions::default();
    for (name, text, expected) in [
        (
            "p.txt",
            "0\n1\n",
            "p.txt has 2 predictions, the data has 2000 rows, and there are no ids",
        ),
        ("p.txt", "", "p.txt holds no predictions"),
        ("p.jsonl", "{\"i\": 0, \"pred\": 1.5}\n", "p.jsonl:1: not a prediction: "),
        ("p.jsonl", "{\"i\": 0}\n", "p.jsonl:1: not a prediction: missing field `pred`"),
        ("p.csv", "id,prde\n1,1\n", "there is no column `pred`; there are: id, prde"),
        ("p.csv", "id,pred\n1,1\n2\n", "p.csv:3: "),
        (
            "p.jsonl",
            "{\"i\": 0, \"pred\": 1}\n",
            "rows without a prediction: 1999 (row 1, row 2, row 3, ...)",
        ),
    ] {
        let error = score_text(name, text, &columns).expect_err("bad");
        assert!(error.to_string().contains(expected), "{error}\n{expected}");
        assert!(error.hint().is_some(), "{error}");
    }
    let error = score_text("p.csv", "id,label\n1,1\n", &named("id", "lable")).expect_err("a slip");
    assert_eq!(error.hint().as_deref(), Some("did you mean --pred-column label?"));
}
