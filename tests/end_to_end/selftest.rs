//! `kobench selftest`: the bundled one passes on the CPU, and those that crash, hang, lie or write nonsense are named.

use kobench_tests::{Output, Sandbox, binary, selftest_plugin, workspace};
use serde_json::Value;
use std::path::Path;

/// Runs the self-test of the plugin in C that goes in that way.
fn run(how: &str, more: &[&str]) -> Output {
    let sandbox = Sandbox::new();
    let library = selftest_plugin(sandbox.path(), how);
    let name = format!("selftest_{}", how.to_lowercase());
    let places = ["selftest", "--plugin-dir", library.to_str().unwrap(), "--plugin", &name];
    sandbox.run(&[&places[..], &["--precision", "f32"], more].concat())
}

/// Its report, which is what the schema says.
fn report(how: &str, more: &[&str]) -> (i32, Value) {
    let out = run(how, &[&["--format", "json"][..], more].concat());
    let report: Value = serde_json::from_str(&out.stdout)
        .unwrap_or_else(|e| panic!("{how}: {e}: {} {}", out.stdout, out.stderr));
    assert_valid("selftest", &report);
    assert_eq!(report["good"], out.code == 0, "{how}");
    (out.code, report)
}

fn assert_valid(schema: &str, json: &Value) {
    let path = workspace().join(format!("harness/schemas/{schema}.schema.json"));
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = schema.iter_errors(json).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}: {json:#}");
}

/// Name, outcome and message of each check.
fn checks(report: &Value) -> Vec<(String, String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let all = report["plugins"][0]["checks"].as_array().unwrap();
    all.iter().map(|c| (text(&c["name"]), text(&c["outcome"]), text(&c["message"]))).collect()
}

/// The second check fails with this message, and the others pass, in another process where that is needed.
fn costs_its_check_alone(how: &str, more: &[&str], message: &str) {
    let (code, report) = report(how, more);
    assert_eq!(code, 1, "{how}");
    let found = checks(&report);
    let outcomes: Vec<(&str, &str)> =
        found.iter().map(|(name, outcome, _)| (name.as_str(), outcome.as_str())).collect();
    let multiply = found.iter().find(|(name, ..)| name == "arithmetic/multiply").unwrap();
    assert!(multiply.2.contains(message), "{how}: {multiply:?}");
    let expected =
        [("arithmetic/add", "passed"), ("arithmetic/multiply", "failed"), ("last", "passed")];
    for line in expected {
        assert!(outcomes.contains(&line), "{how}: {outcomes:?}");
    }
    assert_eq!(outcomes.len(), 3, "{how}");
}

#[test]
fn a_selftest_passes_and_a_failing_check_is_exit_1() {
    let (code, good) = report("GOOD", &[]);
    assert_eq!((code, checks(&good).len()), (0, 3));
    costs_its_check_alone("FAILS", &[], "expected 4, saw 5");
    let out = run("FAILS", &[]);
    assert_eq!(out.code, 1);
    for line in [
        "FAILED arithmetic/multiply f32: error 1.5e0, tolerance 1.0e-3: expected 4, saw 5",
        "2 passed, 1 failed, 0 skipped in 1.5 s",
        "│ arithmetic ┆ f32",
    ] {
        assert!(out.stdout.contains(line), "{line}: {}", out.stdout);
    }
}

#[test]
fn passed_beyond_its_tolerance_is_failed() {
    costs_its_check_alone("LIES", &[], "called passed, but not within its tolerance");
}

#[test]
fn crashes_and_hangs_are_named_and_the_others_go_on() {
    costs_its_check_alone("CRASH", &[], "crashed: SIGABRT; it printed: about to divide");
    costs_its_check_alone("HANG", &["--hang-limit", "2"], "hung: no progress for 2 s");
}

#[test]
fn what_makes_no_sense_is_a_failure() {
    let nonsense = "the plugin wrote a line that is no outcome: all is well";
    costs_its_check_alone("NONSENSE", &[], nonsense);
    costs_its_check_alone("UNKNOWN", &[], "told of geometry in f32, which it was not to run");
    costs_its_check_alone("SILENT", &[], "the plugin ended without an outcome for it");
    costs_its_check_alone("ERROR", &[], "the abacus broke (internal error)");
}

#[test]
fn a_plugin_that_always_dies_is_given_up() {
    let (code, report) = report("HOPELESS", &[]);
    assert_eq!(code, 1);
    assert!(checks(&report).iter().all(|(_, outcome, _)| outcome == "failed"));
}

