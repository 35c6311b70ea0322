//! What each format shows.

use super::*;
use crate::history::{Change, HistoryRun, Point, Series, Trend};
use crate::record::testing::inputs;
use crate::record::validator;

fn history() -> History {
    let run = |number: usize| HistoryRun {
        path: format!("runs/{number}"),
        created_at: format!("2026-01-{:02}T12:00:00Z", number + 1),
        kobench_version: "0.1.0".into(),
        git_revision: (number > 3).then(|| "0123456789abcdef".to_owned()),
    };
    let point = |(run, value): (usize, &f64)| Point {
        run,
        value: *value,
        ci_low: Some(value - 0.01),
        ci_high: Some(value + 0.01),
        id: format!("{run:016x}"),
    };
    let values = [0.86, 0.86, 0.86, 0.86, 0.82, 0.82];
    let accuracy = Series {
        key: inputs().key,
        label: inputs().key.label(),
        variant: Some("bf16".into()),
        scenario: None,
        metric: "accuracy".into(),
        higher_is_better: true,
        is_fraction: true,
        points: values.iter().enumerate().map(point).collect(),
        changes: vec![Change {
            at: 4,
            before: 0.86,
            after: 0.82,
            p_value: 0.0219,
            is_better: false,
            changed_inputs: vec!["weights".into(), "plugin".into()],
        }],
        trend: None,
    };
    let latencies = [0.0123, 0.0125];
    let latency = Series {
        variant: None,
        scenario: Some("single-stream".into()),
        metric: "latency_p99_seconds".into(),
        higher_is_better: false,
        is_fraction: false,
        points: latencies.iter().enumerate().map(point).collect(),
        changes: vec![],
        trend: Some(Trend { slope: 0.000_125, p_value: 0.0001 }),
        ..accuracy.clone()
    };
    History {
        schema_version: crate::history::HISTORY_VERSION,
        runs: (0..6).map(run).collect(),
        series: vec![accuracy, latency],
        notes: vec!["a note | with a bar".into()],
    }
}

fn rendered(format: HistoryFormat) -> String {
    render_history(&history(), format, &Look::default()).expect("rendered")
}

#[test]
fn a_change_names_its_run_and_what_else_changed() {
    let text = rendered(HistoryFormat::Terminal);
    for part in [
        "kcbert-demo on nsmc/sample, bf16",
        "████|▁▁",
        "worse, -4.00 points",
        "- kcbert-demo on nsmc/sample, bf16, accuracy: worse, -4.00 points, 86.00 -> 82.00, p = 0.022 since runs/4 \
         (2026-01-05, revision 0123456789ab); other than before: weights, plugin",
        "kcbert-demo on nsmc/sample, single-stream",
        "12.30 ms",
        "+1.00% a run, p < 0.001",
        "[1] a note | with a bar",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let markdown = rendered(HistoryFormat::Markdown);
    assert!(
        markdown.contains("\n- kcbert-demo on nsmc/sample, bf16, accuracy: worse"),
        "{markdown}"
    );
    assert!(markdown.contains("a note \\| with"), "{markdown}");
}

#[test]
fn a_narrow_terminal_keeps_what_matters() {
    let look = Look { width: Some(80), colour: false };
    let text = render_history(&history(), HistoryFormat::Terminal, &look).expect("rendered");
    assert!(text.contains("Last change") && text.contains("no room for"), "{text}");
}

#[test]
fn csv_has_a_line_a_value() {
    let text = rendered(HistoryFormat::Csv);
    assert_eq!(text.lines().count(), 1 + 6 + 2);
    let fifth = text.lines().nth(5).expect("a line");
    assert!(fifth.ends_with("0000000000000004,1,0.0219,false,weights plugin"), "{fifth}");
}

#[test]
fn json_is_as_its_schema_says() {
    let schema = validator(include_str!("../../../schemas/history.schema.json"));
    let value: serde_json::Value =
        serde_json::from_str(&rendered(HistoryFormat::Json)).expect("JSON");
    let errors: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(serde_json::from_value::<History>(value).expect("read again"), history());
}

#[test]
fn long_series_show_their_end() {
    let mut history = history();
    let series = &mut history.series[0];
    let points = (0..100).map(|run| Point { run, value: run as f64, ..series.points[0].clone() });
    series.points = points.collect();
    series.changes[0].at = 99;
    let line = sparkline::sparkline(series);
    assert_eq!(line.chars().count(), 1 + 30 + 1);
    assert!(line.starts_with("…▁") && line.ends_with("|█"), "{line}");
}
