//! The command on run directories.

use clap::Parser;

use super::*;
use crate::hint::Hint;
use crate::record::RunDir;
use crate::record::testing::{done, failed, predictions};

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    args: LeaderboardArgs,
}

/// Standard output and messages.
fn shown(arguments: &[&str]) -> Result<(String, String), Error> {
    let args = Command::parse_from([&["leaderboard"], arguments].concat()).args;
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    run(&args, &Look::default(), &mut out, &mut messages)?;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ok((text(out), text(messages)))
}

#[test]
fn runs_are_merged_and_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    RunDir::open_or_create(&a).and_then(|run| run.write_cell(failed(), None)).expect("written");
    let written =
        RunDir::open_or_create(&b).and_then(|run| run.write_cell(done(), Some(&predictions())));
    let written = written.expect("written");
    assert_eq!(default_runs(folder.path()).expect("read"), [a.clone(), b.clone()]);
    let runs = [a.display().to_string(), b.display().to_string()];
    let arguments = [&runs[0], &runs[1], "--format", "csv", "--verify"];
    let (out, messages) = shown(&arguments).expect("shown");
    assert!(out.lines().count() == 2 && out.contains(",done,"), "the done cell alone: {out}");
    assert!(messages.is_empty());
    fs::write(b.join("cells").join(&written.id).join("predictions.jsonl"), "").expect("written");
    assert!(matches!(shown(&arguments), Err(Error::Record(RecordError::Mismatch { .. }))));
    let none = folder.path().join("none").display().to_string();
    assert!(matches!(shown(&[&none]), Err(Error::Record(RecordError::NotARun { .. }))));
}

#[test]
fn a_sample_stands_in_no_published_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    run.write_cell(done(), Some(&predictions())).expect("written");
    let path = folder.path().display().to_string();
    let (out, messages) = shown(&[&path, "--table", "kcbert"]).expect("shown");
    assert!(out.contains("89.62") && !out.contains("ours"), "{out}");
    assert!(
        out.contains("left out: kcbert-demo on nsmc/sample: the reported split is test"),
        "{out}"
    );
    assert!(messages.contains("may stand in table kcbert"), "{messages}");
    let (out, _) = shown(&[&path, "--throughput"]).expect("shown");
    assert!(out.contains("A CPU") && out.contains("256.0 MiB"), "{out}");
}

#[test]
fn tables_are_listed_and_slips_are_answered() {
    let (out, _) = shown(&["--list-tables"]).expect("shown");
    for name in
        ["kcbert", "koelectra", "koelectra-small", "mdeberta", "klue_sts", "patent", "dialect"]
    {
        assert!(out.contains(&format!("│ {name} ")), "{out}");
    }
    let error = shown(&["/nowhere", "--table", "kcbrt"]).expect_err("a slip");
    assert_eq!(error.hint().as_deref(), Some("did you mean `kcbert`?"), "before runs are read");
}

#[test]
fn arguments_that_cannot_be_are_refused() {
    let refused = |arguments: &[&str]| {
        let parsed = Command::try_parse_from([&["leaderboard"], arguments].concat());
        parsed.expect_err("refused").to_string()
    };
    assert!(refused(&["--table", "kcbert", "--margin", "-1"]).contains("number of points"));
    assert!(refused(&["--table", "kcbert", "--margin", "NaN"]).contains("number of points"));
    assert!(refused(&["--margin", "1"]).contains("--table"));
    assert!(refused(&["--metric", "acuracy"]).contains("did you mean `accuracy`?"));
    assert!(refused(&["--table", "kcbert", "--throughput"]).contains("cannot be used with"));
    assert!(refused(&["--list-tables", "--metric", "all"]).contains("cannot be used with"));
}
