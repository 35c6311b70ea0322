//! A row of samples with their names, for what cannot be written beside the data itself.

use super::shape::Shape;
use super::style::TextSize;
use super::svg::{Anchor, Label, Svg};
use super::text;

const ROW: f64 = 20.0;
const SAMPLE: f64 = 26.0;
const GAP: f64 = 18.0;
/// A longer name is cut.
const LONGEST: f64 = 220.0;

/// A sample and its name.
pub(super) struct Entry {
    /// Class that colours the sample; may be empty.
    pub(super) class: String,
    /// Class of the line of the sample.
    pub(super) line: Option<&'static str>,
    pub(super) shape: Option<Shape>,
    /// Whether the sample has a shaded ground.
    pub(super) band: bool,
    pub(super) label: String,
}

impl Entry {
    pub(super) fn of_shape(shape: Shape, class: impl Into<String>, label: &str) -> Self {
        let (class, label) = (class.into(), label.to_owned());
        Self { class, line: None, shape: Some(shape), band: false, label }
    }

    fn width(&self) -> f64 {
        SAMPLE + text::width(&self.label, TextSize::Small).min(LONGEST)
    }
}

/// Where each entry begins: pixels from the left, and its row.
fn layout(entries: &[Entry], width: f64) -> Vec<(f64, f64)> {
    let (mut x, mut row) = (0.0, 0.0);
    entries
        .iter()
        .map(|entry| {
            if x > 0.0 && x + entry.width() > width {
                (x, row) = (0.0, row + 1.0);
            }
            let at = (x, row);
            x += entry.width() + GAP;
            at
        })
        .collect()
}

/// The height of a legend in this width; zero without entries.
pub(super) fn height(entries: &[Entry], width: f64) -> f64 {
    layout(entries, width).last().map_or(0.0, |(_, row)| (row + 1.0) * ROW + 8.0)
}

/// Draws it with its upper left corner at `at`.
pub(super) fn draw(svg: &mut Svg, at: (f64, f64), width: f64, entries: &[Entry]) {
    for (entry, (dx, row)) in entries.iter().zip(layout(entries, width)) {
        let (x, y) = (at.0 + dx, at.1 + row * ROW + ROW / 2.0);
        if entry.band {
            svg.tag("rect")
                .class(&format!("kb-band {}", entry.class))
                .number("x", x)
                .number("y", y - 6.0)
                .number("width", 20.0)
                .number("height", 12.0)
                .empty();
        }
        if let Some(line) = entry.line {
            svg.line(&format!("{line} {}", entry.class), (x, y), (x + 20.0, y));
        }
        if let Some(shape) = entry.shape {
            shape.draw_sample(svg, &entry.class, (x + 10.0, y), 4.0);
        }
        let label = Label {
            x: x + SAMPLE,
            y: y + 4.0,
            anchor: Anchor::Start,
            size: TextSize::Small,
            class: "",
            max: LONGEST,
        };
        svg.label(label, &entry.label);
    }
}
