//! Runs on disk, compared.

use std::path::Path;

use super::*;
use crate::record::testing::{done, failed, predictions};
use crate::record::{MetricValue, Output, PredictionRow, RunDir, Word};

/// Writes cells with their predictions as a run; gives it back opened.
fn run(folder: &Path, cells: Vec<(CellRecord, Vec<PredictionRow>)>) -> Source {
    let run = RunDir::open_or_create(folder).expect("opened");
    for (mut cell, rows) in cells {
        cell.id = cell.inputs.id();
        let rows = cell.is_done().then_some(rows);
        run.write_cell(cell, rows.as_deref()).expect("written");
    }
    drop(run);
    Source::open(folder).expect("a run")
}

/// A cell of NSMC on `n` rows, of which those for which `right` holds are right.
fn nsmc(n: u64, right: impl Fn(u64) -> bool) -> (CellRecord, Vec<PredictionRow>) {
    let mut cell = done();
    let text = |label: u64| Output::Text(label.to_string());
    let rows: Vec<PredictionRow> = (0..n)
        .map(|i| PredictionRow::new(i, text(i % 2), text(if right(i) { i % 2 } else { 1 - i % 2 })))
        .collect();
    let correct = (0..n).filter(|i| right(*i)).count() as f64;
    cell.n = n;
    cell.per_entity.clear();
    let accuracy = cell.metrics.get_mut("accuracy").expect("accuracy");
    accuracy.value = correct / n as f64;
    (cell, rows)
}

fn compared(base: &Source, new: &Source) -> Result<Comparison, CompareError> {
    let policy = Policy::load(None).expect("the default policy");
    compared_by(base, new, &policy, 0)
}

fn compared_by(
    base: &Source,
    new: &Source,
    policy: &Policy,
    flips: usize,
) -> Result<Comparison, CompareError> {
    let registry = Registry::load(&[]).expect("tasks");
    compare(&CompareRequest { base, new, policy, registry: &registry, flips, data: None, seed: 0 })
}

/// A folder and two runs in it.
fn two(
    base: (CellRecord, Vec<PredictionRow>),
    new: (CellRecord, Vec<PredictionRow>),
) -> (tempfile::TempDir, Source, Source) {
    let folder = tempfile::tempdir().expect("a folder");
    let base = run(&folder.path().join("base"), vec![base]);
    let new = run(&folder.path().join("new"), vec![new]);
    (folder, base, new)
}

#[test]
fn a_worse_model_is_a_regression_and_a_better_one_an_improvement() {
    let (_folder, good, bad) = two(nsmc(2000, |i| i % 10 > 0), nsmc(2000, |i| i % 10 > 1));
    let worse =
        compared_by(&good, &bad, &Policy::load(None).expect("a policy"), 3).expect("compared");
    assert_eq!(worse.verdict, Verdict::Regression);
    let cell = &worse.cells[0];
    assert_eq!((cell.n, cell.units, cell.verdict), (2000, 2000, Verdict::Regression));
    let metric = &cell.metrics[0];
    assert_eq!((metric.metric.as_str(), metric.test.as_str()), ("accuracy", "mcnemar_mid_p"));
    assert!((metric.difference + 0.1).abs() < 1e-12 && metric.gates);
    assert!(metric.ci_low < -0.1 && -0.1 < metric.ci_high && metric.ci_high < -0.08, "{metric:?}");
    assert_eq!((cell.flips.broken, cell.flips.fixed, cell.flips.changed), (200, 0, 200));
    assert_eq!(cell.flips.rows.iter().map(|flip| flip.i).collect::<Vec<_>>(), [1, 11, 21]);
    assert_eq!(compared(&bad, &good).expect("compared").verdict, Verdict::Improvement);
}

#[test]
fn a_run_against_itself_passes_whatever_its_size() {
    for n in [4, 2000] {
        let (_folder, base, new) = two(nsmc(n, |i| i % 4 > 0), nsmc(n, |i| i % 4 > 0));
        let same = compared(&base, &new).expect("compared");
        assert_eq!((same.verdict, same.cells[0].flips.changed), (Verdict::Pass, 0));
        assert_eq!(same.cells[0].metrics[0].p_value, 1.0);
    }
}

