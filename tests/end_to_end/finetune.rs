//! Training through plugins: what is recorded, what is chosen, and what an interruption leaves.

mod durability;
mod engine;
mod refusals;

use kobench_tests::{Output, Sandbox, trainer_plugin, workspace};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

const TASK: &str = r#"
name: reviews
version: 1
title: Reviews
kind: sequence_classification
labels:
  - {id: "0", name: negative}
  - {id: "1", name: positive}
reader:
  format: tsv
  header: true
  columns: {id: id, text: document, label: label}
  empty_text: keep
splits:
  train: {file: reviews.txt, part: {from: 0, to: 1400}}
  dev: {file: reviews.txt, part: {from: 1400, to: 1700}}
  test: {file: reviews.txt, part: {from: 1700, to: 2000}}
report: test
metric: accuracy
metrics: [accuracy, macro_f1]
max_seq_len: 64
selection: {policy: last, text: nobody published anything of it}
licence: CC0-1.0
source: every 25th row of NSMC's test split
"#;

/// A folder with a task of three splits, its data, and the plugin in C that trains.
struct Bench {
    sandbox: Sandbox,
    task: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let rows = workspace().join("tasks/samples/nsmc/ratings_test.sample.txt");
        sandbox.write("data/reviews.txt", std::fs::read(rows).unwrap());
        let task = sandbox.write("reviews.yaml", TASK);
        trainer_plugin(sandbox.path());
        Self { sandbox, task }
    }

    fn arguments(&self, model: &str, out: &str, more: &[&str]) -> Vec<String> {
        let data = self.sandbox.join("data");
        let out = self.sandbox.join(out);
        let fixed = [
            "run",
            "--finetune",
            "-m",
            model,
            "-t",
            self.task.to_str().unwrap(),
            "--data-dir",
            data.to_str().unwrap(),
            "--plugin-dir",
            self.sandbox.path().to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        fixed.iter().chain(more).map(ToString::to_string).collect()
    }

    fn run(&self, model: &str, out: &str, more: &[&str]) -> Output {
        let arguments = self.arguments(model, out, more);
        self.sandbox.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn start(&self, model: &str, out: &str, more: &[&str]) -> Child {
        let arguments = self.arguments(model, out, more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.sandbox
            .command(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// The cells of a run by seed.
    fn cells(&self, out: &str) -> BTreeMap<u64, (PathBuf, Value)> {
        let folders = std::fs::read_dir(self.sandbox.join(out).join("cells")).unwrap();
        folders
            .map(|folder| folder.unwrap().path())
            .filter(|path| !is_hidden(path))
            .map(|path| {
                let text = std::fs::read_to_string(path.join("cell.json")).unwrap();
                let cell: Value = serde_json::from_str(&text).unwrap();
                (cell["seed"].as_u64().unwrap(), (path, cell))
            })
            .collect()
    }

    /// The one cell of a run.
    fn cell(&self, out: &str) -> (PathBuf, Value) {
        let cells = self.cells(out);
        assert_eq!(cells.len(), 1, "{:?}", cells.keys());
        cells.into_values().next().unwrap()
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with('.')
}

/// The hash of the chosen model.
fn weights(cell: &Value) -> &str {
    cell["training"]["model"]["sha256"].as_str().unwrap()
}

fn log(cell: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(cell.join("train.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_valid(schema: &str, value: &Value) -> bool {
    let path = workspace().join("harness/schemas").join(schema);
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {value}");
    true
}

#[test]
fn a_model_is_trained_and_the_record_says_how() {
    let bench = Bench::new();
    let set = ["--set", "learning_rate=0.05", "--set", "epochs=6", "--seed", "7,8"];
    let out = bench.run("trainer", "run", &set);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let cells = bench.cells("run");
    assert_eq!(cells.keys().copied().collect::<Vec<_>>(), [7, 8]);
    for (seed, (path, cell)) in &cells {
        assert!(is_valid("cell.schema.json", cell));
        let training = &cell["training"];
        assert_eq!(cell["fine_tune"]["train"]["rows"], 1400);
        assert_eq!((&training["sequences"], &training["epochs"]), (&1400.into(), &6.0.into()));
        let steps = log(path);
        // ceil(1400 / 32) batches an epoch.
        assert_eq!(training["steps"], 44 * 6);
        assert!(steps.iter().zip(1_u64..).all(|(step, n)| step["step"] == n));
        assert!(steps.iter().all(|step| is_valid("train.schema.json", step)));
        assert_eq!(steps[43]["rows"], 1400 - 43 * 32, "the last batch of an epoch is kept");
        let loss = |step: &Value| step["loss"].as_f64().unwrap();
        let mean = |steps: &[Value]| steps.iter().map(loss).sum::<f64>() / steps.len() as f64;
        assert!(mean(&steps[220..]) < 0.9 * mean(&steps[..44]), "seed {seed}");
        // The best on the development rows, and its score on the test rows.
        let seen = training["evaluations"].as_array().unwrap();
        assert!(seen.len() == 6 && seen.iter().all(|e| e["split"] == "dev"), "{seen:?}");
        let best = seen.iter().map(|e| e["value"].as_f64().unwrap()).fold(0.0, f64::max);
        let chosen = seen.iter().find(|e| e["value"] == best).unwrap();
        assert_eq!(training["selection"]["step"], chosen["step"]);
        assert_eq!(training["selection"]["value"], best);
        assert_eq!(cell["selection_policy"], "best_on_dev");
        assert!(path.join("model/config.json").is_file());
        let picture = std::fs::read_to_string(path.join("train.svg")).unwrap();
        assert_eq!(picture.matches("<circle").count(), 6, "a dot for each evaluation");
    }
    assert_ne!(weights(&cells[&7].1), weights(&cells[&8].1));
    // Done once, done for good.
    let again = bench.run("trainer", "run", &set);
    assert!(again.code == 0 && again.stderr.contains("nothing to do"), "{}", again.stderr);
    // What was saved is what was scored.
    let (path, cell) = &cells[&7];
    let model = path.join("model");
    let task = bench.task.to_str().unwrap();
    let data = bench.sandbox.join("data");
    let evaluated = bench.sandbox.run(&[
        "run",
        "-m",
        "trainer",
        "--checkpoint",
        model.to_str().unwrap(),
        "-t",
        task,
        "--data-dir",
        data.to_str().unwrap(),
        "--plugin-dir",
        bench.sandbox.path().to_str().unwrap(),
        "--out",
        bench.sandbox.join("again").to_str().unwrap(),
    ]);
    assert_eq!(evaluated.code, 0, "{}", evaluated.stderr);
    let read = std::fs::read_dir(bench.sandbox.join("again/cells")).unwrap().next().unwrap();
    let text = std::fs::read_to_string(read.unwrap().path().join("cell.json")).unwrap();
    let again: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(again["metrics"], cell["metrics"]);
    assert_eq!(again["weights"]["sha256"], weights(cell));
}

#[test]
fn the_reference_way_of_choosing_is_told_with_what_others_would_have_given() {
    let bench = Bench::new();
    let set = ["--set", "learning_rate=0.05", "--set", "epochs=8"];
    let on = |select: &str, out: &str| {
        let ended = bench.run("trainer", out, &[&set[..], &["--select", select]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        bench.cell(out).1
    };
    let test = on("best-on-test", "test");
    let (dev, last) = (on("best-on-dev", "dev"), on("last", "last"));
    let accuracy = |cell: &Value| cell["metrics"]["accuracy"]["value"].as_f64().unwrap();
    let alternatives = test["training"]["selection"]["alternatives"].as_array().unwrap();
    let told = |policy: &str| {
        let of = alternatives.iter().find(|a| a["policy"] == policy).unwrap();
        (of["value"].as_f64().unwrap(), of["step"].clone())
    };
    // The same training each time, so that each alternative is what the other run came to.
    assert_eq!(told("last"), (accuracy(&last), last["training"]["selection"]["step"].clone()));
    assert_eq!(told("best_on_dev"), (accuracy(&dev), dev["training"]["selection"]["step"].clone()));
    assert!(accuracy(&test) >= accuracy(&dev) && accuracy(&test) >= accuracy(&last));
    assert!(test["training"]["selection"]["caveat"].as_str().unwrap().contains("flatters"));
    // Who chooses on the development rows does not look at the test rows on the way.
    let seen = dev["training"]["evaluations"].as_array().unwrap();
    assert!(seen.iter().all(|e| e["split"] == "dev"));
}

#[test]
fn gradients_that_are_accumulated_make_fewer_steps() {
    let bench = Bench::new();
    let set = ["--set", "batch_size=8", "--set", "accumulate=4", "--set", "epochs=2"];
    let out =
        bench.run("trainer", "run", &[&set[..], &["--select", "last", "--discard-model"]].concat());
    assert_eq!(out.code, 0, "{}", out.stderr);
    let (path, cell) = bench.cell("run");
    // 175 batches an epoch make 43 steps; the three that are left over count for the next epoch's first.
    let steps = log(&path);
    let rows: Vec<u64> = steps.iter().map(|step| step["rows"].as_u64().unwrap()).collect();
    assert_eq!(steps.len(), 86);
    assert!(rows.iter().enumerate().all(|(i, &n)| n == if i == 43 { 56 } else { 32 }), "{rows:?}");
    assert_eq!(cell["training"]["model"]["directory"], Value::Null);
    assert!(!path.join("model").exists() && weights(&cell).len() == 64);
}
