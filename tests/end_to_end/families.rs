//! Every bundled family from a row's text to its logits, against transformers; and every bundled plugin through
//! the conformance suite. `tests/goldens/make_families.py` made the checkpoints.

use kobench_tests::{Sandbox, workspace};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest difference that passes, relative to the largest logit.
const TOLERANCE: f64 = 1e-4;

/// Name of a file in a checkpoint -> the goldens that make it, one behind the other.
type Files = BTreeMap<String, Vec<String>>;

fn goldens() -> PathBuf {
    workspace().join("tests/goldens")
}

fn families() -> BTreeMap<String, Files> {
    let text = std::fs::read(goldens().join("families/files.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The checkpoint's folder in the sandbox, with its tokeniser.
fn checkpoint(sandbox: &Sandbox, name: &str, files: &Files) -> PathBuf {
    let folder = format!("checkpoints/{name}");
    for file in ["config.json", "model.safetensors"] {
        let content = std::fs::read(goldens().join("families").join(name).join(file)).unwrap();
        sandbox.write(&format!("{folder}/{file}"), content);
    }
    for (file, parts) in files {
        let content: Vec<u8> =
            parts.iter().flat_map(|part| std::fs::read(goldens().join(part)).unwrap()).collect();
        sandbox.write(&format!("{folder}/{file}"), content);
    }
    sandbox.join(&folder)
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn logits(row: &Value) -> Vec<f64> {
    row["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn rows_come_out_as_in_transformers() {
    let families = families();
    assert!(families.len() >= 8);
    for (name, files) in &families {
        let sandbox = Sandbox::new();
        let folder = checkpoint(&sandbox, name, files);
        let run = sandbox.run(&[
            "run",
            "-m",
            name,
            "--checkpoint",
            folder.to_str().unwrap(),
            "-t",
            "nsmc,question_pair",
            "--split",
            "sample",
            "--limit",
            "50",
            "--max-seq-len",
            "48",
            "--out",
            "run",
        ]);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        let expected = json_lines(&goldens().join("families").join(name).join("logits.jsonl"));
        let largest =
            expected.iter().flat_map(logits).fold(0.0_f64, |largest, v| largest.max(v.abs()));
        let mut compared = 0;
        let mut worst = 0.0_f64;
        for cell in std::fs::read_dir(sandbox.join("run/cells")).unwrap() {
            let cell = cell.unwrap().path();
            let record: Value =
                serde_json::from_slice(&std::fs::read(cell.join("cell.json")).unwrap()).unwrap();
            let task = record["task"].as_str().unwrap();
            for row in json_lines(&cell.join("predictions.jsonl")) {
                let theirs = expected
                    .iter()
                    .find(|e| e["task"] == *task && e["i"] == row["i"])
                    .unwrap_or_else(|| panic!("{name}: no golden for {task} {}", row["i"]));
                for (a, b) in logits(&row).into_iter().zip(logits(theirs)) {
                    worst = worst.max((a - b).abs() / largest);
                }
                compared += 1;
            }
        }
        println!("{name}: {compared} rows, {worst:.1e}");
        assert_eq!(compared, 100, "{name}");
        assert!(worst <= TOLERANCE, "{name}: {worst:e}");
    }
}

#[test]
fn every_bundled_plugin_passes_the_conformance_suite() {
    let families = families();
    for (name, files) in &families {
        let plugin = match name.as_str() {
            "kcbert-base" => "kcbert",
            "koelectra-small-v3" => "koelectra",
            "kcelectra-base" => "kcelectra",
            "xlm-roberta-base" => "xlm_roberta",
            "mdeberta-v3-base" => "mdeberta",
            "gemma-2-2b" => "gemma2",
            other => other,
        };
        let sandbox = Sandbox::new();
        let folder = checkpoint(&sandbox, name, files);
        let library = kobench_tests::binary()
            .with_file_name(format!("libkobench_plugin_{plugin}.so"))
            .display()
            .to_string();
        let check = sandbox.run(&[
            "plugin",
            "check",
            &library,
            "--checkpoint",
            folder.to_str().unwrap(),
            "-m",
            name,
        ]);
        assert_eq!(check.code, 0, "{name}:\n{}{}", check.stdout, check.stderr);
    }
}
