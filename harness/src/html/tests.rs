//! The whole page.

use std::path::PathBuf;

use super::*;
use crate::compare::testing::{cell, comparison, metric, speed, unmatched};
use crate::compare::{Gate, Policy, Refusal, Verdict, gate};
use crate::history::{Change, History, HistoryRun, Point, Series};
use crate::record::testing::{bench, done, failed, on_gpu, predictions, trained, training_step};
use crate::record::{PerEntity, RunDir, RunRecord};

/// A name that would be a script, an attribute's end, and the other way round.
const HOSTILE: &str = "<script>alert(1)</script>\" onload=\"x\u{202e}&amp;";

/// A run with a cell of each kind, whose texts are hostile.
fn run(folder: &std::path::Path) -> PathBuf {
    let path = folder.join("run");
    let run = RunDir::open_or_create(&path).expect("opened");
    let mut cells = vec![done(), on_gpu(), failed(), done(), done()];
    cells[1].inputs.key.model = HOSTILE.into();
    cells[1].labels = vec!["0".into(), HOSTILE.into()];
    cells[1].per_class[0].name = HOSTILE.into();
    cells[1].warnings = vec![HOSTILE.into()];
    cells[2].inputs.key.model = "broken".into();
    cells[3].inputs.key.task = "naver_ner".into();
    cells[3].per_entity = vec![PerEntity {
        kind: HOSTILE.into(),
        support: 10,
        predicted: 8,
        correct: 4,
        precision: 0.5,
        recall: 0.4,
        f1: 0.4444,
    }];
    let (fine_tune, training) = trained();
    cells[4].inputs.key.model = "trained".into();
    (cells[4].inputs.fine_tune, cells[4].training) = (Some(fine_tune), Some(training));
    for cell in &mut cells {
        cell.id = cell.inputs.id();
    }
    let log = folder.join("train.jsonl");
    let line = serde_json::to_string(&training_step()).expect("JSON");
    std::fs::write(&log, format!("{line}\n{line}\n")).expect("written");
    for cell in cells {
        let rows = cell.is_done().then(predictions);
        let log = [("train.jsonl", log.as_path())];
        let moved = if cell.training.is_some() { &log[..] } else { &[] };
        run.write_cell_with(cell, rows.as_deref(), moved).expect("written");
    }
    let mut measured = bench();
    measured.warnings = vec![HOSTILE.into()];
    run.write_bench(&measured).expect("written");
    let words = vec!["kobench".into(), "run".into(), HOSTILE.into()];
    run.write_run(&RunRecord::new(words, Vec::new())).expect("written");
    path
}

fn history() -> History {
    let run = |path: &str| HistoryRun {
        path: path.into(),
        created_at: "2026-01-31T23:59:59Z".into(),
        kobench_version: "0.1.0".into(),
        git_revision: Some(HOSTILE.into()),
    };
    let point = |run, value| Point { run, value, ci_low: None, ci_high: None, id: "0".into() };
    let change = Change {
        at: 1,
        before: 0.8,
        after: 0.7,
        p_value: 0.001,
        is_better: false,
        changed_inputs: vec![HOSTILE.into()],
    };
    let key = done().inputs.key;
    History {
        schema_version: 1,
        runs: vec![run(HOSTILE), run("b")],
        series: vec![Series {
            label: key.label(),
            key,
            variant: None,
            scenario: None,
            metric: "accuracy".into(),
            higher_is_better: true,
            is_fraction: true,
            points: vec![point(0, 0.8), point(1, 0.7)],
            changes: vec![change],
            trend: None,
        }],
        notes: vec![HOSTILE.into()],
    }
}

/// A comparison with everything in it.
fn compared() -> crate::compare::Comparison {
    let mut compared = comparison();
    compared.cells.push(cell("naver_ner", metric("entity_f1", Verdict::Regression, true)));
    compared.cells.push(cell("korsts", metric("spearman", Verdict::Inconclusive, true)));
    compared.cells[1].flips.rows[0].text = Some(HOSTILE.into());
    compared.speeds.push(speed("latency_p50_seconds", Verdict::Regression));
    compared.only_base.push(unmatched("paws", Verdict::Pass));
    let difference = crate::compare::testing::differs("data", crate::compare::Effect::Refuse);
    let refused = unmatched("korquad", Verdict::Pass);
    compared.refused.push(Refusal {
        key: refused.key,
        label: refused.label,
        differences: vec![difference],
    });
    compared.notes.push(HOSTILE.into());
    compared
}

fn page() -> Page {
    let folder = tempfile::tempdir().expect("a folder");
    let material = Material::read(&[run(folder.path())]).expect("read");
    let registry = Registry::load(&[]).expect("tasks");
    let policy = Policy::load(Some(Policy::DEFAULT)).expect("a policy");
    let (comparison, history) = (compared(), history());
    let gate: Gate = gate(&comparison, &policy, false);
    let judged = Judged { comparison: &comparison, gate: &gate, policy: &policy };
    let time = "2026-02-01T00:00:00Z".to_owned();
    let mut report = Report::new(HOSTILE.into(), time, &material, &registry);
    report.comparison = Some(&judged);
    report.history = Some(&history);
    assert_eq!(report.page(), report.page(), "the same bytes again");
    report.page()
}

#[test]
fn every_section_is_there() {
    let Page { html, figures } = page();
    for id in [
        "comparison",
        "leaderboard",
        "tradeoff",
        "intervals",
        "history",
        "speed",
        "training",
        "confusions",
        "entities",
        "tokens",
        "metrics",
        "environment",
    ] {
        assert!(html.contains(&format!("<section id=\"{id}\"")), "no {id}");
        assert!(html.contains(&format!("href=\"#{id}\"")), "no way to {id}");
    }
    for part in ["class=\"banner bad\"", "crashed: SIGSEGV", "정말 재미있다 | &lt;b&gt;", "-3.00"]
    {
        assert!(html.contains(part), "no {part}");
    }
    assert!(figures.len() >= 6, "{}", figures.len());
    let names: std::collections::BTreeSet<&str> =
        figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(names.len(), figures.len(), "a file each");
}

#[test]
fn nothing_from_a_record_is_markup() {
    let Page { html, .. } = page();
    assert_eq!(html.matches("<script").count(), 1, "the page's own");
    assert!(!html.contains("onload=\"x"), "an attribute from a record");
    assert!(!html.contains('\u{202e}'), "a text that turns its neighbours round");
    // Neither ours nor the records' texts can make it load anything.
    for loads in ["src=", "@import", "url(", "<link", "<iframe", "<object"] {
        assert!(!html.contains(loads), "{loads}");
    }
    assert!(html.contains(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;;"
    ));
}

#[test]
fn a_run_without_anything_is_a_page_too() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("cells")).expect("made");
    let material = Material::read(&[folder.path().to_owned()]).expect("read");
    let registry = Registry::load(&[]).expect("tasks");
    let page =
        Report::new("Empty".into(), "2026-02-01T00:00:00Z".into(), &material, &registry).page();
    assert!(page.html.contains("<h1>Empty</h1>") && page.figures.is_empty());
    assert!(page.html.contains("nothing is known of its machine"));
}
