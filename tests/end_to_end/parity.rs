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
