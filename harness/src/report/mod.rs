//! The leaderboard: cells as a table, in the format that its reader wants.

mod csv;
mod json;
mod markdown;
mod notes;
pub mod number;
mod row;
mod terminal;

pub use row::LeaderboardRow;
pub use terminal::{Look, table};

use crate::record::CellRecord;

/// The formats of a leaderboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table for reading in a terminal.
    Terminal,
    /// A table for a README or a pull request.
    Markdown,
    /// One line a cell, fractions with all digits.
    Csv,
    /// As harness/schemas/leaderboard.schema.json says, fractions with all digits.
    Json,
}

/// All of a leaderboard: rows in order, and the notes that they refer to.
#[derive(Debug, Clone, PartialEq)]
struct Leaderboard {
    rows: Vec<LeaderboardRow>,
    /// For each row, the indices of its notes.
    marks: Vec<Vec<usize>>,
    notes: Vec<String>,
}

/// Renders cells, best first within each task; failed cells come last in theirs, with their cause.
///
/// `look` matters to [`Format::Terminal`] alone. The text ends with a line end.
///
/// # Errors
/// Only when a number cannot be put into JSON or CSV.
pub fn render(
    cells: &[CellRecord],
    format: Format,
    look: &Look,
) -> Result<String, crate::error::Error> {
    let leaderboard = Leaderboard::new(cells);
    Ok(match format {
        Format::Terminal => terminal::render(&leaderboard, look),
        Format::Markdown => markdown::render(&leaderboard),
        Format::Csv => csv::render(&leaderboard)?,
        Format::Json => json::render(&leaderboard)?,
    })
}

impl Leaderboard {
    fn new(cells: &[CellRecord]) -> Self {
        let mut sorted: Vec<&CellRecord> = cells.iter().collect();
        sorted.sort_by(|a, b| row::order(a, b));
        let (mut notes, mut marks) = (Vec::new(), Vec::new());
        for cell in &sorted {
            let mark = |note: String| {
                notes.iter().position(|known| *known == note).unwrap_or_else(|| {
                    notes.push(note);
                    notes.len() - 1
                })
            };
            marks.push(notes::of(cell).into_iter().map(mark).collect());
        }
        Self { rows: sorted.into_iter().map(LeaderboardRow::new).collect(), marks, notes }
    }

    /// The cells of the table for people, header first.
    fn texts(&self) -> Vec<Vec<String>> {
        let header = row::HEADER.iter().map(|name| (*name).to_owned()).collect();
        let rows = self.rows.iter().zip(&self.marks).map(|(row, marks)| {
            let marks: String = marks.iter().map(|mark| format!(" [{}]", mark + 1)).collect();
            row.texts(&marks)
        });
        std::iter::once(header).chain(rows).collect()
    }
}

#[cfg(test)]
mod tests;
