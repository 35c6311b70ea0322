//! What a comparison of two runs came to, for every reader: a terminal, a pull request, a build server.

mod annotations;
mod counts;
mod differences;
mod explain;
mod junit;
mod line;
mod markdown;
mod terminal;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub use annotations::annotations;
pub(crate) use counts::summary;
pub(crate) use differences::{sentences as other_differences, short};
pub(crate) use explain::INCONCLUSIVE;

use super::Look;
use crate::compare::{Comparison, Gate, Policy};
use crate::error::Error;

/// A comparison with the gate's verdict on it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The comparison.
    pub comparison: &'a Comparison,
    /// The verdict.
    pub gate: &'a Gate,
    /// By which it was made.
    pub policy: &'a Policy,
}

/// The formats of comparisons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ComparisonFormat {
    /// A table for reading in a terminal
    #[default]
    Terminal,
    /// For a pull request or a step summary: what is not a pass in a table, the rest folded
    Markdown,
    /// As harness/schemas/comparison.schema.json says, numbers with all digits
    Json,
    /// JUnit XML: a test suite a task, a test case a cell and metric
    Junit,
}

/// Renders a comparison; `look` matters to the terminal alone. The text ends with a line end.
///
/// # Errors
/// Only when a number cannot be put into JSON.
pub fn render_judged(
    judged: &Judged<'_>,
    format: ComparisonFormat,
    look: &Look,
) -> Result<String, Error> {
    Ok(match format {
        ComparisonFormat::Terminal => terminal::render(judged, look),
        ComparisonFormat::Markdown => markdown::render(judged),
        ComparisonFormat::Json => serde_json::to_string_pretty(judged.comparison)? + "\n",
        ComparisonFormat::Junit => junit::render(judged),
    })
}
