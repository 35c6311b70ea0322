//! The bundled model's logits against transformers', from the process's outside.

use kobench_tests::Sandbox;
use serde_json::Value;

/// `tests/goldens/kcbert-demo.json`: logits of transformers for the first sample rows (made by
/// `tests/goldens/make_demo_logits.py`).
#[test]
fn the_bundled_models_logits_are_those_of_transformers() {
    let golden = kobench_tests::workspace().join("tests/goldens/kcbert-demo.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let expected = golden["rows"].as_array().unwrap();
    let sandbox = Sandbox::new();
    let out = sandbox.join("run");
    let limit = expected.len().to_string();
    let run = sandbox.run(&[
        "run", "-m", "kcbert-demo", "-t", "nsmc", "--split", "sample", "--limit", &limit, "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let cell = std::fs::read_dir(out.join("cells")).unwrap().flatten().next().unwrap().path();
    let rows = std::fs::read_to_string(cell.join("predictions.jsonl")).unwrap();
    assert_eq!(rows.lines().count(), expected.len());
    for (line, expected) in rows.lines().zip(expected) {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["id"], expected["id"]);
        let logits = |v: &Value| v["logits"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
        for (ours, theirs) in logits(&row).into_iter().zip(logits(expected)) {
            assert!((ours - theirs).abs() <= 1e-4, "row {}: {ours} and {theirs}", row["id"]);
        }
    }
}
