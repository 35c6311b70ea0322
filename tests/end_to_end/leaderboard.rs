//! Tables of records, alone and beside published numbers.

use std::path::PathBuf;

use kobench_tests::Sandbox;
use serde_json::{Value, json};

/// Writes a run of done cells: model, split, accuracy with its interval, and seed.
fn run(sandbox: &Sandbox, cells: &[(&str, &str, [f64; 3], Option<u64>)]) -> PathBuf {
    let run = sandbox.join("run");
    for (index, (model, split, accuracy, seed)) in cells.iter().enumerate() {
        let id = format!("{index:016x}");
        let cell = cell(&id, model, split, *accuracy, *seed);
        sandbox.write(&format!("run/cells/{id}/cell.json"), cell.to_string());
    }
    run
}

/// A record as `kobench run` leaves it behind.
fn cell(id: &str, model: &str, split: &str, accuracy: [f64; 3], seed: Option<u64>) -> Value {
    let [value, ci_low, ci_high] = accuracy;
    let metric = |value: f64, ci_low: f64, ci_high: f64| json!({"value": value, "ci_low": ci_low, "ci_high": ci_high, "n": 50_000, "method": "wilson"});
    json!({
        "schema_version": 1, "id": id,
        "model": model, "task": "nsmc", "task_version": 1, "split": split, "recipe": null, "seed": seed,
        "plugin": {"name": "kcbert", "version": "0.1.0", "sha256": "a".repeat(64)},
        "weights": {"source": "directory", "checkpoint": "weights", "sha256": "b".repeat(64)},
        "data": {"file": "nsmc/ratings_test.txt", "sha256": "c".repeat(64), "rows": 50_000, "verified": true},
        "limit": null, "max_seq_len": 128, "precision": "f32", "device": "cpu", "threads": 2, "options": {},
        "harness_version": "0.1.0", "status": "done", "n": 50_000, "labels": ["0", "1"],
        "primary_metric": "accuracy",
        "metrics": {"accuracy": metric(value, ci_low, ci_high), "macro_f1": metric(0.8, 0.79, 0.81)},
        "per_class": [],
        "throughput": {"rows_per_second": 123.4, "tokens_per_second": 5678.9, "end_to_end_rows_per_second": 120.0,
            "tokenize_seconds": 1.0, "forward_seconds": 400.0, "load_seconds": 2.0},
        "memory": {"peak_rss_bytes": 1_073_741_824, "peak_device_bytes": null},
        "tokens": {"total": 1_000_000, "truncated_rows": 0, "unknown_tokens": 0, "max_len": 128},
        "backend": {"device_name": "Some CPU", "isa": "avx512f"},
        "selection_policy": "checkpoint as given", "predictions": null, "warnings": [], "plugin_output": null,
        "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:07:00Z", "wall_seconds": 420.0
    })
}

/// The two seeds are one cell of a table.
const CELLS: [(&str, &str, [f64; 3], Option<u64>); 6] = [
    ("kcbert-base", "test", [0.896_22, 0.893_5, 0.898_9], Some(42)),
    ("kcbert-base", "test", [0.899_9, 0.897_3, 0.902_5], Some(43)),
    ("koelectra-base-v2", "test", [0.897, 0.894_3, 0.899_7], None),
    ("kobert", "test", [0.88, 0.877_1, 0.882_8], None),
    ("한국어-모델", "test", [0.91, 0.907_5, 0.912_5], None),
    ("kcbert-demo", "sample", [0.874, 0.859, 0.888], None),
];

#[test]
fn ours_stand_beside_the_published_table_in_every_format() {
    let sandbox = Sandbox::new();
    let run = run(&sandbox, &CELLS);
    let run = run.to_str().unwrap();
    for format in ["terminal", "markdown", "latex", "csv", "json"] {
        let out = sandbox.run(&["leaderboard", run, "--table", "kcbert", "--format", format]);
        assert_eq!((out.code, out.stderr.as_str()), (0, ""), "{format}");
        for part in ["89.62", "identical", "below", "koelectra-base-v2", "한국어-모델"] {
            assert!(out.stdout.contains(part), "no {part} in {format}:\n{}", out.stdout);
        }
    }
    let json = sandbox.json(&["leaderboard", run, "--table", "kcbert", "--format", "json"]);
    let first = &json["rows"][0]["cells"][0];
    assert_eq!(first["ours"]["seeds"]["seeds"], json!([42, 43]), "their mean, not the best");
    assert_eq!(first["ours"]["method"], "seeds");
    assert_eq!(first["judgement"]["verdict"], "inconclusive");
    assert_eq!(json["left_out"][0]["reason"], "the reported split is test");
    // A wider margin reproduces what was below.
    let arguments = ["leaderboard", run, "--table", "kcbert", "--margin", "2", "--format", "json"];
    assert_eq!(
        sandbox.json(&arguments)["rows"][2]["cells"][0]["judgement"]["verdict"],
        "reproduced"
    );
}

#[test]
fn a_table_is_there_without_any_run() {
    let sandbox = Sandbox::new();
    for table in ["koelectra", "koelectra-small", "mdeberta", "klue_sts", "patent", "dialect"] {
        let out = sandbox.run(&["leaderboard", "--table", table]);
        assert_eq!(out.code, 0, "{table}: {}", out.stderr);
        assert!(out.stderr.contains("no results in results/runs"), "{}", out.stderr);
        assert!(out.stdout.lines().count() > 5, "{}", out.stdout);
    }
    let out = sandbox.run(&["leaderboard", "--list-tables"]);
    assert!(out.code == 0 && out.stdout.contains("koelectra-2020-06"), "{}", out.stdout);
    let out = sandbox.run(&["leaderboard", "--table", "koelektra"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("hint: did you mean `koelectra`?"), "{}", out.stderr);
    assert_eq!(out.stdout, "");
}

#[test]
fn metrics_and_speeds_have_tables_of_their_own() {
    let sandbox = Sandbox::new();
    let run = run(&sandbox, &CELLS);
    let run = run.to_str().unwrap();
    let all = sandbox.run(&["leaderboard", run, "--metric", "all"]);
    let rows = CELLS.len() - 1;
    assert_eq!(all.stdout.matches("macro_f1").count(), rows, "{}", all.stdout);
    let csv = sandbox.run(&["leaderboard", run, "--format", "csv"]);
    assert_eq!(csv.stdout.lines().count(), 1 + 2 * rows, "{}", csv.stdout);
    let speed = sandbox.run(&["leaderboard", run, "--throughput"]);
    for part in ["Some CPU", "cpu f32, 2 threads", "5,679", "1.0 GiB", "the latest of 2 cells"] {
        assert!(speed.stdout.contains(part), "no {part} in {}", speed.stdout);
    }
    let json = sandbox.json(&["leaderboard", run, "--throughput", "--format", "json"]);
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(5));
}
