//! What users get wrong: each gives one error that says what, where and what to do.

use kobench_tests::{Sandbox, demo_checkpoint};
use std::path::Path;
use std::process::Stdio;

/// Runs a command that must be refused as wrong usage or broken input, and gives back its message.
fn refused(sandbox: &Sandbox, arguments: &[&str], expected: &[&str]) -> String {
    let run = sandbox.run(arguments);
    assert_eq!(run.code, 2, "{arguments:?}: {}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "", "{arguments:?}");
    let errors = run.stderr.lines().filter(|l| l.starts_with("error")).count();
    assert_eq!(errors, 1, "{arguments:?}: {}", run.stderr);
    for text in expected {
        assert!(run.stderr.contains(text), "{arguments:?}: no `{text}` in: {}", run.stderr);
    }
    run.stderr
}

const RUN: [&str; 5] = ["run", "-m", "kcbert-demo", "-t", "nsmc"];

#[test]
fn names_that_do_not_exist_get_a_suggestion() {
    let sandbox = Sandbox::new();
    let run = |m, t| ["run", "-m", m, "-t", t, "--split", "sample"];
    refused(&sandbox, &run("kcbert-dmeo", "nsmc"), &["kcbert-dmeo", "did you mean `kcbert-demo`"]);
    refused(&sandbox, &run("kcbert-demo", "nsmcc"), &["nsmcc", "nsmc"]);
    refused(&sandbox, &[&RUN[..], &["--split", "tset"]].concat(), &["tset", "test"]);
    refused(&sandbox, &["run", "--suite", "dmeo"], &["dmeo", "demo"]);
    refused(&sandbox, &["run", "-m", "kcbert-demo"], &["--task"]);
}

#[test]
fn data_that_is_not_there_says_where_it_was_looked_for() {
    let sandbox = Sandbox::new();
    refused(&sandbox, &RUN, &["ratings_test.txt", "--data-dir", "--split sample"]);
    refused(&sandbox, &[&RUN[..], &["--data-dir", "nowhere"]].concat(), &["nowhere", "hint:"]);
}

#[test]
fn weights_that_are_not_there_say_where_they_are_published() {
    let sandbox = Sandbox::new();
    let run = ["run", "-m", "kcbert-base", "-t", "nsmc", "--split", "sample"];
    refused(&sandbox, &run, &["kcbert-base", "beomi/kcbert-base", "--checkpoint"]);
    refused(
        &sandbox,
        &[&run[..], &["--checkpoint", "nowhere"]].concat(),
        &["nowhere", "no such directory"],
    );
    refused(
        &sandbox,
        &[&run[..], &["--checkpoint", "hf:no/such"]].concat(),
        &["no/such", "kobench model fetch hf:no/such"],
    );
    sandbox.write("empty/readme", "");
    refused(&sandbox, &[&run[..], &["--checkpoint", "empty"]].concat(), &["config.json"]);
}

#[test]
fn devices_and_precisions_that_a_plugin_lacks_are_refused_before_the_run() {
    let sandbox = Sandbox::new();
    let sample = [&RUN[..], &["--split", "sample"]].concat();
    refused(&sandbox, &[&sample[..], &["--device", "cuda:0"]].concat(), &["cuda", "cpu"]);
    refused(&sandbox, &[&sample[..], &["--precision", "f16"]].concat(), &["f16", "f32", "bf16"]);
    refused(&sandbox, &[&sample[..], &["--device", "tpu"]].concat(), &["tpu"]);
}

/// A data folder whose test file has these lines.
fn data(sandbox: &Sandbox, lines: &[&str]) {
    sandbox.write("data/nsmc/ratings_test.txt", lines.join("\n") + "\n");
}

#[test]
fn rows_that_cannot_be_read_are_named_by_file_and_line() {
    let sandbox = Sandbox::new();
    let run = [&RUN[..], &["--data-dir", "data", "--allow-unverified"]].concat();
    data(&sandbox, &["id\tdocument\tlabel", "1\t좋다\t1", "2\t라벨이 없는 줄"]);
    refused(&sandbox, &run, &["ratings_test.txt:3", "label"]);
    data(&sandbox, &["id\tdocument\tlabel", "1\t좋다\t1", "2\t셋\t3"]);
    refused(&sandbox, &run, &["ratings_test.txt:3", "3", "0", "1"]);
    std::fs::write(
        sandbox.join("data/nsmc/ratings_test.txt"),
        b"id\tdocument\tlabel\n1\t\xff\xfe\t1\n",
    )
    .unwrap();
    refused(&sandbox, &run, &["ratings_test.txt", "UTF-8"]);
    data(&sandbox, &["id\tdocument\tlabel", "1\t좋다\t1"]);
    refused(&sandbox, &run[..run.len() - 1], &["ratings_test.txt", "--allow-unverified"]);
    let allowed = sandbox.run(&[&run[..], &["--out", "out"]].concat());
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
}

#[test]
fn a_task_file_with_a_misspelt_key_is_named_by_line_and_column() {
    let sandbox = Sandbox::new();
    let original =
        std::fs::read_to_string(kobench_tests::workspace().join("tasks/nsmc.yaml")).unwrap();
    let at = original.lines().position(|l| l.starts_with("labels:")).unwrap() + 1;
    let renamed = original.replacen("name: nsmc", "name: mine", 1);
    sandbox.write("mine.yaml", renamed.replacen("labels:", "lables:", 1));
    let place = format!("mine.yaml:{at}");
    refused(
        &sandbox,
        &["run", "-m", "kcbert-demo", "-t", "./mine.yaml"],
        &["lables", &place, "`labels`"],
    );
    let wrong = sandbox.run(&["task", "check", "./mine.yaml"]);
    assert_eq!(wrong.code, 1, "what a check finds is a verdict");
    assert!(wrong.stdout.contains(&place), "{}", wrong.stdout);
    sandbox.write("mine.yaml", renamed);
    let checked = sandbox.run(&["task", "check", "mine.yaml"]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
}

/// The message of a cell that failed for its checkpoint; the run ends with 1, and no worker dies.
fn failed_cell(sandbox: &Sandbox, expected: &[&str]) {
    let run =
        [&RUN[..], &["--split", "sample", "--limit", "20", "--out", "out", "--checkpoint", "ckpt"]]
            .concat();
    let run = sandbox.run(&run);
    assert_eq!(run.code, 1, "{}", run.stderr);
    for text in expected {
        assert!(run.stderr.contains(text), "no `{text}` in: {}", run.stderr);
    }
    assert!(!run.stderr.contains("crashed"), "{}", run.stderr);
}

#[test]
fn checkpoints_that_are_broken_are_named_by_file_and_tensor() {
    let sandbox = Sandbox::new();
    demo_checkpoint(&sandbox.join("ckpt"));
    let whole = sandbox.run(
        &[
            &RUN[..],
            &["--split", "sample", "--limit", "20", "--out", "whole", "--checkpoint", "ckpt"],
        ]
        .concat(),
    );
    assert_eq!(whole.code, 0, "{}", whole.stderr);

    let weights = sandbox.join("ckpt/model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    failed_cell(&sandbox, &["model.safetensors"]);
    std::fs::write(&weights, "not weights at all").unwrap();
    failed_cell(&sandbox, &["model.safetensors"]);
    std::fs::write(&weights, &bytes).unwrap();

    let config = sandbox.join("ckpt/config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut wider = json.clone();
    wider["intermediate_size"] = (json["intermediate_size"].as_u64().unwrap() * 2).into();
    std::fs::write(&config, wider.to_string()).unwrap();
    failed_cell(&sandbox, &["intermediate", "config.json"]);
    let mut deeper = json.clone();
    deeper["num_hidden_layers"] = (json["num_hidden_layers"].as_u64().unwrap() + 1).into();
    std::fs::write(&config, deeper.to_string()).unwrap();
    failed_cell(&sandbox, &["missing", "config.json"]);
    std::fs::write(&config, "{").unwrap();
    failed_cell(&sandbox, &["config.json"]);
    std::fs::write(&config, text).unwrap();

    std::fs::remove_file(sandbox.join("ckpt/vocab.txt")).unwrap();
    failed_cell(&sandbox, &["vocab.txt"]);
}

#[test]
fn predictions_that_do_not_fit_the_data_are_refused() {
    let sandbox = Sandbox::new();
    let score = |file: &Path| {
        let file = file.to_str().unwrap().to_string();
        ["score", "-t", "nsmc", "--split", "sample", "--predictions", &file]
            .map(ToString::to_string)
    };
    let check = |name: &str, content: &str, expected: &[&str]| {
        let file = sandbox.write(name, content);
        let arguments = score(&file);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refused(&sandbox, &arguments, expected);
    };
    check("few.txt", "1\n0\n", &["few.txt", "2000"]);
    check("bad.jsonl", "{\"i\": 0, \"pred\": \"1\"\n", &["bad.jsonl", "1"]);
    refused(
        &sandbox,
        &["score", "-t", "nsmc", "--split", "sample", "--predictions", "nowhere"],
        &["nowhere"],
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = Sandbox::new();
    for arguments in
        [&["plugin", "list"][..], &["plugin", "list", "--format", "json"], &["task", "list"]]
    {
        let mut child = sandbox
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // As `| head -0` does.
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{arguments:?}");
        assert_eq!(out.status.code(), Some(0), "{arguments:?}");
    }
}
