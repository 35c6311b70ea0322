//! `kobench score` on predictions of any system, by the real binary.

use kobench_tests::{Output, Sandbox, workspace};
use serde_json::Value;

/// Ids and gold labels of the bundled sample.
fn sample() -> Vec<(String, String)> {
    let path = workspace().join("tasks/samples/nsmc/ratings_test.sample.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        (fields[0].to_string(), fields[2].to_string())
    };
    text.lines().skip(1).map(row).collect()
}

/// Ids and predictions that are wrong in every eleventh row.
fn predictions() -> Vec<(String, String)> {
    let flip = |label: &str| if label == "1" { "0" } else { "1" }.to_string();
    let rows = sample().into_iter().enumerate();
    rows.map(|(i, (id, gold))| (id, if i % 11 == 0 { flip(&gold) } else { gold })).collect()
}

const RIGHT: f64 = 1818.0 / 2000.0;

fn score<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["score", "-t", "nsmc", "--split", "sample", "--predictions", file], more].concat()
}

/// A command that must end with an error and a hint, and nothing on standard output.
fn refused(sandbox: &Sandbox, arguments: &[&str], expected: &[&str]) {
    let Output { code, stdout, stderr } = sandbox.run(arguments);
    assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
    assert!(stderr.contains("hint: "), "{arguments:?}: {stderr}");
    for text in expected {
        assert!(stderr.contains(text), "{arguments:?}: no `{text}` in: {stderr}");
    }
}

#[test]
fn every_format_gives_every_digit_of_the_same_score() {
    let sandbox = Sandbox::new();
    let rows = predictions();
    let mut reversed = rows.clone();
    reversed.reverse();
    let join = |rows: &[(String, String)], row: fn(&str, &str) -> String, between: &str| {
        rows.iter().map(|(id, pred)| row(id, pred)).collect::<Vec<_>>().join(between)
    };
    let object = join(&reversed, |id, pred| format!("\"{id}\": {pred}"), ",\n");
    let csv = join(&reversed, |id, pred| format!("\"{id}\",{pred}"), "\r\n");
    let jsonl = join(&reversed, |id, pred| format!("{{\"key\":{id},\"label\":\"{pred}\"}}"), "\n");
    sandbox.write("p.json", format!("{{{object}}}"));
    sandbox.write("p.csv", format!("\u{feff}id,pred\r\n{csv}"));
    sandbox.write("p.jsonl", jsonl);
    sandbox.write(
        "p.txt",
        join(&rows, |_, pred| ["negative", "positive"][usize::from(pred == "1")].into(), "\n")
            + "\n\n",
    );
    for (arguments, joined_by) in [
        (score("p.json", &[]), "id"),
        (score("p.csv", &["--seed", "7", "--resamples", "100"]), "id"),
        (score("p.jsonl", &["--id-column", "key", "--pred-column", "label"]), "id"),
        (score("p.txt", &[]), "line"),
        (score("p.txt", &["--input-format", "lines"]), "line"),
    ] {
        let json = sandbox.json(&[&arguments[..], &["--format", "json"]].concat());
        assert_eq!(
            json["metrics"]["accuracy"]["value"].as_f64(),
            Some(RIGHT),
            "{arguments:?}: {json}"
        );
        assert_eq!(json["predictions"]["joined_by"], joined_by, "{arguments:?}");
        assert_eq!(json["n"], 2000);
        // What needs more than labels is left out, and that is said.
        let warnings = json["warnings"].as_array().expect("warnings");
        assert!(warnings.iter().all(|w| w.as_str().is_some_and(|w| w.contains("is left out"))));
        assert_eq!(warnings.len(), 2, "{json}");
    }
}

#[test]
fn the_table_shows_each_metric_with_its_interval_and_each_label_when_asked() {
    let sandbox = Sandbox::new();
    sandbox
        .write("p.txt", predictions().into_iter().map(|(_, pred)| pred + "\n").collect::<String>());
    let plain = sandbox.run(&score("p.txt", &[]));
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    assert!(plain.stderr.lines().all(|line| line.contains("is left out")), "{}", plain.stderr);
    for text in [
        "nsmc (version 1), sample",
        "read as lines",
        "accuracy",
        "90.90",
        "[89.56, 92.08]",
        "2,000",
        "wilson",
    ] {
        assert!(plain.stdout.contains(text), "no `{text}` in:\n{}", plain.stdout);
    }
    assert!(!plain.stdout.contains("Precision"), "{}", plain.stdout);
    let details = sandbox.run(&score("p.txt", &["--details", "--limit", "1000"]));
    assert_eq!(details.code, 2, "2,000 predictions for 1,000 rows");
    let details = sandbox.run(&score("p.txt", &["--details"]));
    for text in ["0 (negative)", "1 (positive)", "Precision", "Support"] {
        assert!(details.stdout.contains(text), "no `{text}` in:\n{}", details.stdout);
    }
}