#[test]
fn few_rows_are_inconclusive() {
    let (_folder, base, new) = two(nsmc(40, |i| i % 10 > 0), nsmc(40, |i| i % 10 > 1));
    let few = compared(&base, &new).expect("compared");
    assert_eq!(few.verdict, Verdict::Inconclusive);
    let metric = &few.cells[0].metrics[0];
    assert!(metric.minimum_detectable > 0.1, "{metric:?}");
}

#[test]
fn many_cells_are_corrected_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = |broken: u64| -> Vec<_> {
        (0..20)
            .map(|seed| {
                let (mut cell, rows) = nsmc(600, |i| i >= if seed == 0 { broken } else { 0 });
                cell.inputs.key.seed = Some(seed);
                (cell, rows)
            })
            .collect()
    };
    let base = run(&folder.path().join("base"), cells(0));
    let new = run(&folder.path().join("new"), cells(14));
    let many = compared(&base, &new).expect("compared");
    let worst = many
        .cells
        .iter()
        .map(|c| &c.metrics[0])
        .min_by(|a, b| a.p_regression.total_cmp(&b.p_regression));
    let worst = worst.expect("a cell");
    assert!(
        (worst.p_regression_adjusted - (20.0 * worst.p_regression).min(1.0)).abs() < 1e-12,
        "{worst:?}"
    );
    let alone = two(nsmc(600, |_| true), nsmc(600, |i| i >= 14));
    let alone = compared(&alone.1, &alone.2).expect("compared");
    assert_eq!(alone.cells[0].metrics[0].p_regression, worst.p_regression);
    assert!(alone.cells[0].metrics[0].minimum_detectable < worst.minimum_detectable);
}

#[test]
fn failed_cells_say_so() {
    let whole = nsmc(100, |i| i > 10);
    let mut broken = failed();
    broken.inputs = whole.0.inputs.clone();
    let (_folder, base, new) = two(whole.clone(), (broken.clone(), Vec::new()));
    let worse = compared(&base, &new).expect("compared");
    assert_eq!(worse.verdict, Verdict::Regression);
    assert!(
        worse.cells[0]
            .reason
            .as_deref()
            .is_some_and(|reason| reason.starts_with("the new cell failed"))
    );
    let better = compared(&new, &base).expect("compared");
    assert_eq!(better.verdict, Verdict::Inconclusive);
}

#[test]
fn other_data_are_refused_and_part_of_the_rows_only_where_the_policy_lets_it() {
    let (whole, mut part) = (nsmc(1000, |i| i % 5 > 0), nsmc(400, |i| i % 5 > 0));
    part.0.inputs.limit = Some(400);
    let (_folder, base, new) = two(whole.clone(), part.clone());
    let refused = compared(&base, &new).expect("compared");
    assert!(refused.cells.is_empty());
    assert_eq!(refused.refused[0].differences[0].what, "limit");
    assert_eq!(refused.verdict, Verdict::Inconclusive);
    let text = Policy::load(None).expect("a policy").document().clone();
    let mut text = serde_yaml::to_string(&text).expect("YAML");
    text = text.replace("limit: refuse", "limit: warn");
    let lenient = Policy::parse(&text, "lenient.yaml").expect("a policy");
    let allowed = compared_by(&base, &new, &lenient, 0).expect("compared");
    assert_eq!((allowed.cells[0].n, allowed.verdict), (400, Verdict::Pass));

    let mut other = whole.clone();
    other.0.inputs.data.sha256 = "e".repeat(64);
    let (_folder, base, new) = two(whole, other);
    let refused = compared(&base, &new).expect("compared");
    assert_eq!(refused.refused[0].differences[0].what, "data");
}

