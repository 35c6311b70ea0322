//! Counts of a matrix: what was taken for what.

use super::frame::{self, SIDE};
use super::style::TextSize;
use super::svg::{Anchor, Label, Svg, number};
use super::text;
use crate::report::number::grouped;

const ROW: f64 = 28.0;
/// Least and greatest width of a column.
const NARROWEST: f64 = 28.0;
const WIDEST: f64 = 84.0;
/// Room that names take at most.
const NAMES: f64 = 170.0;
/// Least width of the whole.
const LEAST_WIDTH: f64 = 420.0;

/// A matrix of counts, coloured by the share of each in its row.
#[derive(Debug, Clone, Default)]
pub struct Heatmap {
    /// What it shows, in a few words.
    pub title: String,
    /// The same for those who cannot see it.
    pub description: String,
    /// What rows are: `gold`.
    pub row_title: String,
    /// What columns are: `predicted`.
    pub column_title: String,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A list a row with a count a column; what is missing is left out.
    pub counts: Vec<Vec<u64>>,
}

/// Where things are.
struct Layout {
    left: f64,
    top: f64,
    column: f64,
    /// Whether the names of columns are written upwards, for they are wider than the columns.
    upwards: bool,
    width: f64,
    height: f64,
}

impl Heatmap {
    /// The chart as one `<svg>` element; it is wider than other charts where it has many columns.
    pub fn svg(&self) -> String {
        let layout = self.layout();
        let mut svg = Svg::new(layout.width, layout.height, &self.title, &self.description);
        frame::title(&mut svg, layout.width, &self.title);
        self.names(&mut svg, &layout);
        for (row, counts) in self.counts.iter().take(self.rows.len()).enumerate() {
            // A sum that is too large for its type is no sum of rows that exist.
            let total = counts.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
            for (column, count) in counts.iter().take(self.columns.len()).enumerate() {
                self.cell(&mut svg, &layout, (row, column), *count, total);
            }
        }
        if self.rows.is_empty() || self.columns.is_empty() {
            let (x, y) = (layout.width / 2.0, layout.height / 2.0);
            let at = frame::label(Anchor::Middle, TextSize::Base, "kb-muted", x, y);
            svg.label(at, "no data");
        } else {
            legend(&mut svg, &layout);
        }
        svg.finish()
    }

    fn layout(&self) -> Layout {
        let widest = |names: &[String], size| {
            names.iter().map(|name| text::width(name, size)).fold(0.0, f64::max).min(NAMES)
        };
        let counts = self.counts.iter().flatten().copied().max().unwrap_or(0);
        let needed = text::width(&grouped(counts), TextSize::Small) + 10.0;
        let names = widest(&self.columns, TextSize::Small);
        // A few columns are as wide as their names; many would not fit.
        let roomy = match self.columns.len() {
            0..=4 => 64f64.max(names + 10.0),
            5..=8 => names + 10.0,
            _ => 0.0,
        };
        let column = needed.max(roomy).clamp(NARROWEST, WIDEST);
        let upwards = names + 6.0 > column;
        let corner = text::width(&self.row_title, TextSize::Small).min(NAMES) + 16.0;
        let left = SIDE + widest(&self.rows, TextSize::Base).max(corner) + 10.0;
        let top = frame::TITLE + 24.0 + if upwards { names + 8.0 } else { 20.0 };
        let right = left + column * self.columns.len() as f64;
        let title = text::width(&self.title, TextSize::Title).min(560.0) + 2.0 * SIDE;
        let width = (right + SIDE).max(title).max(LEAST_WIDTH);
        let height = top + ROW * self.rows.len().max(1) as f64 + 52.0;
        Layout { left, top, column, upwards, width, height }
    }