#[test]
fn gold_may_stand_beside_the_predictions() {
    let sandbox = Sandbox::new();
    let rows = predictions().into_iter().zip(sample());
    let csv: String = rows.map(|((_, pred), (_, gold))| format!("{gold},{pred}\n")).collect();
    sandbox.write("p.csv", format!("gold,pred\n{csv}"));
    let base = ["score", "-t", "nsmc", "--predictions", "p.csv", "--gold-column", "gold"];
    let json = sandbox.json(&[&base[..], &["--format", "json"]].concat());
    assert_eq!(json["metrics"]["accuracy"]["value"].as_f64(), Some(RIGHT));
    assert_eq!((&json["split"], &json["gold"]["verified"]), (&Value::Null, &false.into()));
    let table = sandbox.run(&base);
    assert!(
        table.stderr.starts_with("warning: the gold is the file's own column `gold`"),
        "{}",
        table.stderr
    );
    let both = sandbox.run(&[&base[..], &["--split", "sample"]].concat());
    assert_eq!((both.code, both.stdout.as_str()), (2, ""));
    assert!(both.stderr.contains("cannot be used with '--split"), "{}", both.stderr);
}

#[test]
fn bad_predictions_are_refused_with_file_line_and_hint() {
    let sandbox = Sandbox::new();
    let labels: String = predictions().into_iter().map(|(_, pred)| pred + "\n").collect();
    for (name, content, expected) in [
        (
            "few.txt",
            b"1\n0\n".to_vec(),
            &["few.txt has 2 predictions, the data has 2000 rows", "--split"][..],
        ),
        ("empty.csv", vec![], &["empty.csv holds no predictions"]),
        (
            "p.jsonl.gz",
            b"\x1f\x8b\x08\x00".to_vec(),
            &["p.jsonl.gz is compressed with gzip", "gzip -d"],
        ),
        ("p.bin", b"1\n\0".to_vec(), &["p.bin is a binary file"]),
        ("cp949.txt", b"1\n\xb1\xe0\n".to_vec(), &["cp949.txt:2: not UTF-8", "CP949"]),
        (
            "p.csv",
            b"id,predd\n1,1\n".to_vec(),
            &["p.csv:1: there is no column `pred`; there are: id, predd", "--pred-column predd"],
        ),
        (
            "p.jsonl",
            b"{\"i\":0,\"pred\":1}\n{\"i\":1,\n".to_vec(),
            &["p.jsonl:2: not a prediction: EOF"],
        ),
        (
            "label.txt",
            labels.replacen("1\n", "yes\n", 2).into_bytes(),
            &[
                "label.txt cannot be scored:",
                "none of the labels 0 (negative), 1 (positive): 2 (\"yes\" in line ",
            ],
        ),
        (
            "twice.json",
            b"{\"i\": 0, \"pred\": 1}\n{\"i\": 0, \"pred\": 1}".to_vec(),
            &[
                "a row that has one already: 1 (i 0 in line 1 and line 2)",
                "without a prediction: 1999",
            ],
        ),
    ] {
        sandbox.write(name, content);
        refused(&sandbox, &score(name, &[]), expected);
    }
    std::fs::create_dir(sandbox.join("run")).unwrap();
    refused(&sandbox, &score("run", &[]), &["run is a folder", "predictions.jsonl"]);
    refused(&sandbox, &score("nowhere", &[]), &["cannot read nowhere", "--predictions"]);
    refused(
        &sandbox,
        &score("few.txt", &["--allow-missing"]),
        &["--allow-missing is for questions"],
    );
}

#[test]
fn a_score_on_other_rows_is_not_set_beside_published_ones() {
    let sandbox = Sandbox::new();
    sandbox
        .write("p.txt", predictions().into_iter().map(|(_, pred)| pred + "\n").collect::<String>());
    let sample = sandbox.run(&score("p.txt", &["-m", "kcbert-base"]));
    assert_eq!(sample.code, 0, "{}", sample.stderr);
    assert!(sample.stderr.contains("not compared with what was published"), "{}", sample.stderr);
    assert!(!sample.stdout.contains("Verdict"), "{}", sample.stdout);
    let unknown = sandbox.run(&score("p.txt", &["-m", "kcbert-bse"]));
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("hint: did you mean `kcbert-base`?"), "{}", unknown.stderr);
}
