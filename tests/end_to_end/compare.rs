//! Two runs side by side: verdicts, exit codes, and what each output says.

use std::path::{Path, PathBuf};

use kobench_tests::{Output, Sandbox, demo_checkpoint, finish, workspace};
use serde_json::Value;

/// A copy of kcbert-demo with one in `every` of its numbers turned round (its sign bit; they are of two bytes each).
fn disturbed(sandbox: &Sandbox, name: &str, every: usize) -> PathBuf {
    let folder = demo_checkpoint(&sandbox.join(name));
    let path = folder.join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let header = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let tensors: Value = serde_json::from_slice(&bytes[8..header]).unwrap();
    let of_two_bytes =
        |(name, tensor): (&String, &Value)| name == "__metadata__" || tensor["dtype"] == "F16";
    assert!(tensors.as_object().unwrap().iter().all(of_two_bytes));
    for number in (0..(bytes.len() - header) / 2).step_by(every) {
        bytes[header + 2 * number + 1] ^= 0x80;
    }
    std::fs::write(&path, bytes).unwrap();
    folder
}

/// A run of kcbert-demo on the sample of NSMC with these weights.
fn run(sandbox: &Sandbox, name: &str, checkpoint: &Path, more: &[&str]) -> String {
    let out = sandbox.join(name).to_str().unwrap().to_owned();
    let arguments = ["--checkpoint", checkpoint.to_str().unwrap(), "--out", &out, "--quiet"];
    let ran = sandbox.run_demo(&[&arguments[..], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    out
}

fn assert_valid(schema: &str, json: &Value) {
    let path = workspace().join(format!("harness/schemas/{schema}.schema.json"));
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

const CELL: &str = "kcbert-demo on nsmc/sample";

#[test]
fn a_tenth_of_the_weights_disturbed_fails_the_gate_everywhere() {
    let sandbox = Sandbox::new();
    let base = run(&sandbox, "base", &demo_checkpoint(&sandbox.join("weights")), &[]);
    let new = run(&sandbox, "new", &disturbed(&sandbox, "other", 10), &[]);
    let (junit, markdown, json) =
        (sandbox.join("out/junit.xml"), sandbox.join("out/it.md"), sandbox.join("out/it.json"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let arguments = [
        "compare",
        &base,
        &new,
        "--flips",
        "3",
        "--annotations",
        "always",
        "--junit",
        &path(&junit),
        "--markdown",
        &path(&markdown),
        "--json",
        &path(&json),
    ];
    let summary = sandbox.write("summary.md", "what was there\n");
    let out = finish(sandbox.command(&arguments).env("GITHUB_STEP_SUMMARY", &summary));
    assert_eq!(out.code, 1, "{}{}", out.stdout, out.stderr);
    assert!(out.stdout.contains("✗ regression") && out.stdout.contains(CELL), "{}", out.stdout);
    let last = out.stdout.lines().last().unwrap();
    assert_eq!(last, "1 regression: the gate fails", "{}", out.stdout);
    assert_eq!(out.stdout.matches("broken row").count(), 3, "{}", out.stdout);
    assert!(
        out.stderr
            .contains("::error title=kobench%3A kcbert-demo on nsmc/sample::accuracy became worse"),
        "{}",
        out.stderr
    );

    let markdown = std::fs::read_to_string(markdown).unwrap();
    assert!(
        markdown.contains("the gate fails")
            && markdown.contains(&format!("| ✗ regression | {CELL} | accuracy |")),
        "{markdown}"
    );
    assert_eq!(std::fs::read_to_string(summary).unwrap(), format!("what was there\n{markdown}\n"));
    let junit = std::fs::read_to_string(junit).unwrap();
    assert!(junit.contains(&format!("<testcase classname=\"{CELL}\" name=\"accuracy\" time=\"0\">\n      <failure type=\"regression\"")), "{junit}");
    assert!(junit.contains("tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\""), "{junit}");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_valid("comparison", &json);
    assert_eq!(json["verdict"], "regression");
    let cell = &json["cells"][0];
    assert_eq!((cell["label"].as_str(), cell["n"].as_u64()), (Some(CELL), Some(2000)));
    // What changed is said once, and where the rows have their texts they are shown.
    assert!(cell["differences"].as_array().unwrap().iter().any(|d| d["what"] == "weights"));
    let flips = cell["flips"]["rows"].as_array().unwrap();
    assert!(
        flips.iter().all(|flip| flip["text"].as_str().is_some_and(|text| !text.is_empty())),
        "{flips:?}"
    );
    // The p-value of a fall of many points is what the two sides' counts give, whatever the format.
    let accuracy = &cell["metrics"][0];
    assert_eq!(accuracy["metric"], "accuracy");
    assert!(accuracy["p_regression"].as_f64().unwrap() < 1e-6, "{accuracy}");
    let (broken, fixed) =
        (cell["flips"]["broken"].as_f64().unwrap(), cell["flips"]["fixed"].as_f64().unwrap());
    let difference = accuracy["difference"].as_f64().unwrap();
    assert!((difference - (fixed - broken) / 2000.0).abs() < 1e-12, "{cell}");
}

#[test]
fn a_run_against_itself_passes_in_every_format() {
    let sandbox = Sandbox::new();
    let run = run(&sandbox, "run", &demo_checkpoint(&sandbox.join("weights")), &[]);
    for format in ["terminal", "markdown", "json", "junit"] {
        for policy in ["default", "strict"] {
            let out = sandbox
                .run(&["compare", &run, &run, "--strict", "--policy", policy, "--format", format]);
            assert_eq!((out.code, out.stderr.as_str()), (0, ""), "{format}: {}", out.stdout);
            assert!(out.stdout.contains(CELL), "{}", out.stdout);
        }
    }
    let out = sandbox.run(&["compare", &run, &run]);
    assert!(out.stdout.ends_with("\n1 pass: the gate passes\n"), "{}", out.stdout);
    let github = ["compare", &run, &run];
    let out = finish(sandbox.command(&github).env("GITHUB_ACTIONS", "true"));
    assert_eq!((out.code, out.stderr.as_str()), (0, ""), "no annotation of a pass");
}

#[test]
fn too_few_rows_are_inconclusive_and_count_under_strict() {
    let sandbox = Sandbox::new();
    let few = ["--limit", "200"];
    let base = run(&sandbox, "base", &demo_checkpoint(&sandbox.join("weights")), &few);
    let new = run(&sandbox, "new", &disturbed(&sandbox, "other", 200), &few);
    let compare = |more: &[&str]| sandbox.run(&[&["compare", &base, &new][..], more].concat());
    let out = compare(&[]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(
        out.stdout.contains("? inconclusive") && out.stdout.contains("what would tell"),
        "{}",
        out.stdout
    );
    assert!(out.stdout.ends_with("\n1 inconclusive: the gate passes\n"), "{}", out.stdout);
    let out = compare(&["--strict"]);
    assert_eq!(out.code, 3, "{}", out.stdout);
    assert!(out.stdout.ends_with("\n1 inconclusive: the gate is inconclusive\n"), "{}", out.stdout);
    // A policy may make a failure of it.
    let out = compare(&["--policy", "strict"]);
    assert_eq!(out.code, 1, "{}", out.stdout);
}

#[test]
fn other_rows_are_refused_and_missing_cells_are_what_the_policy_says() {
    let sandbox = Sandbox::new();
    let weights = demo_checkpoint(&sandbox.join("weights"));
    let base = run(&sandbox, "base", &weights, &[]);
    let few = run(&sandbox, "few", &weights, &["--limit", "100"]);
    let out = sandbox.run(&["compare", &base, &few]);
    assert_eq!(out.code, 2, "{}", out.stdout);
    assert!(
        out.stdout.contains("cannot be compared:")
            && out.stdout.contains("limit all rows -> the first 100 rows"),
        "{}",
        out.stdout
    );
    assert!(out.stdout.ends_with("the gate cannot judge\n"), "{}", out.stdout);

    let policy = std::fs::read_to_string(workspace().join("tasks/policies/default.yaml")).unwrap();
    let judged = |name: &str, from: &str, to: &str| -> Output {
        assert!(policy.contains(from));
        let path = sandbox.write(name, policy.replace(from, to));
        sandbox.run(&["compare", &base, &base, "--policy", path.to_str().unwrap()])
    };
    let out = judged("required.yaml", "required: []", "required: [{task: korsts}]");
    assert_eq!(out.code, 1, "{}", out.stdout);
    assert!(
        out.stdout.contains("fails: * on korsts/*: required by the policy, and in neither side"),
        "{}",
        out.stdout
    );
    let out = judged("slip.yaml", "missing: warn", "mising: warn");
    assert_eq!((out.code, out.stdout.as_str()), (2, ""));
    assert!(
        out.stderr.contains("slip.yaml:") && out.stderr.contains("did you mean `missing`?"),
        "{}",
        out.stderr
    );

    let more = sandbox.join("more").to_str().unwrap().to_owned();
    for task in ["nsmc", "korsts"] {
        let arguments = [
            "run",
            "-m",
            "kcbert-demo",
            "-t",
            task,
            "--split",
            "sample",
            "--quiet",
            "--out",
            &more,
        ];
        assert_eq!(sandbox.run(&arguments).code, 0);
    }
    let out = sandbox.run(&["compare", &more, &base]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(
        out.stdout.contains("only in the base:\n  - kcbert-demo on korsts/sample"),
        "{}",
        out.stdout
    );
    let out = sandbox.run(&["compare", &more, &base, "--policy", "strict"]);
    assert_eq!(out.code, 1, "{}", out.stdout);
    assert!(
        out.stdout.contains("fails: kcbert-demo on korsts/sample: missing in the new run"),
        "{}",
        out.stdout
    );
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_half_written() {
    let sandbox = Sandbox::new();
    let run = run(&sandbox, "run", &demo_checkpoint(&sandbox.join("weights")), &[]);
    sandbox.write("empty/file", "");
    let empty = sandbox.join("empty").to_str().unwrap().to_owned();
    for (arguments, message, hint) in [
        (
            vec!["compare", &run, &run, "--policy", "strikt"],
            "there is no policy `strikt`",
            "did you mean `strict`?",
        ),
        (vec!["compare", "mian", &run], "there is no baseline `mian`", "`kobench baseline list`"),
        (
            vec!["compare", &empty, &run],
            "is neither a run directory nor a baseline",
            "`kobench run --out DIR`",
        ),
        (
            vec!["compare", &run, &empty],
            "is neither a run directory nor a baseline",
            "`kobench run --out DIR`",
        ),
    ] {
        let out = sandbox.run(&arguments);
        assert_eq!((out.code, out.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(out.stderr.contains(message) && out.stderr.contains(hint), "{}", out.stderr);
    }
    // The verdict is not lost where a file cannot be written.
    let inside_a_file = sandbox.join("empty/file/junit.xml").to_str().unwrap().to_owned();
    let out = sandbox.run(&["compare", &run, &run, "--junit", &inside_a_file]);
    assert_eq!(out.code, 2, "{}", out.stderr);
    assert!(out.stdout.ends_with("the gate passes\n"), "{}", out.stdout);
    assert!(
        out.stderr.contains("error: cannot write ") && out.stderr.contains("hint: "),
        "{}",
        out.stderr
    );
    // Predictions that were edited are no evidence.
    let cells = std::fs::read_dir(Path::new(&run).join("cells")).unwrap();
    let cell = cells
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("cell.json").is_file())
        .unwrap();
    let predictions = cell.join("predictions.jsonl");
    let text = std::fs::read_to_string(&predictions).unwrap();
    std::fs::write(&predictions, text.replacen("\"pred\":\"1\"", "\"pred\":\"0\"", 1)).unwrap();
    let out = sandbox.run(&["compare", &run, &run]);
    assert_eq!((out.code, out.stdout.as_str()), (2, ""));
    assert!(out.stderr.contains("does not match its record"), "{}", out.stderr);
}

#[test]
fn policies_are_listed_shown_and_checked() {
    let sandbox = Sandbox::new();
    let list = sandbox.run(&["policy", "list"]);
    assert!(
        list.code == 0 && list.stdout.contains("default") && list.stdout.contains("strict"),
        "{}",
        list.stdout
    );
    let shown = sandbox.run(&["policy", "show", "strict"]);
    let file = sandbox.write("mine.yaml", &shown.stdout);
    let checked = sandbox.run(&["policy", "check", file.to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    sandbox.write("mine.yaml", shown.stdout.replace("confidence: 0.95", "confidence: 95"));
    let checked = sandbox.run(&["policy", "check", "mine.yaml"]);
    assert_eq!((checked.code, checked.stdout.as_str()), (2, ""));
    assert!(
        checked
            .stderr
            .contains("mine.yaml:5: confidence is a number above 0.5 and below 1, not 95"),
        "{}",
        checked.stderr
    );
    assert_valid(
        "policy",
        &serde_json::json!({"name": "a", "title": "", "cells": [{"tier": "critical"}], "tiers": {
        "critical": {"margins": [{"points": 1, "nats": 0.1}]}, "supporting": {"margins": [{"relative": 1}]},
        "advisory": {"margins": [{"relative": 1}]}}}),
    );
    let schema: Value = serde_json::from_str(&sandbox.run(&["policy", "schema"]).stdout).unwrap();
    assert_eq!(schema["title"], "A policy of comparisons");
}
