//! How many values lie in which range.

use super::frame::{self, Area, SIDE, WIDTH};
use super::ruler::{Reach, Ruler};
use super::svg::Svg;
use super::{Axis, Scale, ticks};
use crate::report::number::grouped;

/// Height of the data's area.
const HEIGHT: f64 = 220.0;

/// Counts of ranges. The height of a bar is its count, whatever the range's width.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// What it shows, in a few words.
    pub title: String,
    /// The same for those who cannot see it.
    pub description: String,
    /// What the values are.
    pub axis: Axis,
    /// Ranges; the order does not matter.
    pub bins: Vec<Bin>,
}

/// A range and the number of values in it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// Where the range begins.
    pub from: f64,
    /// Where it ends; a range that does not end after its beginning is left out.
    pub to: f64,
    /// Values in it.
    pub count: u64,
}

impl Histogram {
    /// The chart as one `<svg>` element.
    pub fn svg(&self) -> String {
        let top = frame::TITLE + frame::ABOVE;
        let bottom = top + HEIGHT;
        let mut svg = Svg::new(WIDTH, bottom + frame::BOTTOM, &self.title, &self.description);
        frame::title(&mut svg, WIDTH, &self.title);
        let bins: Vec<&Bin> = self.bins.iter().filter(|bin| self.is_drawable(bin)).collect();
        let counts = Axis { label: "count".to_owned(), ..Axis::default() };
        let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
        let pixels = (bottom, top + 8.0);
        let y = Ruler::over(&counts, [0.0, most as f64], Reach::TIGHT, pixels);
        // Parts of a count are none.
        let y_ticks = y.ticks(&counts, usize::try_from(most.min(5)).unwrap_or(5), false);
        let area =
            Area { left: frame::room_for(&y_ticks), right: WIDTH - SIDE - 16.0, top, bottom };
        let x = Ruler::over(
            &self.axis,
            bins.iter().flat_map(|bin| [bin.from, bin.to]),
            Reach::TIGHT,
            (area.left, area.right),
        );
        frame::vertical_axis(&mut svg, area, &counts, &y_ticks);
        let ticks = x.ticks_in_a_row(&self.axis, false);
        frame::horizontal_axis(&mut svg, area, &self.axis, &ticks, false);
        if bins.is_empty() {
            frame::nothing(&mut svg, area);
        }
        for bin in bins {
            let (left, right) = (x.at_or_start(bin.from), x.at_or_start(bin.to));
            let height = bottom - y.at_or_start(bin.count as f64);
            // A gap between bars, but none that would eat them.
            let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
            let range = [bin.from, bin.to].map(|value| ticks::value(&self.axis, value));
            svg.tag("rect")
                .class("kb-bar kb-c0")
                .number("x", left + gap / 2.0)
                .number("y", bottom - height)
                .number("width", (right - left - gap).max(0.3))
                .number("height", height)
                .titled(&format!("{} to {}: {}", range[0], range[1], grouped(bin.count)));
        }
        svg.finish()
    }

    fn is_drawable(&self, bin: &Bin) -> bool {
        bin.from.is_finite()
            && bin.to.is_finite()
            && bin.from < bin.to
            // A range that begins at zero still has a place on a logarithmic axis: from its start.
            && (self.axis.scale == Scale::Linear || (bin.to >= f64::MIN_POSITIVE && bin.from >= 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_none_are_left_out() {
        let bin = |from, to| Bin { from, to, count: 3 };
        let bins = vec![bin(0.0, 10.0), bin(10.0, 20.0), bin(5.0, 5.0), bin(7.0, f64::INFINITY)];
        let mut chart = Histogram { bins, ..Histogram::default() };
        assert_eq!(chart.svg().matches("<rect class=\"kb-bar").count(), 2);
        assert!(chart.svg().contains("10 to 20: 3"));
        chart.axis.scale = Scale::Log;
        assert_eq!(chart.svg().matches("<rect class=\"kb-bar").count(), 2);
        chart.bins = vec![bin(-5.0, 5.0)];
        assert!(chart.svg().contains("no data"));
    }
}
