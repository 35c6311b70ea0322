//! Audits: a good model passes, and each way to answer differently is found.

use kobench_tests::{Output, Sandbox, bad_plugin, c_plugin, device_plugin, slowed_plugin};
use serde_json::Value;

fn audit(sandbox: &Sandbox, more: &[&str]) -> (Output, Value) {
    let start = ["audit", "-t", "nsmc", "--split", "sample", "--format", "json"];
    let out = sandbox.run(&[&start[..], more].concat());
    let document: Value = serde_json::from_str(&out.stdout)
        .unwrap_or_else(|e| panic!("{e}: {} {}", out.stdout, out.stderr));
    let path = kobench_tests::workspace().join("harness/schemas/audit.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {document}");
    (out, document)
}

/// A check by its name.
fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["audits"][0]["checks"].as_array().unwrap();
    checks.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no {name} in {document}"))
}

/// The checks that failed.
fn failed(document: &Value) -> Vec<&str> {
    let checks = document["audits"][0]["checks"].as_array().unwrap();
    let failed = checks.iter().filter(|c| c["outcome"] == "failed");
    failed.map(|c| c["name"].as_str().unwrap()).collect()
}

#[test]
fn the_bundled_model_answers_alike_however_it_is_asked() {
    let sandbox = Sandbox::new();
    let (out, document) =
        audit(&sandbox, &["-m", "kcbert-demo", "--limit", "120", "--threads", "2"]);
    assert_eq!((out.code, failed(&document)), (0, vec![]), "{} {}", out.stdout, out.stderr);
    for name in [
        "same-twice",
        "batch-of-one",
        "batch-of-all",
        "order",
        "performance-offline",
        "performance-single-stream",
        "performance-server",
        "one-thread",
        "caching",
    ] {
        assert_eq!(check(&document, name)["outcome"], "passed", "{name}: {}", out.stdout);
    }
    assert_eq!(check(&document, "same-twice")["largest_difference"], 0.0);
    assert_eq!(check(&document, "order")["changed_predictions"], 0);
    assert_eq!(check(&document, "two-threads")["outcome"], "skipped", "the reference has as many");
    let table = sandbox.run(&[
        "audit",
        "-m",
        "kcbert-demo",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--limit",
        "40",
    ]);
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(
        table.stdout.contains("batch-of-one") && table.stdout.contains("0 failed"),
        "{}",
        table.stdout
    );
}

#[test]
fn answers_that_depend_on_the_batch_are_found() {
    let sandbox = Sandbox::new();
    let plugin = bad_plugin(sandbox.path(), "BATCH");
    let plugin = plugin.to_str().unwrap();
    let (out, document) = audit(&sandbox, &["-m", "bad_batch", "--plugin-dir", plugin]);
    assert_eq!(out.code, 1, "{}", out.stderr);
    let failed = failed(&document);
    assert!(
        failed.contains(&"batch-of-one") && failed.contains(&"performance-single-stream"),
        "{failed:?}"
    );
    assert!(!failed.contains(&"same-twice"), "in the same batches it answers the same: {failed:?}");
    let one = check(&document, "batch-of-one");
    assert!(one["largest_difference"].as_f64() > one["tolerance"].as_f64(), "{one}");
    assert!(one["changed_predictions"].as_u64() > Some(0), "{one}");
}

#[test]
fn answers_that_are_remembered_are_found() {
    let sandbox = Sandbox::new();
    let inner = c_plugin(sandbox.path());
    let folder = sandbox.join("cached");
    let plugin = slowed_plugin(&folder, &inner, &["SLOWED_WORK=200000", "SLOWED_CACHE"]);
    let plugin = plugin.to_str().unwrap();
    let (out, document) = audit(&sandbox, &["-m", "lexicon", "--plugin-dir", plugin]);
    assert_eq!(
        (out.code, failed(&document)),
        (1, vec!["caching"]),
        "{} {}",
        out.stdout,
        out.stderr
    );
    assert!(check(&document, "caching")["speedup"].as_f64() > Some(2.0), "{document}");

    let honest = slowed_plugin(&sandbox.join("honest"), &inner, &["SLOWED_WORK=200000"]);
    let honest = honest.to_str().unwrap();
    let (out, document) = audit(&sandbox, &["-m", "lexicon", "--plugin-dir", honest]);
    assert_eq!((out.code, failed(&document)), (0, vec![]), "{} {}", out.stdout, out.stderr);
}

#[test]
fn another_device_is_held_against_the_first_where_there_is_one() {
    let sandbox = Sandbox::new();
    let plugin = device_plugin(sandbox.path());
    let ask = |gpus: &str, more: &[&str]| {
        let plugin = plugin.to_str().unwrap();
        let start = [
            "audit",
            "-m",
            "device",
            "-t",
            "nsmc",
            "--split",
            "sample",
            "--format",
            "json",
            "--limit",
            "60",
            "--plugin-dir",
            plugin,
        ];
        let mut command = sandbox.command(&[&start[..], more].concat());
        command.env("DEVICE_GPUS", gpus).env("DEVICE_OPINIONS", "1");
        let out = kobench_tests::finish(&mut command);
        serde_json::from_str::<Value>(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", out.stderr))
    };
    let with = ask("1", &["--device", "cpu"]);
    assert_eq!(check(&with, "device")["outcome"], "passed", "{with}");
    let without = ask("0", &["--device", "cpu"]);
    let skipped = check(&without, "device");
    assert_eq!(skipped["outcome"], "skipped", "{without}");
    assert!(skipped["message"].as_str().unwrap().contains("no CUDA driver"), "{skipped}");
    let on_gpu = ask("1", &["--device", "cuda:0"]);
    assert!(check(&on_gpu, "device")["message"].as_str().unwrap().starts_with("on the CPU"));
}

#[test]
fn a_model_that_cannot_be_asked_is_named() {
    let sandbox = Sandbox::new();
    let plugin = bad_plugin(sandbox.path(), "SEGFAULT");
    let (out, document) =
        audit(&sandbox, &["-m", "bad_segfault", "--plugin-dir", plugin.to_str().unwrap()]);
    assert_eq!(out.code, 1);
    assert!(document["failed"][0]["reason"].as_str().unwrap().contains("SIGSEGV"), "{document}");
}
