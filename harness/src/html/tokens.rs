//! What tokenisers made of the texts.

use super::Report;
use super::names::{model_cell, task_name};
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use crate::record::CellRecord;
use crate::report::number::{grouped, percent};

/// The section; none where no tokeniser reported anything.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let rows: Vec<Row> = (report.material.cells.iter())
        .map(|cell| &cell.record)
        .filter(|record| record.tokens.total.is_some())
        .map(row)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut section = Section::new(
        "tokens",
        "Tokens",
        "Tokens with special tokens. Unknown tokens are what a vocabulary lacks; truncated rows lost their end.",
    );
    let table = Table {
        caption: "Tokens of each model's texts".into(),
        columns: vec![
            Column::text("Model"),
            Column::text("Task"),
            Column::number("Tokens"),
            Column::number("Tokens a row"),
            Column::number("Longest"),
            Column::number("Limit").about("tokens a sequence at most"),
            Column::number("Sequences"),
            Column::number("Unknown %"),
            Column::number("Truncated rows %"),
        ],
        rows,
        sortable: true,
    };
    table.write(&mut section.body);
    Some(section)
}

fn row(cell: &CellRecord) -> Row {
    let tokens = &cell.tokens;
    let count = |count: Option<u64>| Cell::number(count.map(|n| n as f64), |n| grouped(n as u64));
    let share = |part: Option<u64>, whole: Option<u64>| {
        let (part, whole) = (part?, whole.filter(|whole| *whole > 0)?);
        Some(part as f64 / whole as f64)
    };
    Row::from(vec![
        model_cell(cell),
        Cell::text(task_name(cell)),
        count(tokens.total),
        Cell::number(share(tokens.total, Some(cell.n)), |n| format!("{n:.1}")),
        count(tokens.max_len),
        count(Some(u64::from(cell.inputs.max_seq_len))),
        count(tokens.sequences),
        Cell::number(share(tokens.unknown_tokens, tokens.total), percent),
        Cell::number(share(tokens.truncated_rows, Some(cell.n)), percent),
    ])
}
