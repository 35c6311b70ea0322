//! Measuring speed: alone, against a base, and what is done about bad plugins.

use kobench_tests::{Output, Sandbox, bad_plugin, c_plugin, slowed_plugin};
use serde_json::Value;
use std::path::Path;

/// The bundled demo on 200 rows, briefly.
const DEMO: [&str; 13] = [
    "bench",
    "-m",
    "kcbert-demo",
    "-t",
    "nsmc",
    "--split",
    "sample",
    "--limit",
    "200",
    "--warmup",
    "0.1",
    "--duration",
    "0.05",
];

fn schema(name: &str) -> Value {
    let path = kobench_tests::workspace().join("harness/schemas").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn assert_valid(schema: &Value, document: &Value) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {document}");
}

/// The document of a `bench --format json`, valid.
fn document(output: &Output) -> Value {
    let document: Value = serde_json::from_str(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {} {}", output.stdout, output.stderr));
    let mut outcome = schema("bench-outcome.schema.json");
    // Whole, for there is no network to find it by its name.
    outcome["properties"]["benches"]["items"] = serde_json::json!({});
    assert_valid(&outcome, &document);
    for bench in document["benches"].as_array().unwrap() {
        assert_valid(&schema("bench.schema.json"), bench);
    }
    document
}

fn bench(sandbox: &Sandbox, more: &[&str]) -> Value {
    let output = sandbox.run(&[&DEMO[..], &["--format", "json"], more].concat());
    assert_eq!(output.code, 0, "{}", output.stderr);
    document(&output)
}

fn values(bench: &Value, measure: &str) -> Vec<f64> {
    let values = bench["measures"][measure]["values"].as_array();
    let values = values.unwrap_or_else(|| panic!("no {measure} in {bench}"));
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn each_scenario_has_its_measures_and_its_record() {
    let sandbox = Sandbox::new();
    let scenarios = ["--scenario", "server,offline,single-stream"];
    let more = ["--repetitions", "6", "--min-queries", "150", "--latency-bound", "10"];
    let document = bench(&sandbox, &[&scenarios[..], &more].concat());
    let benches = document["benches"].as_array().unwrap();
    let names: Vec<&str> = benches.iter().map(|b| b["scenario"].as_str().unwrap()).collect();
    assert_eq!(names, ["offline", "single-stream", "server"]);
    for bench in benches {
        for measure in ["forward_seconds_per_row", "tokenize_seconds_per_row", "peak_rss_bytes"] {
            assert!(values(bench, measure).iter().all(|value| *value > 0.0), "{bench}");
        }
        let queries = bench["volume"]["queries"].as_array().unwrap();
        assert!(queries.len() == 6 && queries.iter().all(|n| n.as_u64() >= Some(150)), "{bench}");
        assert_eq!(bench["volume"]["rows"], 200);
        // Six repetitions are enough for an interval, which is from the least to the largest.
        let rss = &bench["measures"]["peak_rss_bytes"];
        let mut all = values(bench, "peak_rss_bytes");
        all.sort_by(f64::total_cmp);
        assert_eq!((rss["ci_low"].as_f64(), rss["ci_high"].as_f64()), (Some(all[0]), Some(all[5])));
    }
    let [offline, stream, server] = benches.as_slice() else { panic!("{benches:?}") };
    assert!(offline["measures"].get("latency_p50_seconds").is_none());
    for bench in [stream, server] {
        let [p50, p90, p99] =
            ["p50", "p90", "p99"].map(|p| values(bench, &format!("latency_{p}_seconds")));
        for i in 0..6 {
            assert!(0.0 < p50[i] && p50[i] <= p90[i] && p90[i] <= p99[i], "{bench}");
        }
        let needs_a_thousand = bench["volume"]["queries"][0].as_u64() < Some(1000);
        assert_eq!(bench["measures"].get("latency_p99_9_seconds").is_none(), needs_a_thousand);
    }
    // One after the other, there is no time but that of the queries.
    let rate = values(stream, "end_to_end_rows_per_second")[0];
    let mean = values(stream, "latency_mean_seconds")[0];
    assert!((rate * mean - 1.0).abs() < 1e-3, "{rate} {mean}");
    assert_eq!(server["measures"]["share_within_bound"]["median"], 1.0, "a bound of 10 s");
    assert!(server["volume"]["rate"].as_f64() > Some(0.0));
    // The records are what was printed.
    for bench in benches {
        let file = format!("results/runs/bench/bench/{}.json", bench["id"].as_str().unwrap());
        let record: Value =
            serde_json::from_str(&std::fs::read_to_string(sandbox.join(&file)).unwrap()).unwrap();
        assert_eq!(record, *bench);
    }
}

#[test]
fn a_measurement_again_takes_the_place_of_the_first_and_few_rows_come_again() {
    let sandbox = Sandbox::new();
    let more = ["--repetitions", "1", "--min-queries", "500"];
    let first = bench(&sandbox, &more);
    assert!(first["benches"][0]["volume"]["times_through"].as_u64() >= Some(3), "{first}");
    let warnings = first["benches"][0]["warnings"].to_string();
    assert!(warnings.contains("200 rows are fewer than a repetition needs"), "{warnings}");
    bench(&sandbox, &more);
    let records = || std::fs::read_dir(sandbox.join("results/runs/bench/bench")).unwrap().count();
    assert_eq!(records(), 1);
    bench(&sandbox, &["--repetitions", "2"]);
    assert_eq!(records(), 2, "another setting is another measurement");
    let table = sandbox.run(&[&DEMO[..], &more].concat());
    assert_eq!(table.code, 0, "{}", table.stderr);
    for part in ["Rows/s", "kcbert-demo", "nsmc/sample", "offline", "Peak RSS"] {
        assert!(table.stdout.contains(part), "no {part} in {}", table.stdout);
    }
}

#[test]
fn a_server_that_is_too_slow_is_late() {
    let sandbox = Sandbox::new();
    // Far more than anything answers: the queue grows, and so do the latencies.
    let more = [
        "--scenario",
        "server",
        "--rate",
        "1e6",
        "--latency-bound",
        "0.0001",
        "--repetitions",
        "1",
    ];
    let document = bench(&sandbox, &more);
    let server = &document["benches"][0];
    assert!(values(server, "queries_per_second")[0] < 1e6);
    assert!(values(server, "share_within_bound")[0] < 0.5, "{server}");
    let warnings = server["warnings"].to_string();
    assert!(warnings.contains("above the bound of 0.0001 s in 1 of 1"), "{warnings}");
}

/// The C plugin, slower by some arithmetic for each text; its model is called `lexicon`.
fn lexicon(sandbox: &Sandbox, folder: &str, work: &str) -> String {
    let inner = c_plugin(sandbox.path());
    let folder = sandbox.join(folder);
    slowed_plugin(&folder, &inner, &[&format!("SLOWED_WORK={work}")]);
    folder.to_str().unwrap().to_owned()
}

fn against(sandbox: &Sandbox, new: &str, base: &str, format: &str) -> Output {
    sandbox.run(&[
        "bench",
        "-m",
        "lexicon",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--plugin-dir",
        new,
        "--against",
        base,
        "--repetitions",
        "20",
        "--duration",
        "0.05",
        "--warmup",
        "0.2",
        "--format",
        format,
    ])
}

#[test]
fn a_slower_build_is_a_regression_and_a_faster_one_is_not() {
    let sandbox = Sandbox::new();
    // Half as much work again: on a machine with much else to do too, nobody misses that.
    let (fast, slow) = (lexicon(&sandbox, "fast", "40000"), lexicon(&sandbox, "slow", "60000"));
    let worse = against(&sandbox, &slow, &fast, "json");
    let document = document(&worse);
    let speeds = document["speeds"].as_array().unwrap();
    let rows = speeds.iter().find(|s| s["measure"] == "end_to_end_rows_per_second").unwrap();
    assert_eq!(rows["verdict"], "regression", "{rows}");
    assert_eq!((worse.code, &document["verdict"]), (1, &rows["verdict"]), "{}", worse.stderr);
    assert_eq!((&rows["interleaved"], &rows["test"]), (&true.into(), &"signed_rank".into()));
    assert!(rows["ratio"].as_f64() < Some(0.8), "{rows}");
    assert_eq!(rows["differences"][0]["what"], "plugin");
    let benches = document["benches"].as_array().unwrap();
    assert_eq!(benches.len(), 2);
    assert_eq!((&benches[0]["side"], &benches[1]["side"]), (&"base".into(), &"new".into()));
    assert_eq!(benches[0]["pair"], benches[1]["pair"]);
    assert_eq!(benches[0]["volume"]["queries"], benches[1]["volume"]["queries"]);

    let better = against(&sandbox, &fast, &format!("plugins={slow}"), "terminal");
    assert_eq!(better.code, 0, "{} {}", better.stdout, better.stderr);
    assert!(better.stdout.contains("better"), "{}", better.stdout);
}

#[test]
fn what_the_base_is_must_be_there_and_make_sense() {
    let sandbox = Sandbox::new();
    let wrong = |more: &[&str], message: &str| {
        let out = sandbox.run(&[&DEMO[..], more].concat());
        assert_eq!((out.code, out.stdout.as_str()), (2, ""), "{}", out.stderr);
        assert!(out.stderr.contains(message), "no `{message}` in {}", out.stderr);
    };
    wrong(&["--against", "speed=2"], "`speed` is not known");
    wrong(&["--against", "plugins=nowhere"], "there is nothing");
    let empty = sandbox.join("empty");
    std::fs::create_dir(&empty).unwrap();
    wrong(&["--against", empty.to_str().unwrap()], "no model is called `kcbert-demo`");
    wrong(&["--margin", "1"], "--against");
    wrong(&["--against", "same", "--margin", "100"], "from 0 to below 100");
    wrong(&["--scenario", "multistream"], "the scenarios are");
    wrong(&["--rate", "5"], "add --scenario server");
    wrong(&["--device", "cuda:0,cuda:1"], "one device is measured at a time");
    wrong(&["--scenario", "server", "--rate", "0"], "not a positive number");
    assert!(!sandbox.join("results").exists(), "nothing is written before all is well");
}

#[test]
fn a_bad_plugin_costs_its_own_measurements() {
    for (how, reason) in [("SEGFAULT", "SIGSEGV"), ("HANG", "hung"), ("NAN", ""), ("ERROR", "moon")]
    {
        let sandbox = Sandbox::new();
        bad_plugin(sandbox.path(), how);
        c_plugin(sandbox.path());
        let models = format!("bad_{},lexicon", how.to_lowercase());
        let folder = sandbox.path().to_str().unwrap();
        let out = sandbox.run(&[
            "bench",
            "-m",
            &models,
            "-t",
            "nsmc",
            "--split",
            "sample",
            "--plugin-dir",
            folder,
            "--repetitions",
            "2",
            "--duration",
            "0.02",
            "--warmup",
            "0",
            "--hang-limit",
            "1",
            "--format",
            "json",
            "--scenario",
            "offline,single-stream",
        ]);
        let document = document(&out);
        let benches = document["benches"].as_array().unwrap();
        let good: Vec<&Value> = benches.iter().filter(|b| b["model"] == "lexicon").collect();
        assert_eq!(good.len(), 2, "{how}: {}", out.stderr);
        if how == "NAN" {
            // It is measured all the same: `kobench run` and `kobench audit` look at answers.
            assert_eq!(out.code, 0, "{}", out.stderr);
            continue;
        }
        assert_eq!(out.code, 1, "{how}: {}", out.stderr);
        assert!(document["failed"][0]["reason"].as_str().unwrap().contains(reason), "{document}");
        assert!(document["failed"][0]["label"].as_str().unwrap().starts_with("bad_"));
    }
}

/// What a task file needs besides its kind, reader, file and metrics.
const REST: &str = "
version: 1
title: Mine
report: test
max_seq_len: 24
selection: {policy: none, text: nothing was chosen}
licence: CC0-1.0
source: written for this test
";

const WORDS: &str = "
name: words
kind: token_classification
labels:
  - {id: O, name: outside}
  - {id: NUM-B, name: number}
reader: {format: tsv, columns: {text: 0, label: 1}}
splits: {test: {file: words.tsv}}
metric: entity_f1
metrics: [entity_f1, entity_f1_visible]
scoring: {tags: suffix}
";

const QUESTIONS: &str = "
name: questions
kind: extractive_qa
reader: {format: squad}
splits: {test: {file: qa.json}}
metric: char_f1
metrics: [exact_match, char_f1]
qa: {doc_stride: 8, max_question_len: 8}
";

#[test]
fn words_and_questions_are_measured_too() {
    let sandbox = Sandbox::new();
    let plugin = kobench_tests::rules_plugin(sandbox.path());
    sandbox.write("words.yaml", format!("{WORDS}{REST}"));
    sandbox.write("words.tsv", "3월 서울\tNUM-B O\n가 나 다\tO O O\n");
    sandbox.write("questions.yaml", format!("{QUESTIONS}{REST}"));
    let context = "1839년의 일이다. 그 뒤에는 아무 일도 없었다고 한다. 그래서 글이 길다.";
    let answers = serde_json::json!([{"text": "1839년", "answer_start": 0}]);
    let qas = serde_json::json!([{"id": "1", "question": "언제?", "answers": answers}]);
    let paragraphs = serde_json::json!([{"context": context, "qas": qas}]);
    let data =
        serde_json::json!({"version": "1", "data": [{"title": "책", "paragraphs": paragraphs}]});
    sandbox.write("qa.json", data.to_string());
    let out = sandbox.run(&[
        "bench",
        "-m",
        "rules",
        "-t",
        "./words.yaml,./questions.yaml",
        "--data-dir",
        ".",
        "--plugin-dir",
        plugin.to_str().unwrap(),
        "--scenario",
        "offline,single-stream,server",
        "--repetitions",
        "1",
        "--duration",
        "0.02",
        "--warmup",
        "0",
        "--min-queries",
        "5",
        "--format",
        "json",
    ]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let document = document(&out);
    let all = document["benches"].as_array().unwrap();
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|b| values(b, "forward_seconds_per_row")[0] > 0.0), "{document}");
    assert!(Path::new(&sandbox.join("results/runs/bench/run.json")).exists());
    let audited = sandbox.run(&[
        "audit",
        "-m",
        "rules",
        "-t",
        "./words.yaml,./questions.yaml",
        "--data-dir",
        ".",
        "--plugin-dir",
        plugin.to_str().unwrap(),
    ]);
    assert_eq!(audited.code, 0, "{} {}", audited.stdout, audited.stderr);
}
