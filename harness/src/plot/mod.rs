//! Charts as SVG, made without a browser.
//!
//! A chart is a plain struct of what it shows; `svg` gives one whole `<svg>` element that stands alone as a file and
//! inline in a page alike, any number of them on one page: nothing in it has an id, and its style sheet speaks of
//! `.kb-plot` alone. Colours are light, dark or the page's own (`style.rs`), and shapes or dashes stand beside them.
//! All text is escaped. Numbers that are none, and those that a logarithmic axis cannot hold, are left out.
//!
//! A file a chart: [`Scatter`], [`Intervals`], [`Differences`], [`Lines`], [`Histogram`], [`Heatmap`]. What they share
//! is in `ruler` (values to pixels), `ticks` (round numbers), `text` (widths), `frame` (axes), `legend`, `shape`,
//! `place` (names of points), `style` and `svg` (a writer that escapes).

mod differences;
mod frame;
mod heatmap;
mod histogram;
mod intervals;
mod legend;
mod lines;
mod marks;
mod place;
mod rows;
mod ruler;
mod scatter;
mod series;
mod shape;
mod style;
mod svg;
mod text;
mod ticks;

#[cfg(test)]
mod tests;

pub use differences::{DifferenceRow, Differences, Tone};
pub use heatmap::Heatmap;
pub use histogram::{Bin, Histogram};
pub use intervals::{IntervalRow, Intervals};
pub use lines::{LinePoint, LineSeries, LineStyle, Lines, Mark};
pub use scatter::{Scatter, ScatterPoint};

/// How values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal differences have equal lengths.
    #[default]
    Linear,
    /// Equal ratios have equal lengths; zero and negative values are left out.
    Log,
}

/// An axis: what it shows and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Axis {
    /// What is measured, with its unit: `rows/s`.
    pub label: String,
    /// How values lie on it.
    pub scale: Scale,
    /// Whether values are fractions, which are shown in percent.
    pub percent: bool,
}

/// A value and, where known, the interval around it. Ends that are no numbers are left out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ranged {
    /// The value.
    pub value: f64,
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl From<f64> for Ranged {
    fn from(value: f64) -> Self {
        Self { value, low: None, high: None }
    }
}
