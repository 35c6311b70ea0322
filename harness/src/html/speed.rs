//! Measurements of speed: a table a scenario, and what disturbed them.

use super::Report;
use super::leaderboard::list_of_notes;
use super::section::Section;
use super::table::{Cell, Column, Table};
use crate::record::{BenchRecord, BenchSide, Measure};
use crate::report::number::{one_line, percent};
use crate::report::regression::words;

/// Latencies, the shortest first, and their columns' names.
const LATENCIES: [(&str, &str); 4] = [
    ("latency_p50_seconds", "p50"),
    ("latency_p90_seconds", "p90"),
    ("latency_p99_seconds", "p99"),
    ("latency_p99_9_seconds", "p99.9"),
];

/// Measures that every scenario may have, in the order of the columns.
const MEASURES: [(&str, &str); 9] = [
    ("queries_per_second", "Queries/s"),
    ("end_to_end_rows_per_second", "Rows/s"),
    ("rows_per_second", "Forward rows/s"),
    ("tokens_per_second", "Forward tokens/s"),
    ("tokenize_seconds_per_row", "Tokenise a row"),
    ("peak_rss_bytes", "Memory"),
    ("peak_device_bytes", "Device memory"),
    ("energy_joules_per_row", "J a row"),
    ("mfu", "MFU %"),
];

/// The section; none where nothing was measured.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let benches = &report.material.benches;
    if benches.is_empty() {
        return None;
    }
    let mut section = Section::new(
        "speed",
        "Speed",
        "Medians over repetitions of `kobench bench`, with the 95% interval of the median below.",
    );
    let mut scenarios: Vec<&str> = Vec::new();
    for bench in benches {
        if !scenarios.contains(&bench.scenario.as_str()) {
            scenarios.push(&bench.scenario);
        }
    }
    for scenario in scenarios {
        let of: Vec<&BenchRecord> = benches.iter().filter(|b| b.scenario == scenario).collect();
        section.heading(&one_line(scenario));
        table(scenario, &of).write(&mut section.body);
        let warnings = of.iter().flat_map(|bench| {
            let label = bench.inputs.key.label();
            bench.warnings.iter().map(move |warning| one_line(&format!("{label}: {warning}")))
        });
        list_of_notes(&mut section.body, &warnings.collect::<Vec<_>>());
    }
    Some(section)
}

fn table(scenario: &str, benches: &[&BenchRecord]) -> Table {
    let measured = |name: &str| benches.iter().any(|bench| bench.measures.contains_key(name));
    let columns: Vec<(&str, &str)> =
        (LATENCIES.iter().chain(&MEASURES)).filter(|(name, _)| measured(name)).copied().collect();
    let rows = benches.iter().map(|bench| {
        let (inputs, key) = (&bench.inputs, &bench.inputs.key);
        let side = match bench.side {
            None => "",
            Some(BenchSide::Base) => " · base",
            Some(BenchSide::New) => " · new",
        };
        let threads = if inputs.threads == 1 { "thread" } else { "threads" };
        let on = format!("{} {}, {} {threads}", inputs.device, inputs.precision, inputs.threads);
        let repetitions = bench.measures.values().map(|measure| measure.values.len()).max();
        let mut cells = vec![
            Cell::text(one_line(&format!("{}{side}", key.model))),
            Cell::text(one_line(&format!("{}/{}", key.task, key.split))),
            Cell::text(one_line(&on)),
        ];
        cells.extend(columns.iter().map(|(name, _)| {
            bench.measures.get(*name).map_or_else(Cell::none, |measure| value(name, measure))
        }));
        cells.push(Cell::number(repetitions.map(|n| n as f64), |n| n.to_string()));
        cells.into()
    });
    Table {
        caption: format!("Speed, scenario {}", one_line(scenario)),
        columns: ["Model", "Task", "Ran on"]
            .map(Column::text)
            .into_iter()
            .chain(columns.iter().map(|(_, title)| Column::number(*title)))
            .chain([Column::number("Repetitions")])
            .collect(),
        rows: rows.collect(),
        sortable: true,
    }
}

fn value(name: &str, measure: &Measure) -> Cell {
    let text = |value: f64| {
        if name == "mfu" { percent(value) } else { words::measured(name, value) }
    };
    Cell::new(|html| {
        html.text(text(measure.median));
        if let (Some(low), Some(high)) = (measure.ci_low, measure.ci_high) {
            let interval = format!("[{}, {}]", text(low), text(high));
            html.leaf("span", &[("class", "below")], interval);
        }
    })
    .by(measure.median)
}
