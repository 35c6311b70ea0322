//! Plugins that misbehave cost their own cell, are named as what they did, and stop nothing else.

use kobench_tests::{Output, Sandbox, bad_plugin, c_plugin, cells};
use serde_json::Value;
use std::path::PathBuf;

const SAMPLE: [&str; 4] = ["-t", "nsmc", "--split", "sample"];

/// Runs a bad plugin's model, and after it the good one, in one run.
fn run_bad_then_good(how: &str, more: &[&str]) -> (Output, Value, Value) {
    let sandbox = Sandbox::new();
    let bad = bad_plugin(sandbox.path(), how);
    c_plugin(sandbox.path());
    let model = format!("bad_{}", how.to_lowercase());
    let models = format!("{model},lexicon");
    let out = sandbox.join("run");
    let folder = bad.parent().unwrap().to_str().unwrap();
    let mut arguments =
        vec!["run", "-m", &models, "--limit", "50", "--plugin-dir", folder, "--out"];
    arguments.push(out.to_str().unwrap());
    arguments.extend(SAMPLE);
    arguments.extend(more);
    let output = sandbox.run(&arguments);
    let mut cells = cells(&out);
    let temporary = leftovers(&out);
    assert!(temporary.is_empty(), "{temporary:?}");
    let mut take =
        |name: &str| cells.remove(name).unwrap_or_else(|| panic!("{name}: {}", output.stderr));
    let (bad, good) = (take(&model), take("lexicon"));
    (output, bad, good)
}

/// What is in a run's folder that is neither a record nor a cell.
fn leftovers(run: &std::path::Path) -> Vec<PathBuf> {
    let entries = |p: &std::path::Path| {
        std::fs::read_dir(p).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>()
    };
    let odd = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().starts_with(['.']);
    entries(run)
        .into_iter()
        .chain(entries(&run.join("cells")))
        .filter(odd)
        .filter(|p| !p.ends_with(".lock"))
        .collect()
}

/// The bad cell failed as named, in the record and in the table; the good one is done; the exit code is 1.
fn costs_its_cell_alone(how: &str, more: &[&str], label: &str, stage: Option<&str>) -> Value {
    let (output, bad, good) = run_bad_then_good(how, more);
    assert_eq!(output.code, 1, "{}", output.stderr);
    assert_eq!(bad["status"], "failed", "{bad}");
    assert_eq!(bad["cause"]["stage"].as_str(), stage, "{bad}");
    assert!(output.stdout.contains(label), "no `{label}` in the table:\n{}", output.stdout);
    assert!(output.stderr.contains(label.split(": ").last().unwrap()), "{}", output.stderr);
    assert_eq!((good["status"].as_str(), good["n"].as_u64()), (Some("done"), Some(50)), "{good}");
    bad
}

#[test]
fn a_segfault_is_named_with_its_signal_and_the_last_words() {
    let bad = costs_its_cell_alone("SEGFAULT", &[], "crashed: SIGSEGV", Some("forward"));
    assert_eq!(bad["cause"]["signal"], "SIGSEGV");
    assert_eq!(bad["plugin_output"], "about to write to nowhere");
}

#[test]
fn an_abort_is_named() {
    costs_its_cell_alone("ABORT", &[], "crashed: SIGABRT", Some("forward"));
}

#[test]
fn an_exit_is_named_with_its_status_also_when_that_is_zero() {
    let bad = costs_its_cell_alone("EXIT", &[], "exited: code 7", Some("forward"));
    assert_eq!(bad["cause"]["code"], 7);
    costs_its_cell_alone("EXIT_ZERO", &[], "exited: code 0", Some("forward"));
}

#[test]
fn a_kill_from_outside_is_named() {
    costs_its_cell_alone("KILL", &[], "killed: SIGKILL", Some("forward"));
}

#[test]
fn a_hang_ends_at_its_limit() {
    let bad = costs_its_cell_alone("HANG", &["--hang-limit", "1"], "hung", Some("forward"));
    assert_eq!(bad["cause"]["limit_seconds"], 1.0);
}

#[test]
fn a_plugin_that_closes_the_socket_and_stays_is_ended() {
    costs_its_cell_alone("CLOSE", &["--hang-limit", "2"], "worker", Some("forward"));
}

#[test]
fn an_error_keeps_the_plugins_words() {
    let bad = costs_its_cell_alone("ERROR", &[], "error", Some("forward"));
    assert!(
        bad["cause"]["detail"].as_str().unwrap().contains("the moon is in the wrong quarter"),
        "{bad}"
    );
}

