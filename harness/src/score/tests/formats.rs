//! Every format gives the bits of the run.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::metrics::IntervalOptions;
use crate::record::{Output, PredictionRow, PredictionWriter};

/// Wrong in every seventh row.
fn predicted(data: &Dataset) -> Vec<u32> {
    data.gold_labels()
        .iter()
        .enumerate()
        .map(|(index, gold)| if index % 7 == 0 { 1 - gold } else { *gold })
        .collect()
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
    let (mut bare, mut names, mut map, mut list) =
        (String::from("i,pred\r\n"), String::new(), vec![], vec![]);
    for (row, pred) in data.rows().zip(&predicted) {
        let (id, label) = (row.id.expect("an id"), &task.labels[*pred as usize].id);
        let name = &task.labels[*pred as usize].name;
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
                also_gold: vec![],
                cluster: None,
            })
            .expect("ok");
        csv.push_str(&format!("\"x, \"\"y\"\"\",{label},{id}\n"));
        tsv.insert_str("id\tpred\n".len(), &format!("{id}\t{label}\n"));
        plain.push_str(&format!("{label}\n"));
        bare.push_str(&format!("{i},{label}\r\n"));
        names.push_str(&format!("\u{feff}{name}\n"));
        map.insert(row.index / 2, format!("\"{id}\": {label}"));
        list.push(format!("\"{label}\""));
        by_index.push_str(&format!("{{\"i\": {i}, \"pred\": {label}}}\n"));
    }
    let jsonl = String::from_utf8(writer.finish().expect("ok").0).expect("text");
    let map = format!("\u{feff}{{{}}}\n", map.join(",\n "));
    let list = format!("[{}]", list.join(","));
    let default = ScoreOptions::default;
    for (name, text, columns, by) in [
        ("p.jsonl", jsonl, default(), JoinedBy::Id),
        ("p.csv", csv, named("i d", "p"), JoinedBy::Id),
        ("p.tsv", tsv, default(), JoinedBy::Id),
        ("p.txt", plain, default(), JoinedBy::Line),
        ("p.json", by_index, default(), JoinedBy::Index),
        ("p", bare, default(), JoinedBy::Index),
        ("names.txt", names + "\n\n", default(), JoinedBy::Line),
        ("map.json", map.clone(), default(), JoinedBy::Id),
        ("map", map, of_format(InputFormat::Json), JoinedBy::Id),
        ("list.json", list, default(), JoinedBy::Line),
    ] {
        let report = score_text(name, &text, &columns).expect("scored");
        assert_eq!(report.metrics, run.metrics, "{name}");
        assert_eq!((report.predictions.joined_by, report.n), (by, 2000), "{name}");
        let schema = crate::record::validator(include_str!("../../../schemas/score.schema.json"));
        let json = serde_json::to_value(&report).expect("serialised");
        assert!(schema.is_valid(&json), "{json}");
        let mut wrong = json;
        wrong["metrics"]["accuracy"]["value"] = "85.7".into();
        assert!(!schema.is_valid(&wrong));
    }
}

/// A file of a format with these ids and labels.
fn written(format: usize, rows: &[(String, u32)]) -> (&'static str, String) {
    let line = |template: fn(&str, u32) -> String| {
        rows.iter().map(|(id, label)| template(id, *label)).collect::<Vec<_>>()
    };
    match format {
        0 => (
            "p.jsonl",
            line(|id, label| format!("{{\"pred\":{label},\"id\":\"{id}\"}}")).join("\n"),
        ),
        1 => {
            ("p.csv", format!("id,pred\n{}", line(|id, label| format!("{id},{label}")).join("\n")))
        }
        2 => (
            "p.tsv",
            format!("pred\tid\n{}", line(|id, label| format!("\"{label}\"\t{id}")).join("\r\n")),
        ),
        3 => (
            "p.csv",
            format!("id,pred\n{}", line(|id, label| format!("{id},\"{label}\"")).join("\r")),
        ),
        _ => (
            "p.json",
            format!("{{{}}}", line(|id, label| format!("\"{id}\":\"{label}\"")).join(",")),
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_rows_with_ids_does_not_matter(seed in any::<u64>(), format in 0usize..5) {
        let (_, data) = sample();
        let ids = data.rows().map(|row| row.id.expect("an id").to_owned());
        let rows: Vec<(String, u32)> = ids.zip(predicted(&data)).collect();
        let (name, text) = written(format, &rows);
        let ordered = score_text(name, text, &ScoreOptions::default()).expect("scored");
        let mut shuffled = rows.clone();
        // Fisher and Yates with a linear congruence: any order will do.
        let mut state = seed;
        for last in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(last, (state >> 33) as usize % (last + 1));
        }
        let (name, text) = written(format, &shuffled);
        let again = score_text(name, text, &ScoreOptions::default()).expect("scored");
        prop_assert_eq!(&again.metrics, &ordered.metrics);
        prop_assert_eq!(&again.per_class, &ordered.per_class);
        prop_assert_eq!(again.predictions.joined_by, JoinedBy::Id);
    }
}

#[test]
fn formats_are_told_by_name_and_content() {
    use InputFormat::{Conll, Csv, Json, Jsonl, Lines, Tsv};
    let read = |rows: &Rows, name: &str, text: &str| {
        rows.read(name, text, &ScoreOptions::default()).map(|read| read.format)
    };
    let mut seen = BTreeSet::new();
    for (rows, name, text, expected) in [
        (
            texts(),
            "p",
            "{\"id\":\"a\",\"pred\":1}\n{\"id\":\"b\",\"pred\":1}\n{\"id\":7,\"pred\":1}",
            Jsonl,
        ),
        (
            texts(),
            "p.NDJSON",
            "{\"id\":\"a\",\"pred\":1}\n{\"id\":\"b\",\"pred\":1}\n{\"id\":7,\"pred\":1}",
            Jsonl,
        ),
        (texts(), "p", " {\"a\": \"1\", \"b\": 0, \"7\": 1}", Json),
        (texts(), "p", "{\n\"a\": \"1\",\n\"b\": 0,\n\"7\": 1\n}", Json),
        (texts(), "p", "[1, \"0\", {\"pred\": 1}]", Json),
        (
            texts(),
            "p.json",
            "[{\"id\":\"a\",\"pred\":1},{\"id\":\"b\",\"pred\":1},{\"id\":7,\"pred\":1}]",
            Json,
        ),
        (texts(), "p.txt", "id,pred\na,1\nb,1\n7,1", Csv),
        (texts(), "p.txt", "id\tpred\na\t1\nb\t1\n7\t1", Tsv),
        (texts(), "p.txt", "1\n1\n0\n", Lines),
        (texts(), "p.txt", "name of 1\n1\n0\n", Lines),
        (questions(), "p.txt", "[서울]\n{1945}\n[강]", Lines),
        (sentences(), "p.conll", "이 B-PS\n순신 I-PS\n은 O\n\n네 O", Conll),
        (sentences(), "p.tsv", "이\tB-PS\n순신\tI-PS\n은\tO\n\n네\tO", Conll),
        (sentences(), "p.txt", "B-PS I-PS O\nO\n", Lines),
        (sentences(), "p.txt", "i\tpred\n1\tO\n0\tB-PS I-PS O", Tsv),
        (sentences(), "p.txt", "B-PS\nI-PS\nO\n\nO\n", Conll),
    ] {
        assert_eq!(
            read(&rows, name, text).map_err(|error| error.to_string()),
            Ok(expected),
            "{name}: {text}"
        );
        seen.insert(expected.name());
    }
    assert_eq!(seen.len(), 6);
}
