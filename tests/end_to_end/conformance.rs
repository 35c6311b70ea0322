//! `kobench plugin check`: plugins that keep the rules pass, and every check finds the fault that it is for.

use kobench_tests::{
    Sandbox, binary, c_plugin, demo_checkpoint, faulty_plugins, rules_plugin, target_folder,
    trainer_plugin,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

/// The findings of a check of a library: the verdict of each id and model.
fn verdicts(report: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let findings = report["plugins"][0]["findings"].as_array().unwrap();
    findings.iter().map(|f| (text(&f["id"]), text(&f["verdict"]))).collect()
}

fn bad(report: &Value) -> BTreeSet<String> {
    verdicts(report).into_iter().filter(|(_, verdict)| verdict == "bad").map(|(id, _)| id).collect()
}

fn all_ids(sandbox: &Sandbox) -> Vec<String> {
    let listed = sandbox.json(&["plugin", "check", "--list", "--format", "json"]);
    let checks = listed["checks"].as_array().unwrap();
    checks.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect()
}

/// Runs the checks with a fault; the report, whatever the exit code.
fn check(sandbox: &Sandbox, library: &Path, fault: &str, more: &[&str]) -> Value {
    let mut command = sandbox.command(&["plugin", "check", "--format", "json"]);
    command.arg(library).args(more).env("FAULT", fault);
    let out = kobench_tests::finish(&mut command);
    let report: Value = serde_json::from_str(&out.stdout)
        .unwrap_or_else(|e| panic!("{fault}: {e}: {} {}", out.stdout, out.stderr));
    assert_eq!(out.code, i32::from(!bad(&report).is_empty()), "{fault}: {}", out.stderr);
    report
}

#[test]
fn plugins_that_keep_the_rules_pass_every_check_that_they_can_have() {
    let sandbox = Sandbox::new();
    let (faulty_trainer, faulty) = faulty_plugins(sandbox.path());
    let ids = all_ids(&sandbox);
    let mut passed: BTreeSet<String> = BTreeSet::new();
    let good = [
        c_plugin(sandbox.path()),
        rules_plugin(sandbox.path()),
        trainer_plugin(sandbox.path()),
        faulty_trainer,
        faulty,
    ];
    for library in good {
        let report = check(&sandbox, &library, "", &[]);
        let found = verdicts(&report);
        assert_eq!(bad(&report), BTreeSet::new(), "{report:#}");
        assert_eq!(
            found.iter().map(|(id, _)| id).collect::<Vec<_>>(),
            ids.iter().collect::<Vec<_>>()
        );
        passed.extend(found.into_iter().filter(|(_, v)| v == "ok").map(|(id, _)| id));
    }
    let nowhere: Vec<&String> = ids.iter().filter(|id| !passed.contains(*id)).collect();
    // Neither plugin in C can be cancelled or tells of itself; the bundled plugin can.
    assert_eq!(nowhere, ["abi.cancel", "model.stats"]);
}

#[test]
fn the_bundled_plugin_passes() {
    let sandbox = Sandbox::new();
    binary();
    let library = target_folder().join("libkobench_plugin_kcbert.so");
    let report = check(&sandbox, &library, "", &["-m", "kcbert-demo"]);
    assert_eq!(bad(&report), BTreeSet::new(), "{report:#}");
    let found: BTreeMap<String, String> = verdicts(&report).into_iter().collect();
    for id in
        ["abi.cancel", "model.stats", "model.batch", "tokenizer.windows", "errors.config-not-json"]
    {
        assert_eq!(found[id], "ok", "{report:#}");
    }
    // The bundled weights cannot be cut off, but what the plugin saves can.
    assert_eq!(found["errors.truncated-weights"], "ok");
    let training: Vec<&str> = found
        .iter()
        .filter(|(id, _)| id.starts_with("training."))
        .map(|(_, v)| v.as_str())
        .collect();
    assert_eq!(training, ["ok"; 10]);
}

/// Each check finds its own fault, and no other check does.
#[test]
fn every_check_can_fail() {
    let sandbox = Sandbox::new();
    let (trainer, rules) = faulty_plugins(sandbox.path());
    let waiting = Mutex::new(all_ids(&sandbox));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(id) = waiting.lock().unwrap().pop() else { return };
                    let trains = id.starts_with("training.") || id.starts_with("errors.");
                    let report = check(&sandbox, if trains { &trainer } else { &rules }, &id, &[]);
                    let found = bad(&report);
                    if found != BTreeSet::from([id.clone()]) {
                        wrong.lock().unwrap().push((id, found));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "faults, and the checks that found them: {wrong:#?}");
}

#[test]
fn a_crash_and_a_hang_are_findings_of_the_check_in_flight() {
    let sandbox = Sandbox::new();
    let (_, library) = faulty_plugins(sandbox.path());
    for (fault, more, says) in [
        ("crash", &[][..], "crashed: SIGABRT in model.finite; it printed: about to crash"),
        ("hang", &["--hang-limit", "10"][..], "hung: no progress for 10 s in model.finite"),
    ] {
        let report = check(&sandbox, &library, fault, more);
        assert_eq!(bad(&report), BTreeSet::from(["model.finite".to_owned()]), "{report:#}");
        let findings = report["plugins"][0]["findings"].as_array().unwrap();
        let finding = findings.iter().find(|f| f["id"] == "model.finite").unwrap();
        assert_eq!(finding["detail"], says);
        assert!(finding["hint"].as_str().unwrap().contains("empty text"), "{finding}");
        // The others went on, in another process.
        assert_eq!(verdicts(&report).len(), all_ids(&sandbox).len());
    }
}

#[test]
fn what_was_seen_what_was_expected_and_what_to_do_are_said() {
    let sandbox = Sandbox::new();
    let (_, library) = faulty_plugins(sandbox.path());
    let arguments = ["plugin", "check", "--only", "abi.encode-nothing", "--only", "describe"];
    let mut command = sandbox.command(&arguments);
    let out = kobench_tests::finish(command.arg(&library).env("FAULT", "abi.encode-nothing"));
    assert_eq!(out.code, 1, "{}", out.stderr);
    for line in [
        "ok      describe.loads: faulty 1.0.0",
        "BAD     abi.encode-nothing: tokenizer_encode: no examples (invalid argument)",
        "expected: `tokenizer_encode` succeeds",
        "what to do: accept n = 0",
        "4 ok, 0 skipped, 1 bad",
    ] {
        assert!(out.stdout.contains(line), "{line}: {}", out.stdout);
    }
    assert!(!out.stdout.contains("model."), "{}", out.stdout);

    let out = sandbox.run(&["plugin", "check", "--only", "abi.encode-nothin"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("did you mean `abi.encode-nothing`?"), "{}", out.stderr);
}

/// Weights that are cut off, with a checkpoint of the bundled plugin's architecture.
#[test]
fn broken_checkpoints_are_made_of_the_one_that_is_named() {
    let sandbox = Sandbox::new();
    binary();
    let demo = demo_checkpoint(&sandbox.join("demo"));
    let library = target_folder().join("libkobench_plugin_kcbert.so");
    let more = ["-m", "kcbert-base", "--only", "errors", "--checkpoint", demo.to_str().unwrap()];
    let report = check(&sandbox, &library, "", &more);
    let all: Vec<(String, String)> = verdicts(&report);
    assert!(all.len() == 5 && all.iter().all(|(_, v)| v == "ok"), "{report:#}");
}
