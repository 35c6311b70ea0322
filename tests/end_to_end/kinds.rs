//! Every kind of task from a task file to the record, with a plugin that has every head.

use kobench_tests::{Output, Sandbox, broken_plugin, c_plugin, cells, rules_plugin};
use serde_json::{Value, json};

/// What a task file needs besides its kind, labels, reader, file and metrics.
const REST: &str = "
selection: {policy: none, text: nothing was chosen}
licence: CC0-1.0
source: written for this test
";

const NER: &str = "
name: mine
version: 1
title: Numbers and Seoul
kind: token_classification
labels:
  - {id: O, name: outside}
  - {id: NUM-B, name: number}
  - {id: LOC-B, name: place}
reader: {format: tsv, columns: {text: 0, label: 1}}
splits: {test: {file: ner.tsv}}
report: test
metric: entity_f1
metrics: [entity_f1, entity_f1_visible]
scoring: {tags: suffix}
max_seq_len: 12
";

const STS: &str = "
name: mine
version: 1
title: Likeness
kind: sequence_regression
reader: {format: tsv, header: true, columns: {text: a, text_pair: b, label: score}}
splits: {test: {file: sts.tsv}}
report: test
metric: pearson
metrics: [pearson, spearman]
scoring: {range: [0, 5]}
max_seq_len: 64
";

const QA: &str = "
name: mine
version: 1
title: Numbers
kind: extractive_qa
reader: {format: squad}
splits: {test: {file: qa.json}}
report: test
metric: char_f1
metrics: [exact_match, char_f1]
qa: {doc_stride: 8, max_question_len: 8}
max_seq_len: 24
";

/// Writes a task and its data, and runs a plugin's model on it.
fn run(sandbox: &Sandbox, task: &str, data: &str, models: &str) -> Output {
    let file = task.split("file: ").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    sandbox.write("mine.yaml", format!("{task}{REST}"));
    sandbox.write(file, data);
    let folder = sandbox.path().to_str().unwrap();
    let arguments =
        ["run", "-m", models, "-t", "./mine.yaml", "--plugin-dir", folder, "--out", "out"];
    sandbox.run(&arguments)
}

/// Runs the plugin with every head, which must succeed; its record and predictions.
fn done(sandbox: &Sandbox, task: &str, data: &str) -> (Value, Vec<Value>) {
    rules_plugin(sandbox.path());
    let output = run(sandbox, task, data, "rules");
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let record = cells(&sandbox.join("out")).remove("rules").unwrap();
    assert_eq!(record["status"], "done", "{record}");
    let cell = sandbox.join("out/cells").join(record["id"].as_str().unwrap());
    let text = std::fs::read_to_string(cell.join("predictions.jsonl")).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The same predictions give the same bits, whoever scores them.
    let file = cell.join("predictions.jsonl");
    let scored = sandbox.json(&[
        "score",
        "-t",
        "./mine.yaml",
        "--predictions",
        file.to_str().unwrap(),
        "--format",
        "json",
    ]);
    for (name, metric) in record["metrics"].as_object().unwrap() {
        assert_eq!(scored["metrics"][name]["value"], metric["value"], "{name}: {scored}");
    }
    (record, rows)
}

fn metric(record: &Value, name: &str) -> f64 {
    record["metrics"][name]["value"].as_f64().unwrap_or_else(|| panic!("no {name}: {record}"))
}

#[test]
fn words_are_labelled_and_cut_ones_are_marked_and_counted() {
    let sandbox = Sandbox::new();
    // Of the third row the model sees ten words, so that the number is cut off.
    let long = "가 ".repeat(10);
    let outside = "O ".repeat(10);
    let data = format!(
        "1839년에 서울로 간다\tNUM-B LOC-B O\n그는 서울에 산다\tO LOC-B O\n{long}7\t{outside}NUM-B\n그는 7 산다\tO O O\n"
    );
    let (record, rows) = done(&sandbox, NER, &data);
    assert_eq!((record["n"].as_u64(), rows.len()), (Some(4), 4));
    assert_eq!(rows[0]["pred"], json!([{"label": "NUM-B"}, {"label": "LOC-B"}, {"label": "O"}]));
    assert_eq!(rows[2]["pred"][9], json!({"label": "O"}));
    assert_eq!(rows[2]["pred"][10], json!({"label": null, "cut": true}));
    assert_eq!(rows[2]["gold"][10], json!({"label": "NUM-B"}));
    // Four right entities, of which one is cut off; four predicted, of which one is wrong.
    assert_eq!(metric(&record, "entity_f1"), 0.75);
    assert_eq!(metric(&record, "entity_f1_visible"), 2.0 * 0.75 / 1.75);
    assert_eq!(record["tokens"]["truncated_rows"], 1);
    assert_eq!(record["tokens"]["max_len"], 12);
}

