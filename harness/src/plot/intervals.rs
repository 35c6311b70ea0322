//! Values with their intervals, a row each, beside published ones.

use super::frame::{self, SIDE, WIDTH};
use super::legend::{self, Entry};
use super::rows::Rows;
use super::ruler::{Reach, Ruler};
use super::shape::Shape;
use super::svg::Svg;
use super::{Axis, Ranged, ticks};

const POINT: f64 = 4.5;
/// Half the height of the ends of an interval.
const CAP: f64 = 3.5;

/// A row for each value.
#[derive(Debug, Clone, Default)]
pub struct Intervals {
    /// What it shows, in a few words.
    pub title: String,
    /// The same for those who cannot see it.
    pub description: String,
    /// What the values are.
    pub axis: Axis,
    /// From top to bottom.
    pub rows: Vec<IntervalRow>,
}

/// A value with its interval.
#[derive(Debug, Clone, Default)]
pub struct IntervalRow {
    /// Its name, at the left.
    pub label: String,
    /// The value.
    pub at: Ranged,
    /// A published value, which has a mark of its own.
    pub reference: Option<f64>,
    /// What is said of it at the right; may be empty.
    pub note: String,
}

impl Intervals {
    /// The chart as one `<svg>` element.
    pub fn svg(&self) -> String {
        let entries = self.entries();
        let width = WIDTH - 2.0 * SIDE;
        let rows = Rows::new(
            frame::TITLE + legend::height(&entries, width),
            self.rows.iter().map(|row| row.label.as_str()),
            self.rows.iter().map(|row| row.note.as_str()),
        );
        let mut svg = Svg::new(WIDTH, rows.height(), &self.title, &self.description);
        frame::title(&mut svg, WIDTH, &self.title);
        legend::draw(&mut svg, (SIDE, frame::TITLE - 4.0), width, &entries);
        let values = self.rows.iter().flat_map(|row| row.at.all().chain(row.reference));
        let pixels = (rows.area.left, rows.area.right);
        let ruler = Ruler::over(&self.axis, values, Reach::ROOMY, pixels);
        let ticks = ruler.ticks_in_a_row(&self.axis, false);
        frame::horizontal_axis(&mut svg, rows.area, &self.axis, &ticks, true);
        if self.rows.is_empty() {
            frame::nothing(&mut svg, rows.area);
        }
        for (index, row) in self.rows.iter().enumerate() {
            rows.guide(&mut svg, index);
            rows.name(&mut svg, index, &row.label);
            rows.note(&mut svg, index, "kb-muted", &row.note);
            self.draw(&mut svg, row, rows.y(index), &ruler);
        }
        svg.finish()
    }

    fn entries(&self) -> Vec<Entry> {
        let drawable = |value: f64| super::ruler::drawable(self.axis.scale, value);
        if !self.rows.iter().any(|row| row.reference.is_some_and(drawable)) {
            return Vec::new();
        }
        let ours = Entry {
            line: Some("kb-whisker"),
            ..Entry::of_shape(Shape::Circle, "kb-c0", "measured, with its interval")
        };
        vec![ours, Entry::of_shape(Shape::Diamond, "kb-c1 kb-hollow", "published")]
    }

    fn draw(&self, svg: &mut Svg, row: &IntervalRow, y: f64, ruler: &Ruler) {
        whisker(svg, "kb-c0", &row.at, y, ruler);
        if let Some(published) = row.reference
            && let Some(x) = ruler.at(published)
        {
            let tooltip =
                format!("{}: published {}", row.label, ticks::value(&self.axis, published));
            // Larger than the value's own mark, so that one on top of the other shows both.
            Shape::Diamond.draw(svg, "kb-c1 kb-hollow", (x, y), POINT + 1.0, &tooltip);
        }
        if let Some(x) = ruler.at(row.at.value) {
            let tooltip = format!("{}: {}", row.label, row.at.text(&self.axis));
            Shape::Circle.draw(svg, "kb-c0", (x, y), POINT - 0.5, &tooltip);
        }
    }
}

/// An interval as a line from left to right with ends; nothing where one of them is missing or cannot be drawn.
pub(super) fn whisker(svg: &mut Svg, class: &str, at: &Ranged, y: f64, ruler: &Ruler) {
    let end = |value: Option<f64>| value.and_then(|value| ruler.at(value));
    if let (Some(low), Some(high)) = (end(at.low), end(at.high)) {
        let class = format!("kb-whisker {class}");
        svg.line(&class, (low, y), (high, y));
        for x in [low, high] {
            svg.line(&class, (x, y - CAP), (x, y + CAP));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_value_has_its_own_mark_and_is_explained() {
        let row = |reference| IntervalRow {
            label: "kcbert".into(),
            at: Ranged { value: 0.9, low: Some(0.89), high: Some(f64::NAN) },
            reference,
            note: String::new(),
        };
        let chart = |reference| Intervals { rows: vec![row(reference)], ..Intervals::default() };
        let with = chart(Some(0.91)).svg();
        assert!(with.contains("kcbert: published 0.91") && with.contains(">published</text>"));
        // Half an interval is none.
        assert!(!with.contains("NaN") && !with.contains("class=\"kb-whisker kb-c0\" x1=\"4"));
        for without in [chart(None), chart(Some(f64::NAN))] {
            assert!(!without.svg().contains("published"));
        }
    }
}
