//! Settings that are ranked, seeds that are joined, and the majority class that trains in a moment.

use kobench_tests::{Output, Sandbox, workspace};
use serde_json::Value;

/// Rows of a file: the first is of class 1, of the others three in four are of class 0 up to row 60, and of class 1
/// from there on.
fn rows() -> String {
    let label = |row: usize| match row {
        0 => 1,
        1..60 => usize::from(row.is_multiple_of(4)),
        _ => usize::from(!row.is_multiple_of(4)),
    };
    (0..100).fold("id\tdocument\tlabel\n".to_owned(), |text, row| {
        format!("{text}{row}\t글 {row}\t{}\n", label(row))
    })
}

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
splits:
  train: {file: reviews.tsv, part: {from: 0, to: 40}}
  dev: {file: reviews.tsv, part: {from: 40, to: 60}}
  test: {file: reviews.tsv, part: {from: 60, to: 100}}
report: test
metric: accuracy
metrics: [accuracy, macro_f1]
max_seq_len: 64
selection: {policy: last, text: nobody published anything of it}
licence: CC0-1.0
source: made up
"#;

struct Bench(Sandbox);

impl Bench {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("data/reviews.tsv", rows());
        sandbox.write("reviews.yaml", TASK);
        Self(sandbox)
    }

    fn run(&self, command: &[&str], more: &[&str]) -> Output {
        let (task, data, out) =
            (self.0.join("reviews.yaml"), self.0.join("data"), self.0.join("out"));
        let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
        let fixed = [
            "-m".to_owned(),
            "majority".to_owned(),
            "-t".to_owned(),
            text(&task),
            "--data-dir".to_owned(),
            text(&data),
            "--out".to_owned(),
            text(&out),
            "--from-scratch".to_owned(),
        ];
        let all: Vec<&str> = command
            .iter()
            .copied()
            .chain(fixed.iter().map(String::as_str))
            .chain(more.iter().copied())
            .collect();
        self.0.run(&all)
    }

    fn json(&self, command: &[&str], more: &[&str], schema: &str) -> Value {
        let out = self.run(command, &[more, &["--format", "json"]].concat());
        assert_eq!(out.code, 0, "{}", out.stderr);
        let value: Value = serde_json::from_str(&out.stdout).unwrap();
        let path = workspace().join("harness/schemas").join(schema);
        let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {value}");
        value
    }
}

#[test]
fn a_sweep_ranks_by_the_development_rows() {
    let bench = Bench::new();
    let set = ["--set", "train_limit=1,40", "--set", "epochs=1"];
    let sweep = bench.json(&["sweep"], &set, "sweep.schema.json");
    let rows = sweep["rows"].as_array().unwrap();
    let of = |row: &Value| {
        let number = |place: &str| row.pointer(place).unwrap().as_f64().unwrap();
        (row["settings"]["train_limit"].clone(), number("/dev/value"), number("/test/value"))
    };
    // All rows: class 0, right for 15 of 20 development rows and 10 of 40 reported ones; one row: class 1.
    assert_eq!(of(&rows[0]), ("40".into(), 0.75, 0.25));
    assert_eq!(of(&rows[1]), ("1".into(), 0.25, 0.75));
    assert_eq!((&rows[0]["rank"], &rows[0]["policy"]), (&1.into(), &"best_on_dev".into()));
    assert_eq!(rows[0]["settings"].as_object().unwrap().len(), 1, "what is the same is left out");

    let again = bench.run(&["sweep"], &set);
    assert!(again.stderr.contains("all 2 cells are done"), "{}", again.stderr);
    assert!(
        again.stdout.contains("train_limit") && again.stdout.contains("would flatter"),
        "{}",
        again.stdout
    );
}

#[test]
fn points_are_drawn_from_ranges_and_follow_from_the_seed() {
    let bench = Bench::new();
    let set = ["--set", "train_limit=uniform:1..40", "--set", "learning_rate=log:1e-5..1e-3"];
    let drawn = |seed: &str| {
        let more = [&set[..], &["--trials", "3", "--search-seed", seed]].concat();
        let sweep = bench.json(&["sweep"], &more, "sweep.schema.json");
        let rows = sweep["rows"].as_array().unwrap().clone();
        let mut points: Vec<String> = rows.iter().map(|row| row["settings"].to_string()).collect();
        points.sort();
        points
    };
    let first = drawn("1");
    assert_eq!(first.len(), 3);
    assert_eq!(first, drawn("1"));
    assert_ne!(first, drawn("2"));

    for (more, message, hint) in [
        (&set[..], "a range has no end of values", "--trials N"),
        (&["--set", "epochs=1"], "there is one point", "several values"),
        (&["--set", "epoch=1,2"], "there is no setting `epoch`", "did you mean `epochs`?"),
        (&["--set", "epochs=1,x"], "epochs=x: invalid type", "recipe show"),
    ] {
        let out = bench.run(&["sweep"], more);
        assert_eq!(out.code, 2, "{}", out.stderr);
        assert!(out.stderr.contains(message) && out.stderr.contains(hint), "{}", out.stderr);
    }
}

#[test]
fn several_seeds_are_one_line_of_the_leaderboard() {
    let bench = Bench::new();
    let more = ["--seed", "1,2,3", "--set", "epochs=1", "--select", "last"];
    let table = bench.json(&["run", "--finetune"], &more, "leaderboard.schema.json");
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{table}");
    let accuracy = &rows[0]["metrics"]["accuracy"];
    assert_eq!(accuracy["seeds"]["seeds"], serde_json::json!([1, 2, 3]));
    // Counting does not depend on the seed: all of the interval is from the examples.
    assert_eq!(accuracy["seeds"]["deviation"], 0.0);
    assert_eq!((&accuracy["value"], &accuracy["method"]), (&0.25.into(), &"seeds".into()));
    let out = bench.0.join("out");
    let text = bench.0.run(&["leaderboard", out.to_str().unwrap()]).stdout;
    assert!(text.contains("3 seeds") && text.contains("25.00 ± 0.00"), "{text}");
}

#[test]
fn a_recipe_is_shown_for_a_model_and_a_task() {
    let sandbox = Sandbox::new();
    let show = ["recipe", "show", "generation-b", "-m", "koelectra-small-v3", "-t", "paws"];
    let text = sandbox.run(&show).stdout;
    for line in [
        "learning_rate: 0.00003",
        "batch_size: 64",
        "evaluate_every: 500",
        "classifier: dense",
        "# caveat: ",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    let json = sandbox.json(&[&show[..], &["--set", "epochs=1", "--format", "json"]].concat());
    let resolved = &json["resolved"];
    assert_eq!(
        (&resolved["label"], &resolved["settings"]["epochs"]),
        (&"generation-b[epochs=1]".into(), &1.0.into())
    );
    assert_eq!(resolved["train_begin"]["optimizer"]["variant"], "huggingface");
    let wrong =
        sandbox.run(&["recipe", "show", "generation-a", "-m", "kcbert-base", "-t", "hate_speech"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("has no task `hate_speech`"), "{}", wrong.stderr);
}
