//! What was measured, as tables and as JSON.

use crate::bench::{Failed, Finished, main_measure};
use crate::compare::{SpeedComparison, Verdict};
use crate::error::Error;
use crate::record::{BenchRecord, Measure};
use crate::report::number::rate;
use crate::report::{Cell, Column, Grid, Look, Tone, render_grid, wrapped};
use crate::text::bytes;
use serde_json::{Value, json};

/// The version of the JSON document; it changes when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// As `harness/schemas/bench-outcome.schema.json` has it.
pub(super) fn json(
    finished: &Finished,
    compared: Option<&[SpeedComparison]>,
) -> Result<Value, Error> {
    let benches: Vec<&BenchRecord> = finished.base.iter().chain(&finished.new).collect();
    let mut document =
        json!({"schema_version": VERSION, "benches": benches, "failed": finished.failed});
    if let (Some(compared), Some(fields)) = (compared, document.as_object_mut()) {
        fields.insert("verdict".into(), serde_json::to_value(overall(compared))?);
        fields.insert("speeds".into(), serde_json::to_value(compared)?);
    }
    Ok(document)
}

/// The worst of all that decides.
fn overall(compared: &[SpeedComparison]) -> Verdict {
    let verdicts = compared.iter().filter(|c| c.gates).map(|c| c.verdict);
    verdicts.max().unwrap_or(Verdict::Inconclusive)
}

/// Tables for people: what was measured, or the comparison; and what failed.
pub(super) fn terminal(
    finished: &Finished,
    compared: Option<&[SpeedComparison]>,
    confidence: f64,
    look: &Look,
) -> String {
    let mut text = match compared {
        None if finished.new.is_empty() => String::new(),
        None => render_grid(&measured(&finished.new), look),
        Some([]) => String::new(),
        Some(compared) => comparison(compared, confidence, look),
    };
    for Failed { label, scenario, reason, .. } in &finished.failed {
        let scenario = scenario.as_ref().map_or(String::new(), |name| format!(", {name}"));
        text.push_str(&wrapped("FAILED ", &format!("{label}{scenario}: {reason}"), look));
    }
    text
}

