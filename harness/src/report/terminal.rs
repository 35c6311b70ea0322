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
    text.push_str(&left_out_line(&texts, &left_out).unwrap_or_default());
    for (index, note) in leaderboard.notes.iter().enumerate() {
        text.push_str(&format!("[{}] {note}\n", index + 1));
    }
    text
}

/// Characters of the table's top border.
fn natural_width(table: &Table) -> usize {
    table.lines().next().map_or(0, |line| line.chars().count())
}

/// What the columns that gave way would have said: their value, where it is the same in all rows.
fn left_out_line(texts: &[Vec<String>], columns: &[usize]) -> Option<String> {
    let (header, rows) = texts.split_first()?;
    let one = |&column: &usize| {
        let first = rows.first().map(|row| &row[column])?;
        let same = rows.iter().all(|row| row[column] == *first);
        Some(if same {
            format!("{} {first}", header[column])
        } else {
            format!("{} (varies)", header[column])
        })
    };
    let parts: Vec<String> = columns.iter().filter_map(one).collect();
    (!parts.is_empty()).then(|| format!("no room for: {}\n", parts.join(", ")))
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
