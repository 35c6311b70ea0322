//! The bundled model's logits against transformers', from the outside.

use kobench_tests::{Sandbox, workspace};
use serde_json::Value;
use std::path::Path;

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn logits(row: &Value) -> Vec<f64> {
    row["logits"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// All 2,000 rows of the sample; `tests/goldens/README.md` says how transformers' logits were made.
#[test]
fn the_bundled_models_logits_are_those_of_transformers() {
    let expected = rows(&workspace().join("tests/goldens/kcbert-demo.predictions.jsonl"));
    let sandbox = Sandbox::new();
    let run = sandbox.run_demo(&["--out", "run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let cell =
        std::fs::read_dir(sandbox.join("run/cells")).unwrap().flatten().next().unwrap().path();
    let ours = rows(&cell.join("predictions.jsonl"));
    assert_eq!((ours.len(), expected.len()), (2000, 2000));
    for (ours, expected) in ours.iter().zip(&expected) {
        for key in ["i", "id", "gold", "pred"] {
            assert_eq!(ours[key], expected[key], "row {}", ours["i"]);
        }
        for (a, b) in logits(ours).into_iter().zip(logits(expected)) {
            assert!((a - b).abs() <= 1e-4, "row {}: {a} and {b}", ours["i"]);
        }
    }
}

/// The predictions of one run of the demo.
fn predictions(sandbox: &Sandbox, out: &str, more: &[&str]) -> Option<String> {
    let run = sandbox.run_demo(&[&["--out", out], more].concat());
    if run.code != 0 {
        // The only thing that may be wrong: this machine does not have what was asked for.
        assert!(run.stderr.contains("this machine cannot multiply"), "{}", run.stderr);
        return None;
    }
    let cells = sandbox.join(&format!("{out}/cells"));
    let cell = std::fs::read_dir(cells).unwrap().flatten().next().unwrap().path();
    Some(std::fs::read_to_string(cell.join("predictions.jsonl")).unwrap())
}

/// Every logit is the same on the instruction sets that fuse, to the last digit that is written.
#[test]
fn what_multiplies_does_not_change_a_prediction() {
    let sandbox = Sandbox::new();
    let best = predictions(&sandbox, "best", &[]).unwrap();
    for isa in ["avx512", "avx2+fma", "neon"] {
        let option = format!("isa={isa}");
        match predictions(&sandbox, isa, &["--plugin-option", &option]) {
            Some(found) => assert!(found == best, "{isa} gives other logits"),
            None => eprintln!("skipped {isa}: this machine does not have it"),
        }
    }
}

/// In bf16, on whatever this machine multiplies bf16 with, at most one row in a thousand gets another class.
#[test]
fn bf16_gives_the_classes_of_f32() {
    let sandbox = Sandbox::new();
    let classes = |precision: &str| -> Vec<String> {
        let found = predictions(&sandbox, precision, &["--precision", precision]).unwrap();
        let pred = |line: &str| serde_json::from_str::<Value>(line).unwrap()["pred"].to_string();
        found.lines().map(pred).collect()
    };
    let (f32, bf16) = (classes("f32"), classes("bf16"));
    let differ = f32.iter().zip(&bf16).filter(|(a, b)| a != b).count();
    assert!(f32.len() == 2000 && differ <= 2, "{differ} rows have another class");
}
