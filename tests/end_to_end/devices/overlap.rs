//! Tokenising while the device computes.

use super::Bench;
use serde_json::Value;

/// A bench whose test split has 18,000 rows: several portions of them.
fn bench(variables: &[(&str, &str)]) -> Bench {
    let bench = Bench::new(variables);
    let rows = std::fs::read_to_string(bench.sandbox.join("data/reviews.txt")).unwrap();
    let (header, rows) = rows.split_once('\n').unwrap();
    bench.sandbox.write("data/reviews.txt", format!("{header}\n{}", rows.repeat(10)));
    let task = super::TASK.replace("{from: 1700, to: 2000}", "{from: 1700, to: 19700}");
    bench.sandbox.write("reviews.yaml", task);
    bench
}

/// The seconds of a cell: tokenising, computing, and both from beginning to end.
fn seconds(cell: &Value) -> (f64, f64, f64) {
    let of = |key: &str| cell["throughput"][key].as_f64().unwrap();
    let total = cell["n"].as_f64().unwrap() / of("end_to_end_rows_per_second");
    (of("tokenize_seconds"), of("forward_seconds"), total)
}

#[test]
fn the_next_rows_are_tokenised_while_a_gpu_computes_and_nothing_else_changes() {
    // Each row takes its time in both.
    let bench =
        bench(&[("DEVICE_OPINIONS", "1"), ("DEVICE_ENCODE_US", "40"), ("DEVICE_FORWARD_US", "60")]);
    let gpu = bench.run("gpu", &["--device", "cuda:0"]);
    let cpu = bench.run("cpu", &["--device", "cpu"]);
    assert_eq!((gpu.code, cpu.code), (0, 0), "{}", gpu.stderr);
    assert_eq!(bench.predictions("gpu"), bench.predictions("cpu"));
    let (encode, forward, total) = seconds(&bench.cell("gpu"));
    assert!(encode > 0.72 && forward > 1.08, "{encode} {forward}");
    assert!(total < 0.85 * (encode + forward), "overlapped: {encode} and {forward} in {total}");
    let (encode, forward, total) = seconds(&bench.cell("cpu"));
    assert!(total > 0.99 * (encode + forward), "in turn: {encode} and {forward} in {total}");
}

#[test]
fn an_error_of_the_tokeniser_ends_the_cell_as_ever() {
    // The second portion's: the first one is being computed by then.
    let bench = bench(&[("DEVICE_ENCODE_FAILS", "2"), ("DEVICE_FORWARD_US", "100")]);
    let out = bench.run("run", &["--device", "cuda:0"]);
    assert_eq!(out.code, 1, "{}", out.stderr);
    let cause = &bench.cell("run")["cause"];
    let (stage, code) = (&cause["stage"], &cause["code"]);
    assert_eq!((stage, code), (&"encode".into(), &"internal error".into()));
    assert!(cause["detail"].as_str().unwrap().contains("the tokenizer is tired"), "{cause}");
}
