//! Published tables with ours beside them.

use super::Report;
use super::chip;
use super::leaderboard::list_of_notes;
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use crate::published::{ComparedCell, ComparedRow, Comparison, TableColumn};
use crate::report::number::{metric_text, one_line};

/// The section; none where no number of ours stands in any of the tables.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let mut section = Section::new(
        "published",
        "Published tables",
        "Ours beside what was published: identical within 0.01 points, reproduced where our interval lies within the \
         margin around it.",
    );
    for comparison in report.tables.iter().filter(|comparison| comparison.has_ours()) {
        section.heading(&one_line(&comparison.title));
        table(comparison).write(&mut section.body);
        list_of_notes(&mut section.body, &notes(comparison));
    }
    section.unless_empty()
}

/// The rows and columns in which a number of ours stands.
fn table(comparison: &Comparison) -> Table {
    let has_ours = |cell: &ComparedCell| cell.ours.is_some();
    let rows: Vec<&ComparedRow> =
        comparison.rows.iter().filter(|row| row.cells.iter().any(has_ours)).collect();
    let columns: Vec<(usize, &TableColumn)> = (comparison.columns.iter().enumerate())
        .filter(|(index, _)| rows.iter().any(|row| has_ours(&row.cells[*index])))
        .collect();
    let row = |row: &&ComparedRow| {
        let source = row.published.as_ref().map_or("", |source| &source.title);
        let name = Cell::new(|html| {
            html.leaf("span", &[("class", "model")], one_line(&row.label));
            html.leaf("span", &[("class", "below")], source);
        });
        let cells = columns.iter().map(|(index, column)| cell(column, &row.cells[*index]));
        Row::from(std::iter::once(name).chain(cells).collect::<Vec<_>>())
    };
    Table {
        caption: format!(
            "{}: ours, the published number, and the verdict (margin {} points)",
            one_line(&comparison.title),
            comparison.margin_points
        ),
        columns: std::iter::once(Column::text("Model"))
            .chain(columns.iter().map(|(_, column)| Column::number(column.label())))
            .collect(),
        rows: rows.iter().map(row).collect(),
        sortable: true,
    }
}

fn cell(column: &TableColumn, cell: &ComparedCell) -> Cell {
    let Some(ours) = &cell.ours else {
        return cell.published.as_ref().map_or_else(Cell::none, |published| {
            Cell::new(|html| {
                html.leaf("span", &[("class", "below")], published.text());
            })
        });
    };
    Cell::new(|html| {
        html.leaf("strong", &[], metric_text(&column.metric, ours.metric.value));
        if let Some(published) = &cell.published {
            html.leaf("span", &[("class", "below")], format!("published {}", published.text()));
        }
        if let Some(judgement) = cell.judgement {
            chip::published(html, judgement.verdict);
        }
    })
    .by(ours.metric.value)
}

/// The notes of the cells that are shown; a table's others are about numbers that nobody looks at here.
fn notes(comparison: &Comparison) -> Vec<String> {
    let shown = comparison.rows.iter().flat_map(|row| &row.cells).filter(|c| c.ours.is_some());
    let mut indices: Vec<usize> = shown.flat_map(|cell| cell.notes.iter().copied()).collect();
    indices.sort_unstable();
    indices.dedup();
    let note = |index: usize| comparison.notes.get(index).map(|note| one_line(note));
    indices.into_iter().filter_map(note).collect()
}
