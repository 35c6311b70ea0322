//! The README's demo, and what its records promise.

use kobench_tests::{Sandbox, cells, full_data, records};
use serde_json::Value;
use std::path::Path;

fn predictions(run: &Path) -> std::path::PathBuf {
    let cell = std::fs::read_dir(run.join("cells")).unwrap().flatten().next().unwrap();
    cell.path().join("predictions.jsonl")
}

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What each bundled model must reach on the rows that are part of the repository, by task.
const FLOORS: [(&str, &str, f64); 5] = [
    ("nsmc", "accuracy", 0.84),
    ("hate_speech", "macro_f1", 0.45),
    ("question_pair", "accuracy", 0.75),
    ("korsts", "spearman", 0.2),
    ("klue_ner", "entity_f1", 0.4),
];
const MODELS: [&str; 3] = ["kcbert-demo", "koelectra-demo", "distilkobert-demo"];

#[test]
fn the_demo_prints_a_table_and_a_second_call_does_nothing() {
    let sandbox = Sandbox::new();
    let first = sandbox.run(&["run", "--suite", "demo"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    for word in ["kcbert-demo", "majority", "nsmc", "accuracy", "sample", "cpu", "f32"] {
        assert!(first.stdout.contains(word), "no `{word}` in:\n{}", first.stdout);
    }
    let run = sandbox.join("results/runs/demo");
    let records = records(&run);
    let found = |model: &str, task: &str| {
        let key = |r: &&Value, name: &str| r[name].as_str().unwrap().to_owned();
        records.iter().find(|r| key(r, "model") == model && key(r, "task") == task)
    };
    assert_eq!(records.len(), FLOORS.len() * (MODELS.len() + 1) - 1, "majority has no korsts");
    assert!(found("majority", "korsts").is_none());
    for (task, metric, floor) in FLOORS {
        for model in MODELS {
            let record = found(model, task).unwrap();
            let value = &record["metrics"][metric];
            let of = |name: &str| value[name].as_f64().unwrap();
            assert!(of("value") > floor, "{model} on {task}: {value}");
            assert!(of("ci_low") < of("value") && of("value") < of("ci_high"), "{value}");
            assert!(record["throughput"]["tokens_per_second"].as_f64().unwrap() > 0.0);
            if let Some(majority) = found("majority", task) {
                let baseline = majority["metrics"][metric]["value"].as_f64().unwrap();
                assert!(of("value") > baseline, "{model} on {task}: {value}, baseline {baseline}");
            }
        }
    }

    let second = sandbox.run(&["run", "--suite", "demo"]);
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert!(second.stderr.contains("done already"), "{}", second.stderr);
    assert_eq!(first.stdout, second.stdout, "the same table, from the record");
    let board = sandbox.run(&["leaderboard", run.to_str().unwrap()]);
    assert_eq!(board.stdout, first.stdout, "and the leaderboard prints it too");
    for format in ["markdown", "json"] {
        let board = sandbox.run(&["leaderboard", run.to_str().unwrap(), "--format", format]);
        assert!(
            board.code == 0 && board.stdout.contains("kcbert-demo"),
            "{format}: {}",
            board.stdout
        );
    }
}

#[test]
fn score_gives_the_accuracy_of_the_run_to_the_last_bit() {
    let sandbox = Sandbox::new();
    let run = sandbox.run_demo(&["--out", "run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = sandbox.join("run");
    let file = predictions(&run);
    let scored = sandbox.json(&[
        "score",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--predictions",
        file.to_str().unwrap(),
        "--format",
        "json",
    ]);
    let recorded = &cells(&run)["kcbert-demo"]["metrics"]["accuracy"]["value"];
    assert_eq!(scored["metrics"]["accuracy"]["value"].as_f64(), recorded.as_f64(), "{scored}");
}

/// A user's task has no weights of its own: those for a task like it answer, and the table says so.
#[test]
fn another_task_is_answered_by_weights_for_one_like_it_with_a_warning() {
    let sandbox = Sandbox::new();
    let run = ["run", "-m", "kcbert-demo", "--split", "sample", "--limit", "20", "-t"];
    let out = sandbox.run(&[&run[..], &["kornli", "--out", "none"]].concat());
    assert_eq!(out.code, 0, "{}", out.stderr);
    let said = "kcbert-demo has no weights for kornli: these answers are by those for hate_speech";
    assert!(out.stdout.contains(said), "{}", out.stdout);
    let out = sandbox.run(&[&run[..], &["klue_sts", "--out", "regression"]].concat());
    assert!(out.stdout.contains("by those for korsts"), "{}{}", out.stdout, out.stderr);
    sandbox.write("four.tsv", "text\tlabel\n가\ta\n나\tb\n다\tc\n라\td\n");
    let made = sandbox.run(&["task", "new", "four", "--from", "four.tsv"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let out = sandbox.run(&["run", "-m", "kcbert-demo", "-t", "./four.yaml", "--out", "no"]);
    assert_eq!(out.code, 2, "{}", out.stderr);
    assert!(out.stderr.contains("none of them fits four\nhint: --checkpoint"), "{}", out.stderr);
    assert!(!sandbox.join("no").exists());
}

#[test]
fn the_same_rows_give_the_same_predictions_whatever_threads_and_batches() {
    let sandbox = Sandbox::new();
    let mut all = Vec::new();
    for (name, threads, tokens) in [("a", "1", "8192"), ("b", "2", "8192"), ("c", "2", "300")] {
        let out = sandbox.join(name);
        let run = sandbox.run_demo(&[
            "--limit",
            "300",
            "--threads",
            threads,
            "--batch-tokens",
            tokens,
            "--out",
            out.to_str().unwrap(),
        ]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        all.push(rows(&predictions(&out)));
    }
    for other in &all[1..] {
        for (a, b) in all[0].iter().zip(other) {
            assert_eq!(a["pred"], b["pred"]);
            for (x, y) in
                a["logits"].as_array().unwrap().iter().zip(b["logits"].as_array().unwrap())
            {
                let apart = (x.as_f64().unwrap() - y.as_f64().unwrap()).abs();
                assert!(apart <= 1e-5, "row {}: {apart}", a["i"]);
            }
        }
    }
}

#[test]
fn a_plugin_option_is_part_of_the_cell() {
    let sandbox = Sandbox::new();
    let out = sandbox.join("run");
    let base =
        ["run", "-m", "kcbert-demo", "-t", "nsmc", "--split", "sample", "--limit", "50", "--out"];
    let base = [&base[..], &[out.to_str().unwrap()]].concat();
    assert_eq!(sandbox.run(&base).code, 0);
    let cleaned = sandbox.run(&[&base[..], &["--plugin-option", "clean=2021-08"]].concat());
    assert_eq!(cleaned.code, 0, "{}", cleaned.stderr);
    assert_eq!(
        std::fs::read_dir(out.join("cells")).unwrap().count(),
        2,
        "another option is another cell"
    );
    let unknown = sandbox.run(&[&base[..], &["--plugin-option", "clena=2021-08"]].concat());
    assert_ne!(unknown.code, 0);
    assert!(
        unknown.stderr.contains("clena") && unknown.stderr.contains("clean"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_full_test_set_keeps_its_empty_documents() {
    let Some(data) = full_data("the_full_test_set_keeps_its_empty_documents") else { return };
    let sandbox = Sandbox::new();
    let out = sandbox.join("run");
    let data = data.canonicalize().unwrap();
    let data = data.to_str().unwrap();
    let arguments = [
        "run",
        "-m",
        "kcbert-demo",
        "-t",
        "nsmc",
        "--data-dir",
        data,
        "--out",
        out.to_str().unwrap(),
    ];
    let run = sandbox.run(&arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let record = &cells(&out)["kcbert-demo"];
    assert_eq!(record["n"], 50_000);
    let accuracy = record["metrics"]["accuracy"]["value"].as_f64().unwrap();
    assert!(accuracy >= 0.84, "the bundled model promises 0.84 and gives {accuracy}");
    let file = predictions(&out);
    let rows = rows(&file);
    assert_eq!(rows.len(), 50_000);
    assert!(
        rows.iter().enumerate().all(|(i, r)| r["i"].as_u64() == Some(i as u64)),
        "dataset order"
    );
    let scored = sandbox.json(&[
        "score",
        "-t",
        "nsmc",
        "--predictions",
        file.to_str().unwrap(),
        "--data-dir",
        data,
        "--format",
        "json",
    ]);
    assert_eq!(scored["metrics"]["accuracy"]["value"].as_f64(), Some(accuracy));
}
