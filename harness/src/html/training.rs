//! Trainings: how the loss went, and how the checkpoint was chosen.

use super::Report;
use super::material::Cell as CellOf;
use super::names::{model_cell, model_name, task_name};
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use crate::plot::{Axis, LinePoint, LineSeries, LineStyle, Lines, Ranged, Scale};
use crate::record::{CellRecord, TrainingRecord, TrainingStep};
use crate::report::number::{
    grouped, is_fraction, metric_name, metric_text, one_line, percent, rate,
};

/// Points of a curve at most: more than a chart has pixels say nothing, and make the file large.
const POINTS: usize = 240;

/// The section; none where nothing was trained.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let trained: Vec<(&CellOf, &TrainingRecord)> = (report.material.cells.iter())
        .filter_map(|cell| Some((cell, cell.record.training.as_ref()?)))
        .collect();
    if trained.is_empty() {
        return None;
    }
    let mut section = Section::new(
        "training",
        "Training",
        "Loss of each step (faint), its running mean, and evaluations on the way.",
    );
    table(&trained).write(&mut section.body);
    section.gallery(|section| {
        for chart in trained.iter().filter_map(|(cell, training)| curve(cell, training)) {
            section.figure(&chart.title, chart.svg());
        }
    });
    Some(section)
}

fn table(trained: &[(&CellOf, &TrainingRecord)]) -> Table {
    let rows = trained.iter().map(|(cell, training)| {
        let selection = &training.selection;
        let chosen = selection
            .value
            .map(|value| format!("{} {}", selection.metric, metric_text(&selection.metric, value)));
        let speed = &training.throughput;
        Row::from(vec![
            model_cell(&cell.record),
            Cell::text(task_name(&cell.record)),
            Cell::text(one_line(&training.recipe.name)),
            Cell::number(Some(training.steps as f64), |n| grouped(n as u64)),
            Cell::number(Some(training.epochs), |n| format!("{n:.2}")),
            Cell::number(Some(training.final_loss), |n| format!("{n:.4}")),
            Cell::text(one_line(&selection.policy.replace('_', " "))),
            chosen.map_or_else(Cell::none, Cell::text),
            Cell::number(speed.rows_per_second, rate),
            Cell::number(Some(speed.step_seconds), |n| format!("{n:.1}")),
            Cell::number(speed.mfu, percent),
        ])
    });
    Table {
        caption: "How models were trained, and which checkpoint the scores are of".into(),
        columns: vec![
            Column::text("Model"),
            Column::text("Task"),
            Column::text("Recipe"),
            Column::number("Steps"),
            Column::number("Epochs"),
            Column::number("Last loss"),
            Column::text("Checkpoint"),
            Column::text("Chosen by"),
            Column::number("Rows/s"),
            Column::number("Seconds").about("in optimiser steps"),
            Column::number("MFU %").about("operations done, of the device's peak"),
        ],
        rows: rows.collect(),
        sortable: true,
    }
}

/// Loss over steps, and the evaluations' metric on an axis of its own; none without a log.
fn curve(cell: &CellOf, training: &TrainingRecord) -> Option<Lines> {
    let steps = &cell.steps;
    if steps.is_empty() {
        return None;
    }
    let mut series = vec![
        LineSeries {
            label: "loss of a step".into(),
            style: LineStyle::Faint,
            on_right: false,
            points: thinned(steps, 1),
        },
        LineSeries {
            label: "loss, running mean".into(),
            style: LineStyle::Line,
            on_right: false,
            points: thinned(steps, (steps.len() / 20).max(2)),
        },
    ];
    let metric = training.evaluations.first().map(|evaluation| evaluation.metric.as_str());
    let mut splits: Vec<&str> = Vec::new();
    for evaluation in &training.evaluations {
        if !splits.contains(&evaluation.split.as_str()) {
            splits.push(&evaluation.split);
        }
    }
    for split in splits {
        let of_split = training.evaluations.iter().filter(|evaluation| {
            evaluation.split == split && Some(evaluation.metric.as_str()) == metric
        });
        let point = |evaluation: &crate::record::EvaluationRecord| LinePoint {
            x: evaluation.step as f64,
            y: Ranged { value: evaluation.value, low: None, high: None },
            title: format!(
                "step {}: {}",
                evaluation.step,
                metric_text(&evaluation.metric, evaluation.value)
            ),
        };
        series.push(LineSeries {
            label: format!("{} on {split}", metric.unwrap_or_default()),
            style: LineStyle::Dots,
            on_right: true,
            points: of_split.map(point).collect(),
        });
    }
    let right = metric.map(|metric| Axis {
        label: metric_name(metric),
        scale: Scale::Linear,
        percent: is_fraction(metric),
    });
    Some(Lines {
        title: title(&cell.record),
        description: format!(
            "Training loss over {} steps, ending at {:.4}.",
            training.steps, training.final_loss
        ),
        x: Axis { label: "optimiser step".into(), scale: Scale::Linear, percent: false },
        y: Axis { label: "loss (nats)".into(), scale: Scale::Linear, percent: false },
        right,
        series,
        marks: Vec::new(),
        ticks: Vec::new(),
    })
}

fn title(cell: &CellRecord) -> String {
    format!("{} on {}", model_name(cell), task_name(cell))
}

/// The loss, as means over the last `window` steps, at [`POINTS`] steps at most; the last step is among them.
fn thinned(steps: &[TrainingStep], window: usize) -> Vec<LinePoint> {
    let every = steps.len().div_ceil(POINTS).max(1);
    let last = steps.len() - 1;
    let mean = |index: usize| {
        let part = &steps[(index + 1).saturating_sub(window)..=index];
        part.iter().map(|step| step.loss).sum::<f64>() / part.len() as f64
    };
    let point = |index: usize| LinePoint {
        x: steps[index].step as f64,
        y: Ranged { value: mean(index), low: None, high: None },
        title: String::new(),
    };
    (0..steps.len()).filter(|index| index % every == 0 || *index == last).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::training_step;

    #[test]
    fn long_logs_are_thinned_and_end_with_their_last_step() {
        let step = |step: u64| TrainingStep { step, loss: step as f64, ..training_step() };
        let steps: Vec<TrainingStep> = (1..=10_001).map(step).collect();
        let points = thinned(&steps, 3);
        assert!((POINTS - 10..=POINTS + 1).contains(&points.len()), "{}", points.len());
        let last = points.last().expect("points");
        assert_eq!((last.x, last.y.value), (10_001.0, 10_000.0), "the mean of the last three");
        assert_eq!(points[0].y.value, 1.0);
        assert_eq!(thinned(&steps[..1], 20).len(), 1);
    }
}
