//! Device memory that does not suffice.

use super::Bench;
use serde_json::Value;

const TRAIN: [&str; 9] = [
    "--finetune",
    "--set",
    "epochs=2",
    "--set",
    "learning_rate=0.05",
    "--set",
    "warmup_proportion=0",
    "--select",
    "last",
];

fn warnings(cell: &Value) -> String {
    cell["warnings"].to_string()
}

#[test]
fn an_evaluation_halves_its_budget_and_comes_to_the_same() {
    let bench = Bench::new(&[("DEVICE_OPINIONS", "1"), ("DEVICE_TOKENS", "900")]);
    let small = bench.run("small", &["--device", "cuda:0"]);
    assert_eq!(small.code, 0, "{}", small.stderr);
    let said = "warning: device on reviews/test: device memory ran out at a batch of ";
    assert!(small.stderr.contains(said), "{}", small.stderr);
    let cell = bench.cell("small");
    assert!(warnings(&cell).contains("device memory ran out"), "{cell}");
    let budget = cell["throughput"]["batch_tokens"].as_u64().unwrap();
    assert!((300..=900).contains(&budget), "{budget}");
    let predictions = bench.predictions("small");
    let bench = bench.with(&[("DEVICE_OPINIONS", "1")]);
    assert_eq!(bench.run("large", &["--device", "cuda:0"]).code, 0);
    assert_eq!(bench.predictions("large"), predictions);
    assert!(!warnings(&bench.cell("large")).contains("device memory"));
}

#[test]
fn a_sequence_that_does_not_fit_alone_fails_with_what_to_do() {
    let bench = Bench::new(&[("DEVICE_TOKENS", "4")]);
    let out = bench.run("run", &["--device", "cuda:0"]);
    assert_eq!(out.code, 1, "{}", out.stderr);
    let cell = bench.cell("run");
    assert_eq!(cell["cause"]["code"], "out of device memory");
    let detail = cell["cause"]["detail"].as_str().unwrap();
    assert!(detail.contains("one sequence of ") && detail.contains("--max-seq-len"), "{detail}");
}

#[test]
fn a_training_step_that_does_not_fit_is_computed_in_parts() {
    let bench = Bench::new(&[("DEVICE_TOKENS", "150")]);
    let set = [&TRAIN[..], &["--device", "cuda:0"]].concat();
    let split = bench.run("split", &set);
    assert_eq!(split.code, 0, "{}", split.stderr);
    assert!(
        split.stderr.contains("tokens do not fit into the device's memory"),
        "{}",
        split.stderr
    );
    let cell = bench.cell("split");
    let limit = cell["training"]["throughput"]["micro_batch_tokens"].as_u64().unwrap();
    assert!((60..=150).contains(&limit), "{limit}");
    assert!(warnings(&cell).contains("steps were computed in parts"), "{cell}");
    assert!(cell["training"]["throughput"]["mfu"].as_f64().unwrap() > 0.0);
    let split_steps = bench.steps("split");
    let parts = |step: &Value| step["parts"].as_u64();
    assert!(split_steps.iter().filter(|step| parts(step) > Some(1)).count() > 40);

    let bench = bench.with(&[]);
    assert_eq!(bench.run("whole", &set).code, 0);
    let whole_steps = bench.steps("whole");
    assert_eq!(whole_steps.len(), split_steps.len());
    for (whole, split) in whole_steps.iter().zip(&split_steps) {
        for key in ["loss", "grad_norm"] {
            let (a, b) = (whole[key].as_f64().unwrap(), split[key].as_f64().unwrap());
            assert!((a - b).abs() < 1e-4 * (a.abs() + b.abs()), "{key}: {whole} {split}");
        }
        assert_eq!((&whole["rows"], &whole["tokens"]), (&split["rows"], &split["tokens"]));
        assert!(whole.get("parts").is_none());
    }
}

#[test]
fn memory_that_runs_out_between_two_parts_sends_the_training_back_to_its_last_state() {
    // Two batches a step: the fourth call is the second one of the second step.
    let set = [&TRAIN[..], &["--device", "cuda:0", "--set", "accumulate=2"]].concat();
    let bench = Bench::new(&[("DEVICE_FULL_AT", "4")]);
    let out = bench.run("stops", &set);
    assert_eq!(out.code, 1, "{}", out.stderr);
    let detail = bench.cell("stops")["cause"]["detail"].to_string();
    assert!(detail.contains("step 2 of") && detail.contains("--save-every-steps"), "{detail}");

    let with_states = [&set[..], &["--save-every-steps", "1"]].concat();
    let out = bench.run("goes-on", &with_states);
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert!(out.stderr.contains("goes on after step 1"), "{}", out.stderr);
    let cell = bench.cell("goes-on");
    assert_eq!(cell["training"]["resumed_from"], serde_json::json!([1]));
    let steps = bench.steps("goes-on");
    assert!(steps.iter().zip(1_u64..).all(|(step, n)| step["step"] == n), "each step once");
    let bench = bench.with(&[]);
    assert_eq!(bench.run("whole", &set).code, 0);
    let last = |out: &str| bench.steps(out).last().unwrap()["loss"].as_f64().unwrap();
    assert!((last("goes-on") - last("whole")).abs() < 1e-4, "no gradient was added up twice");
}

#[test]
fn what_cannot_be_split_fails_with_what_to_do() {
    let bench = Bench::new(&[("DEVICE_TOKENS", "150")]);
    let fused = ["--device", "cuda:0", "--set", "optimizer=adalomo"];
    let out = bench.run("fused", &[&TRAIN[..], &fused].concat());
    assert_eq!(out.code, 1, "{}", out.stderr);
    let detail = bench.cell("fused")["cause"]["detail"].to_string();
    assert!(
        detail.contains("a fused optimiser") && detail.contains("--set batch_size"),
        "{detail}"
    );

    let bench = bench.with(&[("DEVICE_TOKENS", "4")]);
    let out = bench.run("one", &[&TRAIN[..], &["--device", "cuda:0"]].concat());
    assert_eq!(out.code, 1, "{}", out.stderr);
    let detail = bench.cell("one")["cause"]["detail"].to_string();
    assert!(detail.contains("one sequence of ") && detail.contains("--max-seq-len"), "{detail}");
}
