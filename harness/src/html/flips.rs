//! Rows that changed sides.

use super::chip::{Tone, chip};
use super::section::Section;
use super::table::{Cell, Column, Table};
use crate::compare::{CellComparison, Comparison, Flip, FlipKind, Flips};
use crate::report::number::{grouped, one_line};
use crate::text::shorten;

/// Characters of a text at most: a row is recognised by its beginning.
const TEXT: usize = 400;

/// Counts of both kinds, ordered by what was lost.
pub(super) fn cell(flips: &Flips) -> Cell {
    let net = flips.broken as f64 - flips.fixed as f64;
    Cell::text(format!("{} / {}", grouped(flips.broken), grouped(flips.fixed))).by(net)
}

/// The rows themselves, folded, a table a cell.
pub(super) fn write(section: &mut Section, comparison: &Comparison) {
    let with_rows: Vec<&CellComparison> =
        comparison.cells.iter().filter(|cell| !cell.flips.rows.is_empty()).collect();
    if with_rows.is_empty() {
        return;
    }
    section.heading("Rows that changed sides");
    for (index, cell) in with_rows.into_iter().enumerate() {
        let flips = &cell.flips;
        let title = format!(
            "{}: {} broken, {} fixed",
            one_line(&cell.label),
            grouped(flips.broken),
            grouped(flips.fixed)
        );
        let rows = |section: &mut Section| table(cell).write(&mut section.body);
        // The first shows what there is to see.
        if index == 0 {
            section.unfolded(&title, rows);
        } else {
            section.folded(&title, rows);
        }
    }
}

fn table(cell: &CellComparison) -> Table {
    let rows = &cell.flips.rows;
    let has_text = rows.iter().any(|flip| flip.text.is_some());
    let titles = ["Row", "Was", "Right", "Base", "New"];
    let mut columns = titles.map(Column::text).to_vec();
    if has_text {
        columns.push(Column::text("Text"));
    }
    let row = |flip: &Flip| {
        let said = |said: &Option<String>| {
            said.as_ref().map_or_else(Cell::none, |text| Cell::text(shorten(text, TEXT)))
        };
        let name = match &flip.id {
            Some(id) => format!("{} ({})", flip.i, one_line(id)),
            None => flip.i.to_string(),
        };
        let mut cells = vec![
            Cell::text(name).by(flip.i as f64),
            Cell::new(|html| match flip.kind {
                FlipKind::Broken => chip(html, Tone::Bad, "✗", "broken"),
                FlipKind::Fixed => chip(html, Tone::Better, "✓", "fixed"),
            }),
            Cell::text(shorten(&flip.gold, TEXT)),
            said(&flip.base),
            said(&flip.new),
        ];
        if has_text {
            cells.push(Cell::new(|html| {
                let text = flip.text.as_deref().unwrap_or_default();
                html.leaf("span", &[("class", "prose"), ("lang", "ko")], shorten(text, TEXT));
            }));
        }
        cells.into()
    };
    let caption =
        format!("{}: {} of the rows that changed sides", one_line(&cell.label), rows.len());
    Table { caption, columns, rows: rows.iter().map(row).collect(), sortable: true }
}
