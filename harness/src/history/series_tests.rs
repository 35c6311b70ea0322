//! Series of records that were made up.

use serde_json::json;

use super::super::{HistoryRun, MetricFilter};
use super::*;
use crate::record::testing::{done, failed, inputs};
use crate::record::{BenchRecord, CellRecord, Measure};

fn run(number: usize, cells: Vec<CellRecord>) -> RunRecords {
    let about = HistoryRun {
        path: format!("run-{number}"),
        created_at: format!("2026-01-{:02}T00:00:00Z", number + 1),
        kobench_version: "0.1.0".into(),
        git_revision: None,
    };
    RunRecords { about, cells, benches: Vec::new() }
}

fn cell(accuracy: f64, change: impl FnOnce(&mut CellInputs)) -> CellRecord {
    let mut cell = done();
    change(&mut cell.inputs);
    if let Some(metric) = cell.metrics.get_mut("accuracy") {
        (metric.value, metric.ci_low, metric.ci_high) =
            (accuracy, accuracy - 0.01, accuracy + 0.01);
    }
    cell.id = cell.inputs.id();
    cell
}

fn bench(rate: f64, device: &str) -> BenchRecord {
    let measure = Measure {
        values: vec![rate],
        median: rate,
        ci_low: None,
        ci_high: None,
        higher_is_better: true,
    };
    BenchRecord {
        schema_version: 1,
        id: "0".into(),
        inputs: CellInputs { device: device.into(), ..inputs() },
        scenario: "offline".into(),
        settings: json!({"seconds": 1}),
        measures: BTreeMap::from([
            ("end_to_end_rows_per_second".to_owned(), measure.clone()),
            ("rows_per_second".to_owned(), measure),
        ]),
        volume: Default::default(),
        pair: None,
        side: None,
        backend: Backend::default(),
        telemetry: None,
        warnings: Vec::new(),
        started_at: "2026-01-01T00:00:00Z".into(),
        finished_at: "2026-01-01T00:00:01Z".into(),
    }
}

#[test]
fn a_metric_that_moved_names_what_moved_with_it() {
    let values = [0.86, 0.86, 0.86, 0.86, 0.86, 0.82, 0.82];
    let runs: Vec<RunRecords> = (values.iter().enumerate())
        .map(|(number, value)| {
            let weights = if number < 5 { "b" } else { "e" };
            run(number, vec![cell(*value, |inputs| inputs.weights.sha256 = weights.repeat(64))])
        })
        .collect();
    let (series, notes) = series(&runs, &HistoryOptions::default());
    assert_eq!((series.len(), notes.len()), (1, 0));
    assert_eq!((series[0].metric.as_str(), series[0].points.len()), ("accuracy", 7));
    let [change] = &series[0].changes[..] else { panic!("{:?}", series[0].changes) };
    assert_eq!((change.at, change.before, change.after), (5, 0.86, 0.82));
    assert!(!change.is_better && change.p_value < 0.05);
    assert_eq!(change.changed_inputs, ["weights"]);
}

#[test]
fn what_is_not_comparable_is_in_no_series_together() {
    let limited = |inputs: &mut CellInputs| inputs.limit = Some(100);
    let runs = [
        run(0, vec![cell(0.86, |_| ()), failed()]),
        run(1, vec![cell(0.80, limited)]),
        run(2, vec![cell(0.86, |_| ())]),
    ];
    let (series, notes) = series(&runs, &HistoryOptions::default());
    let variants: Vec<(Option<&str>, usize)> =
        series.iter().map(|s| (s.variant.as_deref(), s.points.len())).collect();
    assert_eq!(variants, [(Some("no limit"), 2), (Some("the first 100 rows"), 1)]);
    assert!(notes[0].contains("not comparable") && notes[1].contains("1 cell that failed"));
}

#[test]
fn precisions_part_a_series_only_where_a_run_has_both() {
    let bf16 = |inputs: &mut CellInputs| inputs.precision = "bf16".into();
    let options = HistoryOptions::default();
    let turned = [run(0, vec![cell(0.86, |_| ())]), run(1, vec![cell(0.85, bf16)])];
    assert_eq!(series(&turned, &options).0.len(), 1);
    let both = [run(0, vec![cell(0.86, |_| ()), cell(0.85, bf16)]), run(1, vec![cell(0.85, bf16)])];
    let (series, _) = series(&both, &options);
    let variants: Vec<Option<&str>> = series.iter().map(|s| s.variant.as_deref()).collect();
    assert_eq!(variants, [Some("bf16"), Some("f32")]);
    assert_eq!(series[0].points.len(), 2);
}

#[test]
fn the_latest_of_a_runs_cells_counts() {
    let mut late = cell(0.87, |inputs| inputs.weights.sha256 = "e".repeat(64));
    late.finished_at = "2099-01-01T00:00:00Z".into();
    let runs = [run(0, vec![late, cell(0.86, |_| ())])];
    let (series, notes) = series(&runs, &HistoryOptions::default());
    assert_eq!((series.len(), series[0].points[0].value), (1, 0.87));
    assert!(notes[0].contains("1 are left out"), "{notes:?}");
}

#[test]
fn speeds_have_series_by_device_and_scenario() {
    let mut runs = vec![run(0, vec![]), run(1, vec![])];
    for run in &mut runs {
        run.benches = vec![bench(100.0, "cpu"), bench(900.0, "cuda")];
    }
    let (series, _) = series(&runs, &HistoryOptions::default());
    let found: Vec<(&str, Option<&str>)> =
        series.iter().map(|s| (s.metric.as_str(), s.variant.as_deref())).collect();
    let name = "end_to_end_rows_per_second";
    assert_eq!(found, [(name, Some("cpu")), (name, Some("cuda"))]);
    assert_eq!(series[0].scenario.as_deref(), Some("offline"));
    assert_eq!(series[1].points.len(), 2);
    let all = HistoryOptions { metrics: MetricFilter::All, ..HistoryOptions::default() };
    assert_eq!(super::series(&runs, &all).0.len(), 4);
}
