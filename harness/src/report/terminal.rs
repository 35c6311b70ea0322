//! A leaderboard for a terminal.

use super::row::{COLUMNS, Leaderboard, texts};
use crate::table::Table;
use std::fmt;

impl fmt::Display for Leaderboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(COLUMNS);
        for row in &self.rows {
            table.row(texts(row));
        }
        write!(f, "{table}")?;
        for note in &self.notes {
            writeln!(f, "* {note}")?;
        }
        Ok(())
    }
}
