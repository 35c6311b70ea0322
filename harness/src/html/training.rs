//! Trainings: how the loss went, and how the checkpoint was chosen.

use super::Report;
use super::material::Cell as CellOf;
use super::names::{model_cell, model_name, task_name};
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use crate::record::TrainingRecord;
use crate::report::number::{grouped, metric_text, one_line, percent, rate};
use crate::report::training_lines;

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
        "Loss of each step (faint) and smoothed, and evaluations on the way.",
    );
    table(&trained).write(&mut section.body);
    section.gallery(|section| {
        // Without its log, the table is all there is.
        for (cell, training) in trained.iter().filter(|(cell, _)| !cell.steps.is_empty()) {
            let title = format!("{} on {}", model_name(&cell.record), task_name(&cell.record));
            let chart = training_lines(&title, &cell.steps, &training.evaluations);
            section.figure(&title, chart.svg());
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
