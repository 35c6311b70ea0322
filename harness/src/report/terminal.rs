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

/// Columns that give way on a narrow terminal, the first first.
const GIVE_WAY: [usize; 8] = [10, 11, 9, 8, 7, 6, 3, 2];

pub(super) fn render(leaderboard: &Leaderboard, look: &Look) -> String {
    let texts = leaderboard.texts();
    let mut shown: Vec<usize> = (0..texts.first().map_or(0, Vec::len)).collect();
    let mut left_out = Vec::new();
    let mut give_way = GIVE_WAY.into_iter();
    let table = loop {
        let table = build(leaderboard, &texts, &shown, look, None);
        let Some(width) = look.width.filter(|&width| natural_width(&table) > usize::from(width))
        else {
            break table;
        };
        match give_way.next() {
            Some(column) => {
                shown.retain(|&c| c != column);
                left_out.push(column);
            }
            // Wrapping is the last resort.
            None => break build(leaderboard, &texts, &shown, look, Some(width)),
        }
    };
    let mut text = format!("{}\n", table.trim_fmt());
    left_out.sort_unstable();
    if let (Some(width), false) = (look.width, left_out.is_empty()) {
        text.push_str(&left_out_lines(&texts, &left_out, width.into()));
    }
    for (index, note) in leaderboard.notes.iter().enumerate() {
        text.push_str(&format!("[{}] {note}\n", index + 1));
    }
    text
}

/// Characters of the table's top border.
fn natural_width(table: &Table) -> usize {
    table.lines().next().map_or(0, |line| line.chars().count())
}

/// What the columns that gave way would have said (their value, where it is the same in all rows), in lines
/// of at most `width` characters.
fn left_out_lines(texts: &[Vec<String>], columns: &[usize], width: usize) -> String {
    let mut rows = texts.iter();
    let (Some(header), Some(first)) = (rows.next(), rows.next()) else { return String::new() };
    let mut lines = String::new();
    let mut line = String::from("no room for:");
    for (place, &column) in columns.iter().enumerate() {
        let same = rows.clone().all(|row| row[column] == first[column]);
        let value = if same { first[column].as_str() } else { "(varies)" };
        let end = if place + 1 < columns.len() { "," } else { "" };
        let part = format!(" {} {value}{end}", header[column]);
        if line.chars().count() + part.chars().count() > width {
            lines.push_str(&line);
            lines.push('\n');
            line = " ".into();
        }
        line.push_str(&part);
    }
    lines + &line + "\n"
}

/// The table of some columns; as wide as it needs, unless a width is given.
fn build(
    leaderboard: &Leaderboard,
    texts: &[Vec<String>],
    shown: &[usize],
    look: &Look,
    width: Option<u16>,
) -> Table {
    let mut table = table(&Look { width, ..*look });
    let mut texts = texts.iter();
    if let Some(header) = texts.next() {
        table.set_header(shown.iter().map(|&column| &header[column]));
    }
    for (texts, row) in texts.zip(&leaderboard.rows) {
        let colour = if row.cause.is_some() { Color::Red } else { Color::Green };
        table.add_row(shown.iter().map(|&column| {
            let cell = Cell::new(&texts[column]);
            if column == STATUS { cell.fg(colour) } else { cell }
        }));
    }
    for (place, column) in shown.iter().enumerate() {
        if NUMERIC.contains(column)
            && let Some(column) = table.column_mut(place)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