#[test]
fn predictions_that_are_not_those_of_the_record_are_errors() {
    let good = nsmc(100, |i| i % 4 > 0);
    let mut wrong = good.clone();
    wrong.0.metrics.get_mut("accuracy").expect("accuracy").value = 0.9;
    let (_folder, base, new) = two(good.clone(), wrong);
    let error = compared(&base, &new).unwrap_err();
    assert!(matches!(error, CompareError::Number { recorded: 0.9, .. }), "{error}");

    let (folder, base, new) = two(good.clone(), good.clone());
    let path =
        crate::record::predictions_path(&folder.path().join("new"), &new.cells[0]).expect("a path");
    let text = std::fs::read_to_string(&path).expect("read");
    std::fs::write(&path, text.replacen("\"pred\":\"1\"", "\"pred\":\"0\"", 1)).expect("written");
    let error = compared(&base, &new).unwrap_err();
    assert!(
        matches!(error, CompareError::Record(crate::record::RecordError::Mismatch { .. })),
        "{error}"
    );

    let mut unknown = good.clone();
    unknown.1[3].pred = Output::Text("2".into());
    let (_folder, base, new) = two(good, unknown);
    let error = compared(&base, &new).unwrap_err();
    assert!(
        error.to_string().contains("predictions.jsonl:4: `2` is none of the labels"),
        "{error}"
    );
}

#[test]
fn answers_and_words_are_read_as_what_they_are() {
    let metric = |value: f64| MetricValue {
        value,
        ci_low: 0.0,
        ci_high: 1.0,
        n: 2,
        method: "bootstrap".into(),
        resamples: None,
        clusters: None,
        seeds: None,
    };
    let folder = tempfile::tempdir().expect("a folder");
    let registry = Registry::load(&[]).expect("tasks");
    let mut cell = done();
    cell.inputs.key.task = "korquad".into();
    cell.labels.clear();
    cell.metrics = [("exact_match".to_owned(), metric(1.0))].into();
    let answer = |i: u64, also: &str, cluster: u32| PredictionRow {
        also_gold: vec![also.into()],
        cluster: Some(cluster),
        ..PredictionRow::new(i, Output::Text("서울".into()), Output::Text("서울시".into()))
    };
    let source = run(
        &folder.path().join("qa"),
        vec![(cell, vec![answer(0, "서울시", 7), answer(1, "부산", 7)])],
    );
    let task = registry.get("korquad").expect("a task");
    let evidence = source.evidence(&source.cells[0], &task).expect("read");
    assert_eq!(evidence.clusters, Some(vec![7, 7]));
    let Rows::Answers { exact, char_f1, .. } = evidence.rows else { panic!("answers") };
    // Any of the right answers will do.
    assert_eq!(exact, [true, false]);
    assert!((char_f1[1] - 0.8).abs() < 1e-12);

    let mut cell = done();
    cell.inputs.key.task = "klue_ner".into();
    cell.labels = vec!["B-PS".into(), "O".into()];
    let word = |label: Option<&str>| Word { label: label.map(Into::into), cut: label.is_none() };
    let row = PredictionRow::new(
        0,
        Output::Words(vec![word(Some("O")), word(Some("B-PS"))]),
        Output::Words(vec![word(Some("B-PS")), word(None)]),
    );
    let source = run(&folder.path().join("ner"), vec![(cell, vec![row])]);
    let task = registry.get("klue_ner").expect("a task");
    let rows = source.evidence(&source.cells[0], &task).expect("read").rows;
    let expected =
        Rows::Tags { starts: vec![0, 2], gold: vec![1, 0], predicted: vec![Some(0), None] };
    assert_eq!(rows, expected);
    // A prediction of another kind is named with its line.
    let mut cell = done();
    cell.inputs.key.task = "klue_ner".into();
    let source = run(&folder.path().join("other"), vec![(cell, predictions())]);
    let error = source.evidence(&source.cells[0], &task).unwrap_err().to_string();
    assert!(error.contains("predictions.jsonl:1: not a prediction row"), "{error}");
}
