//! Tasks of one's own: from a data file to a score, by the commands alone.

use kobench_tests::{Sandbox, workspace};

const ROWS: [(&str, &str); 6] = [
    ("정말 재미있게 봤어요", "1"),
    ("시간이 아깝다", "0"),
    ("배우들 연기가 최고", "1"),
    ("지루하고 뻔하다", "0"),
    ("다시 보고 싶은 영화", "1"),
    ("돈 주고 보지 마세요", "0"),
];

/// A table of reviews with a header.
fn reviews() -> String {
    let rows: String = (ROWS.iter().enumerate())
        .map(|(index, (text, label))| format!("{index}\t{text}\t{label}\n"))
        .collect();
    format!("id\treview\tlabel\n{rows}")
}

#[test]
fn a_file_becomes_a_task_that_runs() {
    let sandbox = Sandbox::new();
    sandbox.write("data/reviews.tsv", reviews());
    let made = sandbox.run(&["task", "new", "reviews", "--from", "data/reviews.tsv"]);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    for guess in ["--format", "--no-header", "--label", "--text", "--kind", "wrote reviews.yaml"] {
        assert!(made.stderr.contains(guess), "no `{guess}` in: {}", made.stderr);
    }
    assert!(made.stdout.contains("test: 6 rows (reported), SHA-256 as named"), "{}", made.stdout);

    let checked = sandbox.json(&["task", "check", "./reviews.yaml", "--format", "json"]);
    assert_eq!(checked["tasks"][0]["splits"][0]["audit"]["rows"], 6, "{checked}");
    // As a user edits it.
    let file = sandbox.join("reviews.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("metrics: [accuracy, macro_f1]", "metrics: [accuracy]"))
        .unwrap();
    let run = sandbox.run(&["run", "-m", "kcbert-demo", "-t", "./reviews.yaml", "--out", "out"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let cells = kobench_tests::cells(&sandbox.join("out"));
    assert_eq!(cells["kcbert-demo"]["n"], 6);

    let again = sandbox.run(&["task", "new", "reviews", "--from", "data/reviews.tsv"]);
    assert_eq!((again.code, again.stdout.as_str()), (2, ""));
    assert!(again.stderr.contains("hint: --force"), "{}", again.stderr);
    // A row more, and the task file no longer names this file.
    sandbox.write("data/reviews.tsv", format!("{}6\t그럭저럭\t0\n", reviews()));
    let checked = sandbox.run(&["task", "check", "./reviews.yaml"]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.contains("7 rows (reported), not what the task names"),
        "{}",
        checked.stdout
    );
}

#[test]
fn what_cannot_be_told_is_asked() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", "아무 글\n또 다른 글\n");
    let asked = sandbox.run(&["task", "new", "a", "--from", "a.txt"]);
    assert_eq!((asked.code, asked.stdout.as_str()), (2, ""));
    assert!(
        asked.stderr.contains("a.txt") && asked.stderr.contains("--format"),
        "{}",
        asked.stderr
    );
    assert!(!sandbox.join("a.yaml").exists());
    let rows = reviews()
        .replace("label", "점수")
        .replace("\t1\n", "\t1\ta\n")
        .replace("\t0\n", "\t0\tb\n");
    sandbox.write("b.tsv", rows.replacen("점수\n", "점수\t출처\n", 1));
    let asked = sandbox.run(&["task", "new", "b", "--from", "b.tsv"]);
    assert_eq!(asked.code, 2, "{}", asked.stderr);
    for text in
        ["점수: 2 distinct, for instance 1 | 0", "출처: 2 distinct", "hint: give it with --label"]
    {
        assert!(asked.stderr.contains(text), "no `{text}` in: {}", asked.stderr);
    }
    let told = sandbox.run(&["task", "new", "b", "--from", "b.tsv", "--label", "점수"]);
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
}

#[test]
fn the_schema_is_printed_and_every_task_is_checked() {
    let sandbox = Sandbox::new();
    let schema = sandbox.json(&["task", "schema"]);
    assert_eq!(schema["title"], "A task");
    let source = workspace().join("harness/schemas/task.schema.json");
    assert_eq!(sandbox.run(&["task", "schema"]).stdout, std::fs::read_to_string(source).unwrap());
    let all = sandbox.json(&["task", "check", "--all", "--format", "json"]);
    let tasks = std::fs::read_dir(workspace().join("tasks")).unwrap().flatten();
    let files = tasks.filter(|file| file.path().extension().is_some_and(|e| e == "yaml")).count();
    assert_eq!(all["tasks"].as_array().unwrap().len(), files);
    assert_eq!(all["ok"], true);
    // Data that is not here is named with the places, and is no fault.
    let missing = |task: &serde_json::Value| {
        let mut splits = task["splits"].as_array().unwrap().iter();
        splits.any(|s| s["state"] == "missing" && !s["looked_at"].as_array().unwrap().is_empty())
    };
    assert!(all["tasks"].as_array().unwrap().iter().any(missing), "{all}");
    let both = sandbox.run(&["task", "check", "--all", "nsmc"]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}

#[test]
fn a_tokeniser_is_tried_on_the_data() {
    let sandbox = Sandbox::new();
    let model = ["-m", "kcbert-demo"];
    let out = sandbox.run(&[&["task", "check", "nsmc", "klue_ner"], &model[..]].concat());
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    for text in ["tokens of kcbert-demo: ", " a character, ", " unknown (", " words are never seen"]
    {
        assert!(out.stdout.contains(text), "no `{text}` in:\n{}", out.stdout);
    }
    let json = sandbox.json(&[&["task", "check", "nsmc", "--format", "json"], &model[..]].concat());
    let splits = json["tasks"][0]["splits"].as_array().expect("splits");
    let sample = splits.iter().find(|split| split["split"] == "sample").expect("the sample");
    let tokens = &sample["tokens"];
    assert_eq!(tokens["rows"], 2000, "{tokens}");
    assert!(tokens["lengths"]["max"].as_u64() > tokens["lengths"]["median"].as_u64());
    let unknown = sandbox.run(&["task", "check", "nsmc", "-m", "no-such-model"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stdout);
    assert!(unknown.stderr.contains("no-such-model"), "{}", unknown.stderr);
}
