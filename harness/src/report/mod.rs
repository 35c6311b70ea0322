//! Tables of cells, in the format that their reader wants: the leaderboard, published tables with ours beside them,
//! throughput, and comparisons of two runs; and pictures of trainings.

mod comparison;
mod curve;
mod grid;
pub(crate) mod history;
mod latex;
pub(crate) mod leaderboard;
mod markdown;
pub mod number;
mod numbered;
pub(crate) mod regression;
mod sweep;
mod terminal;
mod throughput;

pub use comparison::render_comparison;
pub use curve::{training_curve, training_lines};
pub(crate) use grid::{Cell, Column, Grid, Tone};
pub use history::{HistoryFormat, change_text, render_history};
pub use leaderboard::{LeaderboardRow, MetricChoice, render, render_leaderboard};
pub(crate) use numbered::Numbered;
pub use regression::{ComparisonFormat, Judged, annotations, render_judged};
pub use sweep::render_sweep;
pub use terminal::{Look, table};
pub(crate) use terminal::{grid as render_grid, wrapped};
pub use throughput::{ThroughputRow, render_throughput};

/// The formats of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table for reading in a terminal.
    Terminal,
    /// A table for a README or a pull request.
    Markdown,
    /// One line a cell and metric, fractions with all digits.
    Csv,
    /// A table for a paper, with the booktabs package.
    Latex,
    /// As harness/schemas says (leaderboard, table, throughput), fractions with all digits.
    Json,
}

#[cfg(test)]
impl Format {
    pub(crate) const ALL: [Self; 5] =
        [Self::Terminal, Self::Markdown, Self::Csv, Self::Latex, Self::Json];
}
