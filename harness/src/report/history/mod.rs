//! Numbers over many runs, as text.

mod csv;
pub(crate) mod layout;
mod sparkline;

use super::{Look, markdown, terminal};
use crate::error::Error;
use crate::history::History;

pub use layout::change_text;

/// The formats of histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HistoryFormat {
    /// A line a series for reading in a terminal, and what changed below.
    Terminal,
    /// The same for a README or a pull request.
    Markdown,
    /// One line a value, fractions with all digits.
    Csv,
    /// As harness/schemas/history.schema.json says, fractions with all digits.
    Json,
}

/// Renders a history. `look` matters to [`HistoryFormat::Terminal`] alone. The text ends with a line end.
///
/// # Errors
/// Only when a number cannot be put into JSON or CSV.
pub fn render_history(
    history: &History,
    format: HistoryFormat,
    look: &Look,
) -> Result<String, Error> {
    Ok(match format {
        HistoryFormat::Terminal => {
            let mut text = terminal::grid(&layout::table(history), look);
            for (direction, change) in layout::changes(history) {
                text.push_str(&terminal::wrapped(direction.mark(), &change, look));
            }
            text + &terminal::notes(&layout::notes(history), look)
        }
        HistoryFormat::Markdown => {
            let mut text = markdown::grid(&layout::table(history));
            let changes = layout::changes(history);
            if !changes.is_empty() {
                text.push('\n');
            }
            for (_, change) in changes {
                text.push_str(&format!("- {}\n", markdown::escape(&change)));
            }
            text + &markdown::notes(&layout::notes(history))
        }
        HistoryFormat::Csv => csv::render(history)?,
        HistoryFormat::Json => serde_json::to_string_pretty(history)? + "\n",
    })
}

#[cfg(test)]
mod tests;