#[test]
fn numbers_are_predicted_for_pairs() {
    let sandbox = Sandbox::new();
    let data = "a\tb\tscore\n서울 간다\t서울 간다\t4.8\n서울\t부산\t0.2\n서울 간다\t서울 온다\t3\n";
    let (record, rows) = done(&sandbox, STS, data);
    let of = |name: &str| -> Vec<f64> { rows.iter().map(|r| r[name].as_f64().unwrap()).collect() };
    assert_eq!((of("pred"), of("gold")), (vec![5.0, 0.0, 2.5], vec![4.8, 0.2, 3.0]));
    assert!((metric(&record, "spearman") - 1.0).abs() < 1e-12);
    assert!((0.98..1.0).contains(&metric(&record, "pearson")));
    assert!(rows[0].get("logits").is_none());
}

#[test]
fn questions_are_answered_from_windows() {
    let sandbox = Sandbox::new();
    let context = format!("{}1839년에 그 책을 읽었다", "가나다라 ".repeat(12));
    let start = context.chars().position(|c| c == '1').unwrap();
    let asked = |id: &str, context: &str, answer: &str, start: usize| {
        json!({"context": context, "qas": [{"id": id, "question": "언제 읽었나?",
            "answers": [{"text": answer, "answer_start": start}]}]})
    };
    let data = json!({"version": "1", "data": [{"title": "책", "paragraphs": [
        asked("long", &context, "1839년", start),
        asked("short", "7월의 일이다.", "7월", 0),
        asked("none", "수가 없다", "수", 0),
    ]}]});
    let (record, rows) = done(&sandbox, QA, &data.to_string());
    let of = |name: &str| -> Vec<&str> { rows.iter().map(|r| r[name].as_str().unwrap()).collect() };
    assert_eq!(of("id"), ["long", "short", "none"]);
    assert_eq!((of("pred"), of("gold")), (vec!["1839", "7", "수가"], vec!["1839년", "7월", "수"]));
    assert_eq!(metric(&record, "exact_match"), 0.0);
    let f1 = (8.0 / 9.0 + 2.0 / 3.0 + 2.0 / 3.0) / 3.0;
    assert!((metric(&record, "char_f1") - f1).abs() < 1e-12, "{record}");
    assert!(record["tokens"]["sequences"].as_u64().unwrap() > 4, "{}", record["tokens"]);
}

#[test]
fn a_model_without_the_head_is_refused_before_the_run() {
    let sandbox = Sandbox::new();
    let context = json!({"version": "1", "data": [{"title": "책", "paragraphs": [{"context": "수가 없다",
        "qas": [{"id": "1", "question": "언제?", "answers": [{"text": "수", "answer_start": 0}]}]}]}]});
    c_plugin(sandbox.path());
    for (task, data, head, model, heads) in [
        (QA, context.to_string(), "span", "kcbert-demo", "sequence, token"),
        (NER, "가\tO\n".into(), "token", "lexicon", "sequence"),
    ] {
        let output = run(&sandbox, task, &data, model);
        assert_eq!(output.code, 2, "{}", output.stderr);
        let expected = format!("a model with a {head} head, and {model} has these heads: {heads}");
        assert!(output.stderr.contains(&expected), "{}", output.stderr);
        assert!(output.stderr.contains("hint:"), "{}", output.stderr);
        assert!(!sandbox.join("out").exists(), "nothing was begun");
    }
}

#[test]
fn a_broken_encoding_costs_its_cell_alone() {
    let sandbox = Sandbox::new();
    broken_plugin(sandbox.path(), "OFFSETS");
    rules_plugin(sandbox.path());
    let output = run(&sandbox, NER, "서울에 산다\tLOC-B O\n", "broken_offsets,rules");
    assert_eq!(output.code, 1, "{}", output.stderr);
    let records = cells(&sandbox.join("out"));
    assert_eq!(records["rules"]["status"], "done");
    let cause = &records["broken_offsets"]["cause"];
    assert_eq!((&cause["code"], &cause["stage"]), (&json!("bad encoding"), &json!("forward")));
    assert!(
        cause["detail"].as_str().unwrap().contains("row 0: the plugin's encoding: token"),
        "{cause}"
    );
}
