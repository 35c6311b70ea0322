//! Plugins that were built with the feature `cuda`, on the device that `KOBENCH_TEST_DEVICE` names: a GPU, or the emulated
//! one (plugins/cuda/emulator).

use kobench_tests::{Output, Sandbox, records};
use serde_json::Value;

/// The device, or `None` with a word about what was skipped.
fn device(test: &str) -> Option<String> {
    let device = std::env::var("KOBENCH_TEST_DEVICE").ok();
    if device.is_none() {
        eprintln!("skipped: {test} needs a build with the feature cuda, and KOBENCH_TEST_DEVICE");
    }
    device
}

fn demo(sandbox: &Sandbox, out: &str, more: &[&str]) -> Output {
    sandbox.run_demo(&[&["--limit", "40", "--out", out][..], more].concat())
}

/// Label and logits of each row of the run's one cell.
fn labels(sandbox: &Sandbox, out: &str) -> Vec<(Value, Vec<f64>)> {
    let mut folders = std::fs::read_dir(sandbox.join(out).join("cells")).unwrap();
    let folder = folders.next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(folder.join("predictions.jsonl")).unwrap();
    let logits = |row: &Value| -> Vec<f64> {
        row["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| (row["pred"].clone(), logits(&row))).collect()
}

#[test]
fn a_device_gives_what_the_cpu_gives() {
    let Some(device) = device("a_device_gives_what_the_cpu_gives") else { return };
    let sandbox = Sandbox::new();
    let cpu = demo(&sandbox, "cpu", &["--device", "cpu"]);
    assert_eq!(cpu.code, 0, "{}", cpu.stderr);
    for (precision, tolerance) in [("f32", 1e-4), ("bf16", 0.1)] {
        let more = ["--device", &device, "--precision", precision];
        let out = demo(&sandbox, precision, &more);
        assert_eq!(out.code, 0, "{}", out.stderr);
        for (a, b) in labels(&sandbox, "cpu").iter().zip(labels(&sandbox, precision)) {
            for (x, y) in a.1.iter().zip(&b.1) {
                assert!((x - y).abs() < tolerance, "{precision}: {a:?} {b:?}");
            }
            assert!(precision != "f32" || a.0 == b.0, "{a:?} {b:?}");
        }
        let cell = records(&sandbox.join(precision)).remove(0);
        assert!(cell["backend"]["device_name"].is_string(), "{cell:#}");
        assert!(cell["memory"]["peak_device_bytes"].as_u64().unwrap() > 1 << 20, "{cell:#}");
    }
}

#[test]
fn a_device_that_is_not_there_is_named_and_auto_goes_on_without() {
    let Some(_) = device("a_device_that_is_not_there_is_named_and_auto_goes_on_without") else {
        return;
    };
    let sandbox = Sandbox::new();
    let out = demo(&sandbox, "none", &["--device", "cuda:77"]);
    assert_ne!(out.code, 0);
    assert!(out.stderr.contains("there is no device cuda:77"), "{}", out.stderr);
    let auto = [
        "run",
        "-m",
        "kcbert-demo",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--limit",
        "5",
        "--device",
        "auto",
    ];
    let mut hidden = sandbox.command(&auto);
    let out = kobench_tests::finish(hidden.env("CUDA_VISIBLE_DEVICES", ""));
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert!(out.stderr.contains("CUDA_VISIBLE_DEVICES"), "{}", out.stderr);
    assert!(out.stdout.contains("cpu"), "{}", out.stdout);
}

#[test]
fn the_self_test_passes_on_the_device() {
    let Some(device) = device("the_self_test_passes_on_the_device") else { return };
    let sandbox = Sandbox::new();
    // Models and training are tests of the engine, on the same device.
    let only = "device,ops";
    let out = sandbox.run(&["selftest", "--device", &device, "--only", only]);
    assert_eq!(out.code, 0, "{}\n{}", out.stdout, out.stderr);
}
