//! `kobench data list` and `kobench data verify`.

use super::{Named, arguments, rows, task};
use kobench_tests::{Sandbox, full_data};

#[test]
fn every_state_has_its_words() {
    let (sandbox, content) = (Sandbox::new(), rows(20));
    let list = |expected: &[&str]| {
        let out = sandbox.run(&arguments("list", &["films"]));
        assert_eq!(out.code, 0, "{}", out.stderr);
        for text in expected {
            assert!(out.stdout.contains(text), "no `{text}` in {}", out.stdout);
        }
        let document = sandbox.json(&arguments("list", &["films", "--format", "json"]));
        document["splits"][0].clone()
    };
    let url = "https://example.org/x";
    task(&sandbox, &Named { content: Some(&content), url: Some(url), ..Named::default() });
    let split = list(&["missing, fetchable", "kobench data fetch films", "CC0-1.0"]);
    assert_eq!((split["state"].as_str(), split["url"].as_str()), (Some("missing"), Some(url)));
    assert_eq!(split["looked_at"][0], "data/films/test.tsv");
    task(&sandbox, &Named { obtain: Some("Ask the owners."), ..Named::default() });
    let split = list(&["missing, by hand", "films: Ask the owners.", "data/films/test.tsv"]);
    assert_eq!(split["obtain"], "by_hand");
    sandbox.write("data/films/test.tsv", &content);
    assert_eq!(list(&["here, no hash known"])["state"], "unverified");
    task(&sandbox, &Named { content: Some(&content), ..Named::default() });
    let split = list(&["here, verified"]);
    assert_eq!(split["bytes"].as_u64(), Some(content.len() as u64));
    task(&sandbox, &Named { content: Some(b"x"), ..Named::default() });
    let split = list(&["ANOTHER FILE is here", "expected"]);
    assert_eq!(split["found_sha256"], kobench::digest::sha256_hex(&content));
}

#[test]
fn verify_finds_what_is_wrong_and_names_what_is_missing() {
    let (sandbox, content) = (Sandbox::new(), rows(20));
    let verify = |code: i32, more: &[&str], expected: &str| {
        let out = sandbox.run(&arguments("verify", &[&["films"], more].concat()));
        assert_eq!(out.code, code, "{}{}", out.stdout, out.stderr);
        assert!(out.stdout.contains(expected), "no `{expected}` in {}", out.stdout);
    };
    task(&sandbox, &Named { content: Some(&content), rows: Some(20), ..Named::default() });
    verify(0, &[], "films/test: missing");
    verify(1, &["--complete"], "0 right, 0 wrong, 1 missing");
    sandbox.write("data/films/test.tsv", &content);
    verify(0, &["--complete"], "films/test: right, 20 rows, SHA-256 as named");
    task(&sandbox, &Named { content: Some(&content), rows: Some(21), ..Named::default() });
    verify(1, &[], "has 20 rows, films/test names 21");
    task(&sandbox, &Named { content: Some(b"x"), ..Named::default() });
    verify(1, &[], "is not the file that films/test names");
    sandbox.write("data/films/test.tsv", "id\tdocument\tlabel\n1\n");
    verify(1, &[], "test.tsv:2: no ");
}

#[test]
fn the_full_data_sets_are_what_their_tasks_name() {
    let Some(folder) = full_data("the_full_data_sets_are_what_their_tasks_name") else { return };
    let sandbox = Sandbox::new();
    let folder = folder.to_str().unwrap();
    let out = sandbox.run(&["data", "verify", "nsmc", "--data-dir", folder]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert!(
        out.stdout.contains("nsmc/test: right, 50,000 rows, SHA-256 as named"),
        "{}",
        out.stdout
    );
    let out = sandbox.run(&["data", "import", folder, "nsmc", "--data-dir", "copy"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    let out = sandbox.run(&["data", "verify", "nsmc", "--data-dir", "copy", "--complete"]);
    assert_eq!(out.code, 0, "{}", out.stdout);
}
