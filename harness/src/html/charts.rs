//! Accuracy against throughput, and all intervals side by side.

use super::Report;
use super::leaderboard::Group;
use super::names::{model_name, task_title};
use super::section::Section;
use crate::plot::{Axis, IntervalRow, Intervals, Ranged, Scale, Scatter, ScatterPoint};
use crate::record::MetricValue;
use crate::report::number::{is_fraction, less_is_better, metric_name, metric_text, rate};

/// The scores of a task need so many models before a picture says more than the table.
const MODELS: usize = 2;

/// Score against speed, a chart a task; none where nowhere two models were measured.
pub(super) fn speed_accuracy(report: &Report<'_>) -> Option<Section> {
    let mut section = Section::new(
        "tradeoff",
        "Accuracy and speed",
        "Further up is more accurate, further right is faster. The stepped line joins the models that no other beats in \
         both. Speeds of different machines, precisions or threads are not comparable.",
    );
    section.gallery(|section| {
        for group in Group::of(&report.cells) {
            // The front is drawn for scores of which more is better.
            if less_is_better(group.metric()) {
                continue;
            }
            let point = |(cell, value): (&crate::record::CellRecord, &MetricValue)| {
                let speed = cell.throughput.rows_per_second?;
                let x = Ranged { value: speed, low: None, high: None };
                let inputs = &cell.inputs;
                let group = format!("{} {}", inputs.device, inputs.precision);
                Some(ScatterPoint { label: model_name(cell), group, x, y: ranged(value) })
            };
            let points: Vec<ScatterPoint> = group.done().filter_map(point).collect();
            if points.len() < MODELS {
                continue;
            }
            let fastest = points.iter().map(|point| point.x.value).fold(0.0, f64::max);
            let title = task_title(report, group.cells[0]);
            let chart = Scatter {
                description: format!(
                    "{} models by rows per second and {}; the fastest does {} rows a second.",
                    points.len(),
                    group.metric(),
                    rate(fastest)
                ),
                x: Axis {
                    label: "rows per second (forward)".into(),
                    scale: Scale::Log,
                    percent: false,
                },
                y: axis(group.metric()),
                points,
                front: true,
                title: title.clone(),
            };
            section.figure(&title, chart.svg());
        }
    });
    section.unless_empty()
}

/// The intervals of all models, a chart a task; none where nowhere two models were measured.
pub(super) fn intervals(report: &Report<'_>) -> Option<Section> {
    let mut section = Section::new(
        "intervals",
        "Intervals",
        "Each model's score with its 95% interval over the rows. A second mark is a published number.",
    );
    section.gallery(|section| {
        for group in Group::of(&report.cells) {
            let row = |(cell, value): (&crate::record::CellRecord, &MetricValue)| IntervalRow {
                label: model_name(cell),
                at: ranged(value),
                reference: published(report, &cell.id, group.metric()),
                note: metric_text(group.metric(), value.value),
            };
            let rows: Vec<IntervalRow> = group.done().map(row).collect();
            if rows.len() < MODELS {
                continue;
            }
            let title = task_title(report, group.cells[0]);
            let chart = Intervals {
                description: format!("{} models, best first, with 95% intervals.", rows.len()),
                axis: axis(group.metric()),
                rows,
                title: title.clone(),
            };
            section.figure(&title, chart.svg());
        }
    });
    section.unless_empty()
}

fn axis(metric: &str) -> Axis {
    Axis { label: metric_name(metric), scale: Scale::Linear, percent: is_fraction(metric) }
}

fn ranged(value: &MetricValue) -> Ranged {
    Ranged { value: value.value, low: Some(value.ci_low), high: Some(value.ci_high) }
}

/// A published score of a cell's model as a fraction: the first of the tables.
fn published(report: &Report<'_>, id: &str, metric: &str) -> Option<f64> {
    let tables = report.tables.iter();
    let cells = tables
        .flat_map(|table| table.rows.iter().flat_map(|row| table.columns.iter().zip(&row.cells)));
    let mut of_cell = cells.filter(|(column, cell)| {
        column.metric == metric && cell.ours.as_ref().is_some_and(|ours| ours.id == id)
    });
    of_cell.find_map(|(_, cell)| Some(cell.published.as_ref()?.points()? / 100.0))
}
