//! What a check finds.

use std::fs;

use serde_json::Value;

use super::*;

/// A schema, compiled.
pub(in crate::cli::task) fn validator(text: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("the schema is a schema");
    jsonschema::validator_for(&schema).expect("the schema compiles")
}

fn run(names: &[&str], data_dir: &Path, format: TextFormat, width: Option<u16>) -> (bool, String) {
    let args = CheckArgs {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        all: false,
        model: None,
        checkpoint: None,
        max_seq_len: None,
        plugins: Default::default(),
        format,
        data: DataArgs { data_dir: Some(data_dir.to_owned()) },
        tasks: TaskArgs::default(),
    };
    let mut out = Vec::new();
    let look = Look { width, colour: false };
    let verdict = check(&args, &look, &mut out, &mut Vec::new()).expect("checked");
    (verdict, String::from_utf8(out).expect("text"))
}

fn checked(names: &[&str], data_dir: &Path) -> (bool, String) {
    run(names, data_dir, TextFormat::Terminal, None)
}

fn json(names: &[&str], data_dir: &Path) -> (bool, Value) {
    let (verdict, text) = run(names, data_dir, TextFormat::Json, None);
    let json = serde_json::from_str(&text).expect("JSON");
    let schema = validator(include_str!("../../../schemas/task-check.schema.json"));
    let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {text}");
    (verdict, json)
}

#[test]
fn what_is_here_is_checked_and_what_is_not_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (verdict, text) = checked(&["nsmc"], folder.path());
    assert!(verdict, "{text}");
    for needle in [
        "nsmc version 1, sequence_classification, built-in: valid",
        "  sample: 2,000 rows, SHA-256 as named (bundled:",
        "    labels: 0 negative 969 (48.45%), 1 positive 1,031 (51.55%)",
        "  test: not here, 50,000 rows (reported); looked at ",
    ] {
        assert!(text.contains(needle), "{needle}\n{text}");
    }
    fs::create_dir(folder.path().join("nsmc")).expect("made");
    let file = folder.path().join("nsmc/ratings_test.txt");
    fs::write(&file, "id\tdocument\tlabel\n1\ta\n").expect("written");
    let (verdict, text) = checked(&["nsmc"], folder.path());
    assert!(!verdict && text.contains("    WRONG: ") && text.contains(":2: no label"), "{text}");
    let (verdict, found) = json(&["nsmc"], folder.path());
    let test = &found["tasks"][0]["splits"][1];
    assert!(!verdict && found["ok"] == false, "{found}");
    assert_eq!((&test["state"], &test["audit"]), (&"wrong".into(), &Value::Null));
}

#[test]
fn another_file_is_wrong_and_looked_at_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("nsmc")).expect("made");
    let rows = "id\tdocument\tlabel\n1\t가\t0\n2\t가\t1\n3\t나다\t0\n4\t나다\t0\n5\t\t1\n6\t\t0\n";
    fs::write(folder.path().join("nsmc/ratings_test.txt"), rows).expect("written");
    fs::write(folder.path().join("nsmc/ratings_train.txt"), "id\tdocument\tlabel\n1\t가\t1\n")
        .expect("written");
    let (verdict, found) = json(&["nsmc"], folder.path());
    assert!(!verdict);
    let task = &found["tasks"][0];
    let test = &task["splits"][1];
    assert_eq!(test["state"], "wrong");
    assert!(test["problem"]["message"].as_str().is_some_and(|text| text.contains("SHA-256")));
    let audit = &test["audit"];
    // Of the four rows with a text, two repeat another; `가` has both labels, `나다` one.
    for (key, expected) in
        [("rows", 6), ("empty_texts", 2), ("repeated_texts", 2), ("contradictions", 1)]
    {
        assert_eq!(audit[key], expected, "{key}: {audit}");
    }
    assert_eq!(audit["characters"], serde_json::json!({"total": 6, "median": 1, "max": 2}));
    assert_eq!(audit["gold"]["labels"][0]["count"], 4);
    let overlap = (task["overlaps"].as_array().expect("a list").iter())
        .find(|overlap| overlap["split"] == "train" && overlap["with"] == "test");
    assert_eq!(overlap.expect("is there")["shared"], 1, "{task}");
    let (_, text) = checked(&["nsmc"], folder.path());
    assert!(text.contains("1 stand with different golds"), "{text}");
    assert!(text.contains("1 rows of train (100.00%) have a text of test"), "{text}");
}

#[test]
fn a_wrong_task_file_is_a_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t.yaml");
    fs::write(&file, "name: a\nversoin: 1\n").expect("written");
    let name = file.display().to_string();
    let (verdict, text) = checked(&[&name], folder.path());
    assert!(!verdict && text.contains("t.yaml:2:1: "), "{text}");
    assert!(text.contains("hint: did you mean `version`?"), "{text}");
    let (verdict, found) = json(&[&name, "nsmc"], folder.path());
    assert!(!verdict && found["tasks"][0]["task"].is_null() && found["tasks"][1]["ok"] == true);
}

#[test]
fn every_task_fits_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (verdict, text) = run(&[], folder.path(), TextFormat::Terminal, Some(80));
    assert!(verdict, "{text}");
    // A path is never broken; everything else fits.
    let too_wide = |line: &&str| crate::cli::task::lines::cells(line) > 80 && !line.contains('/');
    assert_eq!(text.lines().find(too_wide), None, "{text}");
    let (verdict, found) = json(&[], folder.path());
    assert!(verdict && found["ok"] == true);
}
