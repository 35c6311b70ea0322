//! The README's demo, and what its records promise.

use kobench_tests::{Sandbox, cells, full_data};
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

#[test]
fn the_demo_prints_a_table_and_a_second_call_does_nothing() {
    let sandbox = Sandbox::new();
    let first = sandbox.run(&["run", "--suite", "demo"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    for word in ["kcbert-demo", "nsmc", "accuracy", "sample", "cpu", "f32"] {
        assert!(first.stdout.contains(word), "no `{word}` in:\n{}", first.stdout);
    }
    let run = sandbox.join("results/runs/demo");
    let record = &cells(&run)["kcbert-demo"];
    let accuracy = record["metrics"]["accuracy"]["value"].as_f64().unwrap();
    assert!(accuracy > 0.82, "the bundled model should do better than {accuracy}");
    let interval = &record["metrics"]["accuracy"];
    assert!(
        interval["ci_low"].as_f64().unwrap() < accuracy
            && accuracy < interval["ci_high"].as_f64().unwrap()
    );
    assert!(record["throughput"]["tokens_per_second"].as_f64().unwrap() > 0.0);

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
    let run = sandbox.run(&["run", "--suite", "demo"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = sandbox.join("results/runs/demo");
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

#[test]
fn the_same_rows_give_the_same_predictions_whatever_threads_and_batches() {
    let sandbox = Sandbox::new();
    let mut all = Vec::new();
    for (name, threads, tokens) in [("a", "1", "8192"), ("b", "2", "8192"), ("c", "2", "300")] {
        let out = sandbox.join(name);
        let run = sandbox.run(&[
            "run",
            "-m",
            "kcbert-demo",
            "-t",
            "nsmc",
            "--split",
            "sample",
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
