//! Differences of a comparison with their intervals, beside what is allowed.

use super::frame::{self, SIDE, WIDTH};
use super::intervals::whisker;
use super::legend::{self, Entry};
use super::rows::{ROW, Rows};
use super::ruler::{Reach, Ruler};
use super::shape::Shape;
use super::style::TextSize;
use super::svg::{Anchor, Svg};
use super::{Axis, Ranged};

const POINT: f64 = 4.5;

/// A row for each difference; zero is no change.
#[derive(Debug, Clone, Default)]
pub struct Differences {
    /// What it shows, in a few words.
    pub title: String,
    /// The same for those who cannot see it.
    pub description: String,
    /// What the differences are, new less base.
    pub axis: Axis,
    /// From top to bottom.
    pub rows: Vec<DifferenceRow>,
}

/// A difference with its interval and verdict.
#[derive(Debug, Clone, Default)]
pub struct DifferenceRow {
    /// What was compared.
    pub label: String,
    /// The difference.
    pub at: Ranged,
    /// How much worse is allowed, at least 0: drawn as a band at the worse side of zero.
    pub margin: f64,
    /// Which side is the worse: the left where more is better.
    pub higher_is_better: bool,
    /// The verdict, a sign and a word: `✗ regression`.
    pub mark: String,
    /// The colour and the shape of the verdict.
    pub tone: Tone,
}

/// What a verdict says of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// It is as it should be.
    Good,
    /// It is not.
    Bad,
    /// That cannot be said.
    Unsure,
    /// Nothing is said.
    #[default]
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "kb-good",
            Self::Bad => "kb-bad",
            Self::Unsure => "kb-unsure",
            Self::Plain => "kb-plain",
        }
    }

    fn shape(self) -> (Shape, &'static str) {
        match self {
            Self::Good => (Shape::Circle, ""),
            Self::Bad => (Shape::Diamond, ""),
            Self::Unsure => (Shape::Circle, " kb-hollow"),
            Self::Plain => (Shape::Square, ""),
        }
    }
}

impl DifferenceRow {
    /// The differences that are allowed: from the worst of them to zero, whichever is the smaller number.
    fn allowed(&self) -> Option<(f64, f64)> {
        let has_margin = self.margin.is_finite() && self.margin > 0.0;
        let range = if self.higher_is_better { (-self.margin, 0.0) } else { (0.0, self.margin) };
        has_margin.then_some(range)
    }
}

impl Differences {
    /// The chart as one `<svg>` element.
    pub fn svg(&self) -> String {
        let entries = self.entries();
        let width = WIDTH - 2.0 * SIDE;
        let rows = Rows::new(
            frame::TITLE
                + legend::height(&entries, width)
                + self.directions().map_or(0.0, |_| 16.0),
            self.rows.iter().map(|row| row.label.as_str()),
            self.rows.iter().map(|row| row.mark.as_str()),
        );
        let area = rows.area;
        let mut svg = Svg::new(WIDTH, rows.height(), &self.title, &self.description);
        frame::title(&mut svg, WIDTH, &self.title);
        legend::draw(&mut svg, (SIDE, frame::TITLE - 4.0), width, &entries);
        // A difference is a difference: there is no logarithm of it.
        let axis = Axis { scale: super::Scale::Linear, ..self.axis.clone() };
        let ends = |row: &DifferenceRow| row.allowed().map(|(low, high)| [low, high]);
        let values = self
            .rows
            .iter()
            .flat_map(|row| row.at.all().chain(ends(row).into_iter().flatten()))
            .chain([0.0]);
        // The axis must reach below zero even where all differences are positive.
        let reach = Reach { zero_below: 0.0, ..Reach::ROOMY };
        let ruler = Ruler::over(
            &Axis { percent: false, ..axis.clone() },
            values,
            reach,
            (area.left, area.right),
        );
        let ticks = ruler.ticks_in_a_row(&axis, true);
        frame::horizontal_axis(&mut svg, area, &axis, &ticks, true);
        let zero = ruler.at_or_start(0.0);
        if self.rows.is_empty() {
            frame::nothing(&mut svg, area);
        } else {
            self.say_directions(&mut svg, zero, &rows);
        }
        for (index, row) in self.rows.iter().enumerate() {
            rows.guide(&mut svg, index);
            let (Some((low, high)), y) = (row.allowed(), rows.y(index)) else { continue };
            let (left, right) = (ruler.at_or_start(low), ruler.at_or_start(high));
            svg.tag("rect")
                .class("kb-band kb-plain")
                .number("x", left)
                .number("y", y - ROW / 2.0 + 2.0)
                .number("width", right - left)
                .number("height", ROW - 4.0)
                .empty();
        }
        svg.line("kb-axis", (zero, area.top), (zero, area.bottom));
        for (index, row) in self.rows.iter().enumerate() {
            let (y, class) = (rows.y(index), row.tone.class());
            rows.name(&mut svg, index, &row.label);
            rows.note(&mut svg, index, &format!("kb-toned {class}"), &row.mark);
            whisker(&mut svg, class, &row.at, y, &ruler);
            if let Some(x) = ruler.at(row.at.value) {
                let (shape, hollow) = row.tone.shape();
                let tooltip = format!("{}: {} {}", row.label, row.at.text(&axis), row.mark);
                let class = format!("{class}{hollow}");
                shape.draw(&mut svg, &class, (x, y), POINT - 0.5, tooltip.trim_end());
            }
        }
        svg.finish()
    }

