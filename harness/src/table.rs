//! Tables for people, in one style.

use comfy_table::{ContentArrangement, presets::UTF8_BORDERS_ONLY};
use std::fmt;

/// A table with a header.
#[derive(Debug)]
pub struct Table {
    inner: comfy_table::Table,
}

impl Table {
    /// A table with these columns. On a terminal it is as wide as that at most; elsewhere as wide as it
    /// has to be.
    pub fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        inner.set_header(columns);
        Self { inner }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.inner.add_row(cells);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.inner.row_count() == 0
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.inner.lines() {
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