/// A column of measures: title, on which measure, and how a value is shown.
type Shown = (Column, &'static str, fn(f64) -> String);

fn columns() -> Vec<Shown> {
    vec![
        (Column::number("Queries/s"), "queries_per_second", rate),
        (Column::number("Rows/s"), "end_to_end_rows_per_second", rate),
        (Column::number("Forward\nrows/s").gives_way(5), "rows_per_second", rate),
        (Column::number("Forward\ntokens/s").gives_way(4), "tokens_per_second", rate),
        (Column::number("p50 ms"), "latency_p50_seconds", milliseconds),
        (Column::number("p90 ms").gives_way(6), "latency_p90_seconds", milliseconds),
        (Column::number("p99 ms"), "latency_p99_seconds", milliseconds),
        (Column::number("p99.9 ms").gives_way(7), "latency_p99_9_seconds", milliseconds),
        (Column::number("Within\nbound"), "share_within_bound", percent),
        (Column::number("Tokenise\nms/row").gives_way(3), "tokenize_seconds_per_row", milliseconds),
        (Column::number("Peak RSS").gives_way(2), "peak_rss_bytes", memory),
        (Column::number("Peak\ndevice").gives_way(8), "peak_device_bytes", memory),
        (Column::number("J/row").gives_way(9), "energy_joules_per_row", |v| format!("{v:.3}")),
        (Column::number("MFU").gives_way(10), "mfu", percent),
    ]
}

/// Medians over repetitions, with the interval of the measure by which a scenario is known.
fn measured(records: &[BenchRecord]) -> Grid {
    let has = |name: &str| records.iter().any(|record| record.measures.contains_key(name));
    let shown: Vec<Shown> = columns().into_iter().filter(|(_, name, _)| has(name)).collect();
    let mut grid = Grid {
        columns: ["Model", "Task", "Scenario"].map(Column::text).to_vec(),
        rows: Vec::new(),
    };
    grid.columns.push(Column::text("On").gives_way(1));
    grid.columns.extend(shown.iter().map(|(column, ..)| column.clone()));
    for record in records {
        let (inputs, key) = (&record.inputs, &record.inputs.key);
        let threads = if inputs.threads == 1 { "thread" } else { "threads" };
        let on = format!("{} {}, {} {threads}", inputs.device, inputs.precision, inputs.threads);
        let mut row: Vec<Cell> = vec![
            key.model.as_str().into(),
            format!("{}/{}", key.task, key.split).into(),
            record.scenario.as_str().into(),
            on.into(),
        ];
        let main = record.scenario.parse().map_or("", main_measure);
        row.extend(shown.iter().map(|(_, name, show)| {
            let measure = record.measures.get(*name);
            measure.map_or_else(Cell::default, |m| value(m, *show, *name == main).into())
        }));
        grid.rows.push(row);
    }
    grid
}

fn value(measure: &Measure, show: fn(f64) -> String, with_interval: bool) -> String {
    match (measure.ci_low, measure.ci_high) {
        (Some(low), Some(high)) if with_interval => {
            format!("{}\n[{}, {}]", show(measure.median), show(low), show(high))
        }
        _ => show(measure.median),
    }
}

fn milliseconds(seconds: f64) -> String {
    let milliseconds = 1000.0 * seconds;
    match milliseconds {
        m if m >= 100.0 => format!("{m:.0}"),
        m if m >= 1.0 => format!("{m:.2}"),
        m => format!("{m:.4}"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

fn memory(size: f64) -> String {
    bytes(size as u64)
}

/// What decides, the worst first, and in one line what it comes to.
fn comparison(compared: &[SpeedComparison], confidence: f64, look: &Look) -> String {
    let mut gating: Vec<&SpeedComparison> = compared.iter().filter(|c| c.gates).collect();
    gating.sort_by_key(|c| std::cmp::Reverse(c.verdict));
    let shown = columns();
    let grid = Grid {
        columns: vec![
            Column::text("Cell"),
            Column::text("Scenario").gives_way(3),
            Column::text("Measure"),
            Column::number("Base").gives_way(2),
            Column::number("New").gives_way(2),
            Column::number("New / base"),
            Column::number(format!("{:.0}% interval", 100.0 * confidence)).gives_way(4),
            Column::number("p").gives_way(1),
            Column::number("Detectable").gives_way(1),
            Column::text("Verdict"),
        ],
        rows: gating.iter().map(|c| row(c, &shown)).collect(),
    };
    let mut text = render_grid(&grid, look);
    let count = |verdict| gating.iter().filter(|c| c.verdict == verdict).count();
    let counts = [
        (count(Verdict::Regression), "worse"),
        (count(Verdict::Improvement), "better"),
        (count(Verdict::Inconclusive), "inconclusive"),
        (count(Verdict::Pass), "within the margin"),
    ];
    let counts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    text.push_str(&wrapped("", &counts.collect::<Vec<_>>().join(", "), look));
    text
}

fn row(c: &SpeedComparison, shown: &[Shown]) -> Vec<Cell> {
    let show = shown.iter().find(|(_, name, _)| *name == c.measure);
    let show = |value: f64| show.map_or_else(|| value.to_string(), |(.., show)| show(value));
    let (text, tone) = match c.verdict {
        Verdict::Regression => ("worse", Tone::Bad),
        Verdict::Improvement => ("better", Tone::Good),
        Verdict::Pass => ("pass", Tone::Plain),
        Verdict::Inconclusive => ("inconclusive", Tone::Faint),
    };
    let interval = c.ci_low.zip(c.ci_high);
    let p = match c.verdict {
        Verdict::Improvement => c.p_improvement_adjusted,
        _ => c.p_regression_adjusted,
    };
    vec![
        c.label.as_str().into(),
        c.scenario.as_str().into(),
        c.measure.as_str().into(),
        show(c.base.value).into(),
        show(c.new.value).into(),
        format!("{:.4}", c.ratio).into(),
        interval.map_or(String::new(), |(low, high)| format!("[{low:.4}, {high:.4}]")).into(),
        p.map_or(String::new(), |p| format!("{p:.4}")).into(),
        c.minimum_detectable.map_or(String::new(), percent).into(),
        Cell::toned(text, tone),
    ]
}
