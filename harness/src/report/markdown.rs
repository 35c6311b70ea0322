//! Tables for a README or a pull request.

use super::grid::Grid;

/// The grid; a cell of several lines has them with `<br>`.
pub(super) fn grid(grid: &Grid) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let text = |text: &str| text.trim().split('\n').map(escape).collect::<Vec<_>>().join("<br>");
    let mut lines = line(grid.columns.iter().map(|column| text(&column.title)).collect());
    let rules = grid.columns.iter().map(|column| if column.numeric { "---:" } else { "---" });
    lines.push_str(&line(rules.map(str::to_owned).collect()));
    for row in &grid.rows {
        lines.push_str(&line(row.iter().map(|cell| text(&cell.text)).collect()));
    }
    lines
}

/// Notes below a table; nothing when there are none.
pub(super) fn notes(notes: &[String]) -> String {
    let mut text = String::new();
    if !notes.is_empty() {
        text.push('\n');
    }
    for (index, note) in notes.iter().enumerate() {
        // Backslashes, lest the mark become a link.
        text.push_str(&format!("- \\[{}\\] {}\n", index + 1, escape(note)));
    }
    text
}

/// Text without markup.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '|' | '\\' | '`' | '*' | '_' | '<' | '>') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