#[test]
fn wrong_shapes_and_nan_are_errors_not_numbers() {
    let bad = costs_its_cell_alone("ROWS", &[], "error", Some("forward"));
    assert!(bad["cause"]["detail"].as_str().unwrap().contains("logits"), "{bad}");
    let bad = costs_its_cell_alone("NAN", &[], "error", Some("forward"));
    assert!(bad["cause"]["detail"].as_str().unwrap().contains("not a finite number"), "{bad}");
}

#[test]
fn printing_to_standard_output_disturbs_nothing_and_is_noted() {
    let (output, bad, good) = run_bad_then_good("STDOUT", &[]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(!output.stdout.contains("printed to standard output"), "{}", output.stdout);
    assert!(output.stderr.contains("printed to standard output"), "{}", output.stderr);
    assert_eq!(bad["plugin_output"], "printed to standard output");
    assert_eq!(bad["metrics"]["accuracy"]["value"], good["metrics"]["accuracy"]["value"]);
}

/// What `plugin list` and `run` say about a library that cannot be used; returns the listing.
fn refused(library: PathBuf, expected: &str, hint: &str) {
    let sandbox = Sandbox::new();
    let good = c_plugin(sandbox.path());
    let (library, good) = (library.to_str().unwrap(), good.to_str().unwrap());
    let places = ["--plugin-dir", library, "--plugin-dir", good];
    let listed = sandbox.run(&[&["plugin", "list", "--format", "json"][..], &places].concat());
    assert_eq!(listed.code, 1, "{}", listed.stderr);
    let plugins: Value = serde_json::from_str(&listed.stdout).unwrap();
    let find = |path: &str| {
        let all = plugins["plugins"].as_array().unwrap();
        all.iter()
            .find(|p| p["path"] == path)
            .unwrap_or_else(|| panic!("{path}: {}", listed.stdout))
            .clone()
    };
    let broken = find(library);
    assert_eq!(broken["status"], "broken");
    assert!(broken["reason"].as_str().unwrap().contains(expected), "{broken}");
    assert!(broken["hint"].as_str().unwrap_or_default().contains(hint), "{broken}");
    assert_eq!(find(good)["status"], "ok", "one bad library breaks no other");

    let checked = sandbox.run(&["plugin", "check", library]);
    assert_eq!(checked.code, 1);
    assert!(checked.stdout.contains(expected), "{}", checked.stdout);
}

#[test]
fn libraries_that_are_none_say_so() {
    let sandbox = Sandbox::new();
    let text = sandbox.write("libkobench_plugin_text.so", "this is text\n");
    refused(text, "not a loadable library", "a plugin is a shared library");
    refused(
        bad_plugin(sandbox.path(), "NO_SYMBOL"),
        "does not export `kobench_plugin_entry_v1`",
        "kobench_plugin.h",
    );
}

#[test]
fn versions_that_do_not_meet_name_both_and_the_side_to_rebuild() {
    let sandbox = Sandbox::new();
    let newer = "the plugin is newer: update kobench";
    let major = "speaks version 2 of the plugin interface, this kobench speaks version 1";
    refused(bad_plugin(sandbox.path(), "NEWER_MAJOR"), major, newer);
    let minor = "speaks version 1.9 of the plugin interface and needs a host of 1.9 or newer; this kobench speaks 1.1";
    refused(bad_plugin(sandbox.path(), "NEWER_MINOR"), minor, newer);
}

#[test]
fn a_newer_minor_that_accepts_this_host_is_welcome() {
    let sandbox = Sandbox::new();
    let library = bad_plugin(sandbox.path(), "NEWER_MINOR_TOLERANT");
    // It is no model of a plugin otherwise: its entry point believes every host.
    let library = library.to_str().unwrap();
    let checked =
        sandbox.run(&["plugin", "check", library, "--only", "tokenizer", "--only", "model"]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
}

#[test]
fn entry_points_and_descriptions_that_fail_are_named() {
    let sandbox = Sandbox::new();
    refused(
        bad_plugin(sandbox.path(), "NULL_CALL"),
        "required calls are NULL: model_forward",
        "defect of the plugin",
    );
    refused(
        bad_plugin(sandbox.path(), "ENTRY_ERROR"),
        "the entry point answered with internal error",
        "defect",
    );
    refused(bad_plugin(sandbox.path(), "DESCRIBE_GARBAGE"), "description is not valid", "defect");
    refused(bad_plugin(sandbox.path(), "DESCRIBE_SEGFAULT"), "crashed: SIGSEGV in describe", "");
    refused(bad_plugin(sandbox.path(), "LOAD"), "crashed: SIGSEGV in load", "");
}
