//! Tables for terminals.

use std::io::IsTerminal;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Color, ContentArrangement, Table};
use unicode_width::UnicodeWidthStr;

use super::grid::{Grid, Tone};

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

    /// Whether a grid fits without breaking words.
    pub(super) fn fits(&self, grid: &Grid) -> bool {
        self.width.is_none_or(|width| natural_width(&build(grid, self, None)) <= width.into())
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

/// The grid; on a narrow terminal columns give way before words are broken, and are named below the table.
pub(crate) fn grid(grid: &Grid, look: &Look) -> String {
    let mut shown = grid.clone();
    let mut left_out = Vec::new();
    while !look.fits(&shown) {
        let next =
            shown.columns.iter().enumerate().filter(|(_, column)| column.gives_way.is_some());
        let Some((index, _)) = next.min_by_key(|(_, column)| column.gives_way) else { break };
        let place = grid.columns.iter().position(|column| *column == shown.columns[index]);
        left_out.extend(place);
        shown = shown.without(index);
    }
    // Wrapping is the last resort.
    let width = look.width.filter(|_| !look.fits(&shown));
    let mut text = format!("{}\n", build(&shown, look, width).trim_fmt());
    left_out.sort_unstable();
    if let (Some(width), false) = (look.width, left_out.is_empty()) {
        text.push_str(&left_out_lines(grid, &left_out, width.into()));
    }
    text
}

/// The notes below a table, numbered.
pub(super) fn notes(notes: &[String], look: &Look) -> String {
    let lines = notes.iter().enumerate();
    lines.map(|(index, note)| wrapped(&format!("[{}] ", index + 1), note, look)).collect()
}

/// Text in lines as wide as the terminal; `head` stands before the first, blanks of its width before the others.
pub(crate) fn wrapped(head: &str, text: &str, look: &Look) -> String {
    let indent = head.width();
    let room = look.width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(indent));
    let (mut lines, mut line) = (String::from(head), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() > room.max(20) {
            lines.push_str(&line);
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines + &line + "\n"
}

/// Columns of the table's top border.
fn natural_width(table: &Table) -> usize {
    table.lines().next().map_or(0, |line| line.as_str().width())
}

/// What the columns that gave way would have said (their value, where it is the same in all rows), in lines
/// of at most `width` columns.
fn left_out_lines(grid: &Grid, columns: &[usize], width: usize) -> String {
    let Some(first) = grid.rows.first() else { return String::new() };
    let mut lines = String::new();
    let mut line = String::from("no room for:");
    for (place, &column) in columns.iter().enumerate() {
        let same = grid.rows.iter().all(|row| row[column].text == first[column].text);
        let value = if same { first[column].text.as_str() } else { "(varies)" };
        let end = if place + 1 < columns.len() { "," } else { "" };
        let part = format!(" {} {value}{end}", grid.columns[column].line());
        if line.width() + part.width() > width {
            lines.push_str(&line);
            lines.push('\n');
            line = " ".into();
        }
        line.push_str(&part);
    }
    lines + &line + "\n"
}

/// The table; as wide as it needs, unless a width is given.
fn build(grid: &Grid, look: &Look, width: Option<u16>) -> Table {
    let mut table = table(&Look { width, ..*look });
    table.set_header(grid.columns.iter().map(|column| &column.title));
    for row in &grid.rows {
        table.add_row(row.iter().map(|cell| {
            let text = comfy_table::Cell::new(&cell.text);
            match cell.tone {
                Tone::Plain => text,
                Tone::Good => text.fg(Color::Green),
                Tone::Bad => text.fg(Color::Red),
                Tone::Faint => text.fg(Color::DarkGrey),
            }
        }));
    }
    for (place, column) in grid.columns.iter().enumerate() {
        if column.numeric
            && let Some(column) = table.column_mut(place)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_words_by_width() {
        let look = Look { width: Some(24), colour: false };
        let text = wrapped("[1] ", "한국어 모델은 넓은 글자로 적는다, and words stay whole", &look);
        assert!(text.lines().all(|line| line.width() <= 24), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("    ")), "{text}");
        assert_eq!(text.split_whitespace().count(), 10);
        assert_eq!(wrapped("", "a b", &Look::default()), "a b\n");
    }
}
