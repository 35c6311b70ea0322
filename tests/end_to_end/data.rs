//! `kobench data` against servers and folders of all kinds.

mod fetch;
mod import;
mod interrupted;
mod list;
mod servers;

use kobench_tests::Sandbox;
use std::path::{Path, PathBuf};

/// A data file of some 200 kB with `rows` rows, in NSMC's format.
fn rows(rows: usize) -> Vec<u8> {
    let mut text = String::from("id\tdocument\tlabel\n");
    for row in 0..rows {
        text.push_str(&format!("{row}\t{row}번째 영화는 참 볼 만했다\t{}\n", row % 2));
    }
    text.into_bytes()
}

/// What a test's task says of its split `test`.
#[derive(Default)]
struct Named<'a> {
    /// The file whose SHA-256 is named.
    content: Option<&'a [u8]>,
    rows: Option<usize>,
    url: Option<&'a str>,
    obtain: Option<&'a str>,
}

/// Writes the task `films`, whose split `test` is in `films/test.tsv`, into the folder `tasks`.
fn task(sandbox: &Sandbox, named: &Named<'_>) {
    let line = |key: &str, value: Option<String>| {
        value.map_or_else(String::new, |value| format!("    {key}: {value}\n"))
    };
    let split = [
        line("sha256", named.content.map(kobench::digest::sha256_hex)),
        line("rows", named.rows.map(|rows| rows.to_string())),
        line("url", named.url.map(str::to_owned)),
    ]
    .concat();
    let obtain = named.obtain.map_or_else(String::new, |text| format!("obtain: {text}\n"));
    sandbox.write(
        "tasks/films.yaml",
        format!(
            "name: films\nversion: 1\ntitle: Films\nkind: sequence_classification\n\
             labels:\n  - id: \"0\"\n    name: bad\n  - id: \"1\"\n    name: good\n\
             reader:\n  format: tsv\n  header: true\n  columns:\n    id: id\n    text: document\n    label: label\n\
             splits:\n  test:\n    file: films/test.tsv\n{split}\
             report: test\nmetric: accuracy\nmetrics: [accuracy]\nmax_seq_len: 128\n\
             selection:\n  policy: none\n  text: none\nlicence: CC0-1.0\nsource: written for this test\n{obtain}"
        ),
    );
}

/// Where the split belongs.
fn target(sandbox: &Sandbox) -> PathBuf {
    sandbox.join("data/films/test.tsv")
}

/// The names in the folder of the split, hidden ones too.
fn names(sandbox: &Sandbox) -> Vec<String> {
    let folder = target(sandbox);
    let Ok(entries) = std::fs::read_dir(folder.parent().unwrap()) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// `kobench data COMMAND films` with the test's task and data folder.
fn arguments<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["data", command, "--task-dir", "tasks", "--data-dir", "data"];
    [&fixed[..], more].concat()
}

fn assert_file(path: &Path, content: &[u8]) {
    let found = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(found == content, "{} has {} other bytes", path.display(), found.len());
}
