//! Runs on GPUs, with a plugin that claims to have some and a library that answers as NVML does: which device a cell runs
//! on, what is recorded of it, and what happens when its memory does not suffice.

mod memory;
mod overlap;
mod several;
mod telemetry;

use kobench_tests::{Output, Sandbox, device_plugin, finish, records, workspace};
use serde_json::Value;
use std::path::PathBuf;

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
metrics: [accuracy]
max_seq_len: 64
selection: {policy: last, text: nobody published anything of it}
licence: CC0-1.0
source: every 25th row of NSMC's test split
"#;

/// A folder with the plugin, and environment variables that say how it behaves.
struct Bench {
    sandbox: Sandbox,
    variables: Vec<(String, String)>,
}

impl Bench {
    fn new(variables: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::new();
        let rows = workspace().join("tasks/samples/nsmc/ratings_test.sample.txt");
        sandbox.write("data/reviews.txt", std::fs::read(rows).unwrap());
        sandbox.write("reviews.yaml", TASK);
        device_plugin(sandbox.path());
        let own = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        Self { sandbox, variables: variables.iter().map(own).collect() }
    }

    /// The same folder, and other variables.
    fn with(mut self, variables: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        self.variables = variables.iter().map(own).collect();
        self
    }

    fn place(&self, out: &str) -> PathBuf {
        self.sandbox.join(out)
    }

    /// Runs the plugin's model on the task's test split.
    fn run(&self, out: &str, more: &[&str]) -> Output {
        let place = self.place(out);
        let (folder, place) = (self.sandbox.path().to_str().unwrap(), place.to_str().unwrap());
        let fixed = [
            "run",
            "-m",
            "device",
            "-t",
            "./reviews.yaml",
            "--data-dir",
            "data",
            "--plugin-dir",
            folder,
            "--out",
            place,
        ];
        let mut command = self.sandbox.command(&[&fixed, more].concat());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        finish(&mut command)
    }

    /// The record of the one cell of a run, which must be as its schema says.
    fn cell(&self, out: &str) -> Value {
        let mut all = self.records(out);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn records(&self, out: &str) -> Vec<Value> {
        let all = records(&self.place(out));
        let schema = workspace().join("harness/schemas/cell.schema.json");
        let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for record in &all {
            let errors: Vec<String> =
                validator.iter_errors(record).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} in {record}");
        }
        all
    }

    fn predictions(&self, out: &str) -> String {
        let id = self.cell(out)["id"].as_str().unwrap().to_owned();
        let path = self.place(out).join("cells").join(id).join("predictions.jsonl");
        std::fs::read_to_string(path).unwrap()
    }

    fn steps(&self, out: &str) -> Vec<Value> {
        let id = self.cell(out)["id"].as_str().unwrap().to_owned();
        let path = self.place(out).join("cells").join(id).join("train.jsonl");
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn without_a_gpu_auto_takes_the_cpu_and_says_why() {
    let bench = Bench::new(&[("DEVICE_GPUS", "0")]);
    let out = bench.run("auto", &[]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let said = "device: no GPU, so the CPU computes: model_open: no CUDA driver: libcuda.so.1: cannot open shared \
                object file";
    assert_eq!(out.stderr.lines().filter(|line| *line == said).count(), 1, "{}", out.stderr);
    let cell = bench.cell("auto");
    assert_eq!((&cell["device"], &cell["telemetry"]), (&"cpu".into(), &Value::Null));
    assert_eq!(cell["throughput"]["batch_tokens"], 8192);
    assert!(cell["throughput"].get("mfu").is_none() && cell["backend"].get("device").is_none());
    // It is the cell that --device cpu asks for.
    let again = bench.run("auto", &["--device", "cpu"]);
    assert!(again.stderr.contains("done already"), "{}", again.stderr);

    let out = bench.run("explicit", &["--device", "cuda:0"]);
    assert_eq!(out.code, 1, "{}", out.stderr);
    let cell = bench.cell("explicit");
    assert_eq!((&cell["device"], &cell["cause"]["code"]), (&"cuda".into(), &"unsupported".into()));
    assert!(cell["cause"]["detail"].as_str().unwrap().contains("libcuda.so.1"), "{cell}");
    assert!(out.stderr.contains("libcuda.so.1"), "{}", out.stderr);
}

#[test]
fn with_a_gpu_auto_takes_the_first_and_any_other_like_it_has_the_same_cells() {
    let bench = Bench::new(&[("DEVICE_BATCH_TOKENS", "70000")]);
    let out = bench.run("run", &[]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let cell = bench.cell("run");
    assert_eq!((&cell["device"], &cell["backend"]["device"]), (&"cuda".into(), &"cuda:0".into()));
    assert_eq!(cell["backend"]["device_name"], "NVIDIA H200");
    assert_eq!(cell["throughput"]["batch_tokens"], 70_000);
    let number = |of: &str, key: &str| cell[of][key].as_f64().unwrap();
    let mfu =
        number("throughput", "forward_flops") / number("throughput", "forward_seconds") / 67e12;
    assert!((number("throughput", "mfu") / mfu - 1.0).abs() < 1e-9, "{cell}");
    let planned = std::fs::read_to_string(bench.place("run").join("run.json")).unwrap();
    assert!(planned.contains(cell["id"].as_str().unwrap()), "the plan names the cell that ran");

    for device in ["cuda:1", "cuda", "auto", "cuda:0-1"] {
        let again = bench.run("run", &["--device", device]);
        assert!(again.stderr.contains("nothing to do"), "{device}: {}", again.stderr);
    }
    let small = bench.run("small", &["--device", "cuda:1", "--batch-tokens", "500"]);
    assert_eq!(small.code, 0, "{}", small.stderr);
    let small = bench.cell("small");
    assert_eq!((&small["backend"]["device"], &small["id"]), (&"cuda:1".into(), &cell["id"]));
    assert_eq!(small["throughput"]["batch_tokens"], 500);
}

#[test]
fn what_is_no_device_is_refused_before_anything_begins() {
    let bench = Bench::new(&[]);
    for (device, what) in [
        ("gpu", "--device gpu: not a device"),
        ("cuda:0,cuda:0", "cuda:0 is named twice"),
        ("cpu,cuda:0", "not a device"),
    ] {
        let out = bench.run("run", &["--device", device]);
        assert_eq!(out.code, 2, "{}", out.stderr);
        assert!(out.stderr.contains(what) && out.stderr.contains("cuda:0-3"), "{}", out.stderr);
    }
}