#[test]
fn what_cannot_begin_is_exit_2() {
    let out = run("REFUSES", &[]);
    assert_eq!(out.code, 2, "{}", out.stdout);
    assert!(out.stderr.contains("there is no abacus in this machine"), "{}", out.stderr);
    // A library of an older interface, whatever its description says.
    let out = run("OLD", &[]);
    assert_eq!(out.code, 2, "{}", out.stdout);
    assert!(out.stderr.contains("does not have the call `selftest`"), "{}", out.stderr);
    let out = run("GOOD", &["--device", "cuda:0"]);
    assert_eq!(out.code, 2, "{}", out.stdout);
    assert!(out.stderr.contains("no plugin checks itself on cuda:0"), "{}", out.stderr);
    for arguments in [
        &["--only", "arithmetik"][..],
        &["--device", "tpu"],
        &["--precision", "f8"],
        &["--rows", "3"],
        &["--hang-limit", "0"],
    ] {
        let out = run("GOOD", arguments);
        assert_eq!(out.code, 2, "{arguments:?}: {}", out.stdout);
    }
    let out = run("GOOD", &["--only", "arithmetik"]);
    assert!(out.stderr.contains("did you mean `arithmetic`?"), "{}", out.stderr);
    let sandbox = Sandbox::new();
    let out = sandbox.run(&["selftest", "--plugin", "kcbert"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("the plugin kcbert has no self-test"), "{}", out.stderr);
}

#[test]
fn checks_are_listed_and_chosen() {
    let (code, one) = report("GOOD", &["--only", "last"]);
    assert_eq!((code, checks(&one).len()), (0, 1));
    let out = run("CRASH", &["--list"]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert!(out.stdout.contains("arithmetic/multiply ┆ f32"), "{}", out.stdout);
}

/// Copies the binary and the plugin to a folder of their own, without anything else.
fn alone(folder: &Path) -> std::process::Command {
    let target = binary().parent().unwrap();
    for name in ["kobench", "libkobench_plugin_selftest.so"] {
        std::fs::copy(target.join(name), folder.join(name)).unwrap();
    }
    let mut command = std::process::Command::new(folder.join("kobench"));
    command.current_dir(folder).env_clear().env("HOME", folder);
    command
}

#[test]
fn the_bundled_selftest_passes_on_the_cpu_with_nothing_but_the_binaries() {
    let sandbox = Sandbox::new();
    let mut command = alone(sandbox.path());
    let out =
        kobench_tests::finish(command.args(["selftest", "--device", "cpu", "--format", "json"]));
    assert_eq!(out.code, 0, "{} {}", out.stdout, out.stderr);
    let report: Value = serde_json::from_str(&out.stdout).unwrap();
    assert_valid("selftest", &report);
    let all = report["plugins"][0]["checks"].as_array().unwrap();
    for group in [
        "device",
        "models/bert",
        "models/electra",
        "models/distilbert",
        "models/roberta",
        "models/deberta-v2",
        "models/gemma2",
        "training/gemma2",
        "determinism/bert",
    ] {
        let of_group = |c: &&Value| c["name"].as_str().unwrap().starts_with(group);
        for precision in ["f32", "bf16"] {
            let own: Vec<&Value> =
                all.iter().filter(of_group).filter(|c| c["precision"] == precision).collect();
            assert!(!own.is_empty(), "{group} in {precision}");
        }
    }
    let passed = all.iter().filter(|c| c["outcome"] == "passed").count();
    assert_eq!(passed, all.len(), "{report:#}");
}

#[test]
fn the_bundled_selftest_lists_and_chooses() {
    let sandbox = Sandbox::new();
    let listed = sandbox.json(&["selftest", "--list", "--format", "json"]);
    let all = listed["plugins"][0]["checks"].as_array().unwrap();
    assert!(all.len() > 100, "{}", all.len());
    let out = sandbox.run(&["selftest", "--only", "models/electra,device", "--precision", "f32"]);
    assert_eq!(out.code, 0, "{} {}", out.stdout, out.stderr);
    assert!(out.stdout.starts_with("selftest "), "{}", out.stdout);
    assert!(
        out.stdout.contains("│ models ┆ f32") && !out.stdout.contains("bf16"),
        "{}",
        out.stdout
    );
}

#[test]
fn a_plugin_without_models_disturbs_no_other_command() {
    let sandbox = Sandbox::new();
    let target = binary().parent().unwrap();
    let library = target.join("libkobench_plugin_selftest.so");
    let checked = sandbox.run(&["plugin", "check", library.to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    assert_eq!(sandbox.run(&["plugin", "list"]).code, 0);
    let models = sandbox.run(&["model", "list"]);
    assert_eq!(models.code, 0, "{}", models.stderr);
    assert!(!models.stdout.contains("selftest"), "{}", models.stdout);
}

#[test]
fn speed_is_measured_a_line_each() {
    let sandbox = Sandbox::new();
    let arguments = [
        "selftest",
        "--speed",
        "--shape",
        "tiny",
        "--rows",
        "24",
        "--repetitions",
        "2",
        "--lengths",
        "nsmc,40",
        "--format",
        "json",
    ];
    let out = sandbox.run(&arguments);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let lines: Vec<Value> = out.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 8, "two modes, two lengths, two precisions");
    for line in &lines {
        assert_valid("selftest-line", line);
        assert_eq!((&line["rows"], line["repetitions"].as_array().unwrap().len()), (&24.into(), 2));
        assert_eq!(line["optimizer"].is_null(), line["mode"] == "evaluate");
        if line["lengths"] == "40" {
            assert_eq!(line["tokens"], 960);
        }
    }
    let out = sandbox.run(&["selftest", "--speed", "--shape", "tini"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("did you mean `tiny`?"), "{}", out.stderr);
    let out = sandbox.run(&["selftest", "--speed", "--list"]);
    assert!(out.stdout.contains("gemma-2-9b"), "{}", out.stdout);
}
