//! Tables for a README or a pull request.

use super::Leaderboard;
use super::row::NUMERIC;

pub(super) fn render(leaderboard: &Leaderboard) -> String {
    let mut text = String::new();
    for (index, row) in leaderboard.texts().iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if index == 0 {
            let rules =
                (0..row.len()).map(|column| if NUMERIC.contains(&column) { "---:" } else { "---" });
            text.push_str(&format!("| {} |\n", rules.collect::<Vec<_>>().join(" | ")));
        }
    }
    if !leaderboard.notes.is_empty() {
        text.push('\n');
    }
    for (index, note) in leaderboard.notes.iter().enumerate() {
        // Backslashes, lest the mark become a link.
        text.push_str(&format!("- \\[{}\\] {}\n", index + 1, escape(note)));
    }
    text
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '|' | '\\' | '`' | '*' | '_' | '<' | '>') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
