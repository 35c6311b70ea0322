//! Runs of 1,000 cells: that they are what `kobench run` writes, and that tables of them are there at once.

use std::path::Path;
use std::time::Instant;

use kobench_tests::scale::{Scale, TASKS, write_changed_run, write_run};
use kobench_tests::{Sandbox, records, workspace};
use serde_json::Value;

fn valid(schema: &str, value: &Value) {
    let path = workspace().join("harness/schemas").join(schema);
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {value}");
}

fn predictions(run: &Path, record: &Value) -> Vec<Value> {
    let cell = run.join("cells").join(record["id"].as_str().unwrap());
    let text = std::fs::read_to_string(cell.join("predictions.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn made_runs_are_what_a_run_writes() {
    let sandbox = Sandbox::new();
    let (base, new, again) = (sandbox.join("base"), sandbox.join("new"), sandbox.join("again"));
    write_run(&base, 8, 300, 1);
    write_run(&again, 8, 300, 1);
    write_changed_run(&new, (8, 300, 1), 0.1, 1);
    let run = serde_json::from_str(&std::fs::read_to_string(base.join("run.json")).unwrap());
    valid("run.schema.json", &run.unwrap());
    let records = records(&base);
    assert_eq!(records.len(), 8);
    for record in &records {
        valid("cell.schema.json", record);
        let rows = predictions(&base, record);
        assert_eq!((rows.len(), &record["n"]), (300, &300.into()));
        rows.iter().take(3).for_each(|row| valid("prediction.schema.json", row));
        assert_eq!(rows, predictions(&again, record), "the same bytes again");
    }
    // Hashes are right, and so is the score: kobench's own, of the same file.
    let checked = sandbox.run(&["leaderboard", base.to_str().unwrap(), "--verify"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);

    // Of the changed run gold is the same, and about a tenth of the rows may be others.
    for task in TASKS {
        let of = |run: &Path| {
            let records = kobench_tests::records(run);
            let record = records.iter().find(|r| r["task"] == task && r["model"] == "model-0001");
            let record = record.unwrap().clone();
            (record["data"]["sha256"].clone(), predictions(run, &record), record["id"].clone())
        };
        let ((data, base, id), (data_of_new, new, id_of_new)) = (of(&base), of(&new));
        assert_eq!(data, data_of_new);
        assert_ne!(id, id_of_new, "the weights are others");
        assert!(base.iter().zip(&new).all(|(a, b)| a["gold"] == b["gold"]));
        // A row that is predicted anew may come out the same: up to the logits of a row of words all do not.
        let others = base.iter().zip(&new).filter(|(a, b)| a != b).count();
        assert!((3..60).contains(&others), "{task}: {others}");
    }
}

/// Seconds of the quicker of two calls, which must succeed: other tests run at the same time.
fn seconds(sandbox: &Sandbox, arguments: &[&str]) -> f64 {
    let call = || {
        let started = Instant::now();
        let out = sandbox.run(arguments);
        assert_eq!(out.code, 0, "{arguments:?}: {}", out.stderr);
        assert!(out.stdout.lines().count() > 10, "{}", out.stdout);
        started.elapsed().as_secs_f64()
    };
    let seconds = call().min(call());
    eprintln!("{arguments:?}: {seconds:.2} s");
    seconds
}

/// Three times what it may take on two quiet cores, in a release build.
const MOST_SECONDS: f64 = if cfg!(debug_assertions) { 60.0 } else { 3.0 };

#[test]
fn tables_of_a_thousand_cells_take_less_than_a_second() {
    let sandbox = Sandbox::new();
    let run = sandbox.join("run");
    // A record is as large for 5,000 rows as for 50, and its predictions are not read.
    write_run(&run, 1000, 50, 1);
    let run = run.to_str().unwrap();
    for format in ["terminal", "markdown", "csv", "latex", "json"] {
        for more in [&[][..], &["--throughput"], &["--table", "koelectra"]] {
            let arguments = [&["leaderboard", run, "--format", format], more].concat();
            let seconds = seconds(&sandbox, &arguments);
            assert!(seconds < MOST_SECONDS, "{arguments:?} took {seconds} s");
        }
    }
    let json = sandbox.json(&["leaderboard", run, "--format", "json"]);
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(1000));
}

#[test]
fn a_hundred_cells_of_five_thousand_rows_are_compared_in_seconds() {
    let sandbox = Sandbox::new();
    let (base, new) = (sandbox.join("base"), sandbox.join("new"));
    write_run(&base, 100, 5000, 1);
    write_changed_run(&new, (100, 5000, 1), 0.1, 1);
    let compare = |base: &Path, new: &Path| {
        let arguments =
            ["compare", base.to_str().unwrap(), new.to_str().unwrap(), "--format", "json"];
        let started = Instant::now();
        let out = sandbox.run(&arguments);
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(out.code, 0, "no true difference: {}{}", out.stdout, out.stderr);
        eprintln!("{arguments:?}: {seconds:.2} s");
        (serde_json::from_str::<Value>(&out.stdout).unwrap(), seconds)
    };
    let (whole, seconds) = compare(&base, &new);
    assert_eq!(whole["cells"].as_array().map(Vec::len), Some(100));
    // A tenth of a thousand cells, which may take a minute.
    assert!(seconds < 6.0 * MOST_SECONDS, "{seconds} s");
    let (first_base, first_new) = (sandbox.join("one/base"), sandbox.join("one/new"));
    write_run(&first_base, 1, 5000, 1);
    write_changed_run(&first_new, (1, 5000, 1), 0.1, 1);
    let (_, seconds) = compare(&first_base, &first_new);
    assert!(seconds < MOST_SECONDS, "one cell took {seconds} s");
}

#[test]
fn a_history_of_fifty_runs_takes_less_than_a_second() {
    let sandbox = Sandbox::new();
    for day in 0..50 {
        let run = sandbox.join(&format!("nightly/{day:03}"));
        // New predictions each day: noisy series take the longest.
        Scale { changed: 1.0, draw: day.into(), day, ..Scale::new(20, 200, 1) }.write(&run);
    }
    let nightly = sandbox.join("nightly");
    let arguments = ["history", nightly.to_str().unwrap(), "--metric", "all", "--format", "json"];
    let seconds = seconds(&sandbox, &arguments);
    assert!(seconds < MOST_SECONDS, "{seconds} s");
    let history = sandbox.json(&arguments);
    let series = history["series"].as_array().unwrap();
    // Four metrics, three, three and two, five models each.
    assert_eq!(series.len(), 60);
    assert!(series.iter().all(|series| series["points"].as_array().unwrap().len() == 50));
}

#[test]
fn a_record_is_trusted_while_its_predictions_have_their_size() {
    let sandbox = Sandbox::new();
    let run = sandbox.join("run");
    write_run(&run, 2, 20, 1);
    let leaderboard = || sandbox.run(&["leaderboard", run.to_str().unwrap()]);
    assert_eq!(leaderboard().code, 0);
    let id = records(&run)[0]["id"].as_str().unwrap().to_owned();
    let file = run.join("cells").join(&id).join("predictions.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    let out = leaderboard();
    assert_eq!((out.code, out.stdout.as_str()), (2, ""));
    for part in [&id, "does not match its record: its size in bytes is", "run it again"] {
        assert!(out.stderr.contains(part), "no {part} in {}", out.stderr);
    }
    // A record that was copied without its predictions stands for itself.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(leaderboard().code, 0);
}
