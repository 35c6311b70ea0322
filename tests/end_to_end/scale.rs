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

#[test]
#[ignore = "for measuring: 1,000 cells of 5,000 rows are a gigabyte"]
fn a_thousand_cells_of_five_thousand_rows() {
    let sandbox = Sandbox::new();
    let started = Instant::now();
    Scale::new(1000, 5000, 1).write(&sandbox.join("run"));
    eprintln!("written in {:.1} s", started.elapsed().as_secs_f64());
}
