//! Histories of runs that were made up: what moved, since when, and what a gate says of it.

use std::path::Path;

use kobench_tests::scale::Scale;
use kobench_tests::{Sandbox, workspace};
use serde_json::{Value, json};

/// The run of a day; from day `fault` on a tenth of the predictions is new, and mostly wrong.
fn day(day: u32, fault: u32) -> Scale {
    let run = Scale { day, ..Scale::new(4, 1500, 7) };
    if day < fault { run } else { Scale { changed: 0.1, changed_errors: Some(0.9), ..run } }
}

fn write_days(folder: &Path, days: u32, fault: u32) {
    for number in 0..days {
        day(number, fault).write(&folder.join(format!("{number:03}")));
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_metric_that_moved_is_found_with_its_run_and_revision() {
    let sandbox = Sandbox::new();
    let runs = sandbox.join("nightly");
    write_days(&runs, 8, 6);
    let history = sandbox.json(&["history", text(&runs), "--format", "json"]);
    let path = workspace().join("harness/schemas/history.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&history).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");

    let series = history["series"].as_array().unwrap();
    assert_eq!((history["runs"].as_array().unwrap().len(), series.len()), (8, 4));
    for series in series {
        assert_eq!(series["points"].as_array().unwrap().len(), 8);
        let changes = series["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 1, "{series}");
        assert_eq!((&changes[0]["at"], &changes[0]["is_better"]), (&6.into(), &false.into()));
        assert_eq!(changes[0]["changed_inputs"], json!(["weights"]));
    }
    assert_eq!(history["runs"][6]["git_revision"], day(6, 6).revision());

    let out = sandbox.run(&["history", text(&runs)]);
    assert_eq!((out.code, out.stderr.as_str()), (0, ""), "no gate was asked for");
    for part in [
        "model-0000 on nsmc/test, accuracy: worse",
        &format!("006 (2026-01-07, revision {})", &day(6, 6).revision()[..12]),
        "; other than before: weights",
        "██████|▁▁",
    ] {
        assert!(out.stdout.contains(part), "no `{part}` in\n{}", out.stdout);
    }
    // The parts of a narrow look and of a pull request are there too.
    let markdown = sandbox.run(&["history", text(&runs), "--format", "markdown", "-t", "korsts"]);
    assert!(markdown.stdout.contains("| spearman |"), "{}", markdown.stdout);
    let csv = sandbox.run(&["history", text(&runs), "--format", "csv"]).stdout;
    assert_eq!(csv.lines().count(), 1 + 4 * 8, "{csv}");
}

#[test]
fn a_gate_fails_where_the_latest_runs_got_worse() {
    let sandbox = Sandbox::new();
    let runs = sandbox.join("nightly");
    write_days(&runs, 8, 7);
    let gate = |more: &[&str]| {
        sandbox
            .run(&[&["history", text(&runs), "-t", "nsmc", "--metric", "accuracy"], more].concat())
    };
    let bad = gate(&["--gate"]);
    assert_eq!(bad.code, 1, "{}", bad.stderr);
    assert!(
        bad.stderr.starts_with("regression: model-0000 on nsmc/test, accuracy"),
        "{}",
        bad.stderr
    );
    assert_eq!(gate(&[]).code, 0);
    // The next run repeats it: it is no longer the latest that did it, but one of the latest two.
    day(8, 7).write(&runs.join("008"));
    assert_eq!(gate(&["--gate"]).code, 0);
    assert_eq!(gate(&["--gate=2"]).code, 1);
    // About eight points, the errors of a tenth of the rows.
    assert_eq!(gate(&["--gate=2", "--margin", "3"]).code, 1);
    assert_eq!(gate(&["--gate=2", "--margin", "15"]).code, 0);
    let alone = gate(&["--margin", "1"]);
    assert!(alone.code == 2 && alone.stderr.contains("--gate"), "{}", alone.stderr);
}

#[test]
fn nothing_moves_where_nothing_changed() {
    let sandbox = Sandbox::new();
    let runs = sandbox.join("nightly");
    write_days(&runs, 5, 99);
    let history = sandbox.json(&["history", text(&runs), "--metric", "all", "--format", "json"]);
    let series = history["series"].as_array().unwrap();
    assert!(series.len() > 8 && series.iter().all(|s| s["changes"] == json!([])), "{series:?}");
    let moved = sandbox.json(&["history", text(&runs), "--changes", "--format", "json"]);
    assert_eq!(moved["series"], json!([]));
    // A limit makes numbers incomparable, and another series.
    let record = runs.join("004/cells");
    for cell in std::fs::read_dir(&record).unwrap().flatten() {
        let path = cell.path().join("cell.json");
        let mut value: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        value["limit"] = 100.into();
        std::fs::write(&path, value.to_string()).unwrap();
    }
    let history = sandbox.json(&["history", text(&runs), "-t", "nsmc", "--format", "json"]);
    let variants: Vec<&Value> =
        history["series"].as_array().unwrap().iter().map(|s| &s["variant"]).collect();
    assert_eq!(variants, [&json!("no limit"), &json!("the first 100 rows")]);
}

#[test]
fn slips_and_empty_places_are_named() {
    let sandbox = Sandbox::new();
    let runs = sandbox.join("nightly");
    write_days(&runs, 1, 99);
    std::fs::create_dir(sandbox.join("empty")).unwrap();
    sandbox.write("broken/run.json", "{\"schema_version\": 1,");
    for (arguments, message, hint) in [
        (vec!["-t", "nmsc"], "no run has a task `nmsc`", "did you mean `nsmc`?"),
        (vec!["-m", "model-000"], "no run has a model `model-000`", "did you mean `model-0000`?"),
        (vec!["--metric", "acuracy"], "no run has a metric `acuracy`", "did you mean `accuracy`?"),
    ] {
        let out = sandbox.run(&[vec!["history", text(&runs)], arguments].concat());
        assert_eq!((out.code, out.stdout.as_str()), (2, ""), "{}", out.stderr);
        assert!(out.stderr.contains(message) && out.stderr.contains(hint), "{}", out.stderr);
    }
    for (place, message, hint) in [
        ("empty", "empty is no run directory, and holds none", "kobench run --out"),
        ("nowhere", "nowhere is no run directory", "a folder of them"),
        ("broken", "broken/run.json is not a kobench record: EOF", "edited or is damaged"),
    ] {
        let out = sandbox.run(&["history", text(&sandbox.join(place))]);
        assert_eq!(out.code, 2, "{}", out.stderr);
        assert!(out.stderr.contains(message) && out.stderr.contains(hint), "{}", out.stderr);
    }
    let out = sandbox.run(&["history"]);
    assert!(
        out.code == 2 && out.stderr.contains("results/runs is no run directory"),
        "{}",
        out.stderr
    );
}