    fn entries(&self) -> Vec<Entry> {
        if !self.rows.iter().any(|row| row.allowed().is_some()) {
            return Vec::new();
        }
        vec![Entry {
            class: "kb-plain".to_owned(),
            line: None,
            shape: None,
            band: true,
            label: "loss that is allowed".to_owned(),
        }]
    }

    /// What is left and right of zero, where that is the same for all rows.
    fn directions(&self) -> Option<[&'static str; 2]> {
        let higher = self.rows.first()?.higher_is_better;
        let is_same = self.rows.iter().all(|row| row.higher_is_better == higher);
        is_same.then_some(if higher {
            ["← worse", "better →"]
        } else {
            ["← better", "worse →"]
        })
    }

    fn say_directions(&self, svg: &mut Svg, zero: f64, rows: &Rows) {
        let Some([left, right]) = self.directions() else { return };
        let y = rows.area.top - 5.0;
        let label = |anchor, x| frame::label(anchor, TextSize::Small, "kb-muted", x, y);
        svg.label(label(Anchor::End, zero - 8.0), left);
        svg.label(label(Anchor::Start, zero + 8.0), right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(higher_is_better: bool) -> Differences {
        let row = DifferenceRow {
            label: "nsmc".into(),
            at: Ranged { value: -0.01, low: Some(-0.02), high: Some(0.0) },
            margin: 0.005,
            higher_is_better,
            mark: "✗ regression".into(),
            tone: Tone::Bad,
        };
        let axis = Axis { percent: true, ..Axis::default() };
        Differences { axis, rows: vec![row], ..Differences::default() }
    }

    #[test]
    fn the_band_lies_at_the_worse_side_of_zero() {
        assert_eq!(chart(true).rows[0].allowed(), Some((-0.005, 0.0)));
        assert_eq!(chart(false).rows[0].allowed(), Some((0.0, 0.005)));
        assert!(chart(true).svg().contains("better →"));
        assert!(chart(false).svg().contains("← better"));
        let mut without = chart(true);
        for margin in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            without.rows[0].margin = margin;
            assert!(!without.svg().contains("class=\"kb-band"), "{margin}");
        }
    }

    #[test]
    fn rows_of_both_kinds_leave_the_directions_out() {
        let mut both = chart(true);
        both.rows.extend(chart(false).rows);
        assert!(!both.svg().contains("better →"));
        assert!(both.svg().contains("nsmc: −1.00% [−2.00%, 0.00%] ✗ regression"));
    }
}
