//! `kobench model` against hubs, caches and checkpoints of all kinds.

mod access;
mod check;
mod fetch;
mod hub;
mod interrupted;
mod list;
mod verify;

use kobench_tests::{Output, Sandbox, finish, workspace};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

use hub::Repo;
use kobench_tests::http::Server;

/// The repository of these tests.
const ID: &str = "made/up";

/// `kobench model ...` that asks this server.
fn command(sandbox: &Sandbox, server: &Server, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(&[&["model"], arguments].concat());
    command.env("HF_ENDPOINT", server.url(""));
    command
}

/// Runs `kobench model ...` against this server.
fn run(sandbox: &Sandbox, server: &Server, arguments: &[&str]) -> Output {
    finish(&mut command(sandbox, server, arguments))
}

/// `kobench model fetch hf:made/up ...` against this server.
fn fetch(sandbox: &Sandbox, server: &Server, more: &[&str]) -> Output {
    run(sandbox, server, &[&["fetch", "hf:made/up"], more].concat())
}

/// The repository's folder in the cache.
fn folder(sandbox: &Sandbox) -> PathBuf {
    sandbox.join("hf/hub/models--made--up")
}

/// The names in `blobs`.
fn blobs(sandbox: &Sandbox) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder(sandbox).join("blobs")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The files of a snapshot are those of the repository, links into `blobs` each.
fn assert_snapshot(sandbox: &Sandbox, repo: &Repo, names: &[&str]) {
    let snapshot = folder(sandbox).join("snapshots").join(hub::COMMIT);
    let mut found: Vec<String> = std::fs::read_dir(&snapshot)
        .unwrap_or_else(|e| panic!("{}: {e}", snapshot.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, names);
    for name in names {
        let path = snapshot.join(name);
        let expected = PathBuf::from("../../blobs").join(repo.hash(name));
        assert_eq!(std::fs::read_link(&path).unwrap(), expected, "{name}");
        assert!(std::fs::read(&path).unwrap() == repo.content(name), "{name} has other bytes");
    }
}

/// Parses JSON and compares it with a schema of harness/schemas.
fn valid(schema: &str, json: &str) -> Value {
    let path = workspace().join(format!("harness/schemas/{schema}.schema.json"));
    let text = std::fs::read_to_string(path).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let value: Value = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"));
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{schema}: {errors:?} in {value:#}");
    value
}

/// A command that must have failed with this code, and said this.
fn assert_failed(out: &Output, code: i32, expected: &[&str]) {
    assert_eq!(out.code, code, "{}{}", out.stdout, out.stderr);
    let said = format!("{}{}", out.stdout, out.stderr);
    for text in expected.iter().chain(&["hint: "]) {
        assert!(said.contains(text), "no `{text}` in: {said}");
    }
}
