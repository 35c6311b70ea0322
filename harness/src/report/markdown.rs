//! A leaderboard as a markdown table, for a README or a pull request.

use super::row::{COLUMNS, Leaderboard, texts};

impl Leaderboard {
    /// The table in GitHub's markdown; numbers to the right.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut out = line(&COLUMNS.map(ToString::to_string));
        let numbers = ["value", "n", "rows/s", "tokens/s", "threads"];
        let rule = COLUMNS
            .map(|c| if numbers.contains(&c) { "---:".to_string() } else { "---".to_string() });
        out.push_str(&line(&rule));
        for row in &self.rows {
            out.push_str(&line(&texts(row).map(|t| escape(&t))));
        }
        for note in &self.notes {
            out.push_str(&format!("\n- {}", escape(note)));
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        out
    }
}

/// A bar would end the cell, a line end the row.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing;

    #[test]
    fn every_line_has_the_same_cells_whatever_is_in_them() {
        let mut cell = testing::done();
        cell.inputs.key.model = "a|b".into();
        cell.warnings = vec!["two\nlines".into()];
        let text = Leaderboard::of(&[cell]).markdown();
        let bars = |l: &str| l.replace("\\|", "").matches('|').count();
        let table: Vec<&str> = text.lines().filter(|l| l.starts_with('|')).collect();
        assert_eq!(table.len(), 3);
        assert!(table.iter().all(|l| bars(l) == COLUMNS.len() + 1), "{text}");
        assert!(text.contains("two lines"), "{text}");
    }
}
