//! Tables for terminals.

use std::io::IsTerminal;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table};

use super::Leaderboard;
use super::row::{NUMERIC, STATUS};

/// How the output may look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; tables are as wide as they need without.
    pub width: Option<u16>,
    /// Whether colour may be used. It never says what the text does not.
    pub colour: bool,
}

impl Look {
    /// What suits standard output: the width of the terminal, and colour where it is wanted
    /// (`NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` are respected).
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        let width = if stdout.is_terminal() { Table::new().width() } else { None };
        Self { width, colour }
    }
}

/// An empty table in kobench's style.
pub fn table(look: &Look) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).force_no_tty();
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if look.colour {
        table.enforce_styling();
    }
    table
}

pub(super) fn render(leaderboard: &Leaderboard, look: &Look) -> String {
    let mut table = table(look);
    let mut texts = leaderboard.texts().into_iter();
    if let Some(header) = texts.next() {
        table.set_header(header);
    }
    for (texts, row) in texts.zip(&leaderboard.rows) {
        let colour = if row.cause.is_some() { Color::Red } else { Color::Green };
        table.add_row(texts.into_iter().enumerate().map(|(column, text)| {
            let cell = Cell::new(text);
            if column == STATUS { cell.fg(colour) } else { cell }
        }));
    }
    for column in NUMERIC {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = format!("{}\n", table.trim_fmt());
    for (index, note) in leaderboard.notes.iter().enumerate() {
        text.push_str(&format!("[{}] {note}\n", index + 1));
    }
    text
}