    fn names(&self, svg: &mut Svg, layout: &Layout) {
        let title = |anchor, x, y| Label {
            max: NAMES + 16.0,
            ..frame::label(anchor, TextSize::Small, "kb-muted", x, y)
        };
        let y = frame::TITLE + 12.0;
        if !self.column_title.is_empty() {
            let text = format!("{} →", self.column_title);
            svg.label(title(Anchor::Start, layout.left, y), &text);
        }
        if !self.row_title.is_empty() {
            let text = format!("{} ↓", self.row_title);
            svg.label(title(Anchor::End, layout.left - 10.0, layout.top - 8.0), &text);
        }
        for (index, name) in self.rows.iter().enumerate() {
            let y = layout.top + (index as f64 + 0.5) * ROW + 4.0;
            let at = frame::label(Anchor::End, TextSize::Base, "", layout.left - 10.0, y);
            svg.label(Label { max: NAMES, ..at }, name);
        }
        for (index, name) in self.columns.iter().enumerate() {
            let x = layout.left + (index as f64 + 0.5) * layout.column;
            let y = layout.top - 8.0;
            let at =
                Label { max: NAMES, ..frame::label(Anchor::Middle, TextSize::Small, "", x, y) };
            if layout.upwards {
                let turn = format!("translate({} {}) rotate(-90)", number(x + 4.0), number(y));
                svg.tag("g").set("transform", &turn).open();
                svg.label(Label { x: 0.0, y: 0.0, anchor: Anchor::Start, ..at }, name);
                svg.close();
            } else {
                svg.label(at, name);
            }
        }
    }

    fn cell(&self, svg: &mut Svg, layout: &Layout, at: (usize, usize), count: u64, total: u64) {
        let x = layout.left + at.1 as f64 * layout.column;
        let y = layout.top + at.0 as f64 * ROW;
        let share = if total == 0 { 0.0 } else { count as f64 / total as f64 };
        let text = grouped(count);
        let tooltip = format!(
            "{} {}, {} {}: {text} ({:.1}% of the row)",
            self.row_title,
            self.rows[at.0],
            self.column_title,
            self.columns[at.1],
            100.0 * share
        );
        shade(svg, (x, y, layout.column, ROW), share, tooltip.trim());
        if text::width(&text, TextSize::Small) <= layout.column - 2.0 {
            let class = if share >= 0.5 {
                "kb-over"
            } else if count == 0 {
                "kb-muted"
            } else {
                ""
            };
            let (x, y) = (x + layout.column / 2.0, y + ROW / 2.0 + 4.0);
            svg.label(frame::label(Anchor::Middle, TextSize::Small, class, x, y), &text);
        }
    }
}

/// How much of the colour a share has. It jumps at one half, where the text on it changes from dark to light: between
/// the two lie colours on which neither could be read.
pub(super) fn depth(share: f64) -> f64 {
    if share >= 0.5 { 0.76 + 0.48 * (share - 0.5) } else { 0.04 + 0.92 * share }
}

fn shade(svg: &mut Svg, (x, y, width, height): (f64, f64, f64, f64), share: f64, tooltip: &str) {
    svg.tag("rect")
        .class("kb-cell kb-bar kb-heat")
        .number("x", x)
        .number("y", y)
        .number("width", width)
        .number("height", height)
        .number("fill-opacity", depth(share))
        .titled(tooltip);
}

/// The colours of five shares under the matrix.
fn legend(svg: &mut Svg, layout: &Layout) {
    let y = layout.height - 34.0;
    let text = |x, anchor| frame::label(anchor, TextSize::Small, "kb-muted", x, y + 11.0);
    svg.label(text(SIDE, Anchor::Start), "share of the row");
    let mut x = SIDE + text::width("share of the row", TextSize::Small) + 10.0;
    for percent in [0, 25, 50, 75, 100] {
        shade(svg, (x, y, 22.0, 14.0), f64::from(percent) / 100.0, "");
        svg.label(text(x + 26.0, Anchor::Start), &format!("{percent}%"));
        x += 56.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_and_their_share_of_the_row_is_told() {
        let chart = Heatmap {
            row_title: "gold".into(),
            column_title: "predicted".into(),
            rows: vec!["긍정".into(), "부정".into()],
            columns: vec!["긍정".into(), "부정".into()],
            counts: vec![vec![1500, 500], vec![0, 0], vec![7, 7]],
            ..Heatmap::default()
        };
        let svg = chart.svg();
        assert!(svg.contains("gold 긍정, predicted 부정: 500 (25.0% of the row)"));
        assert!(svg.contains(">1,500</text>") && !svg.contains(">7</text>"));
        assert_eq!(svg.matches("kb-cell kb-bar").count(), 4 + 5, "{svg}");
    }

    #[test]
    fn rows_that_are_short_and_sums_that_are_too_large_do_no_harm() {
        let chart = Heatmap {
            rows: vec!["a".into(), "b".into()],
            columns: vec!["a".into(), "b".into()],
            counts: vec![vec![u64::MAX, u64::MAX], vec![]],
            ..Heatmap::default()
        };
        assert!(chart.svg().ends_with("</svg>"));
        assert!(Heatmap::default().svg().contains("no data"));
    }
}
