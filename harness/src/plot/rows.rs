//! What charts with a name a row share: room for names at the left and for notes at the right.

use super::frame::{self, Area, SIDE, WIDTH};
use super::style::TextSize;
use super::svg::{Anchor, Label, Svg};
use super::text;

/// Height of a row.
pub(super) const ROW: f64 = 24.0;
/// Room that names and notes take at most.
const NAMES: f64 = 260.0;
const NOTES: f64 = 210.0;
const GAP: f64 = 12.0;

/// Rows between `top` and the axis under them.
pub(super) struct Rows {
    pub(super) area: Area,
    names: f64,
    notes: f64,
}

impl Rows {
    /// Room for as many rows as there are names; an empty chart has the room of two.
    pub(super) fn new<'a>(
        top: f64,
        names: impl ExactSizeIterator<Item = &'a str>,
        notes: impl Iterator<Item = &'a str>,
    ) -> Self {
        let count = names.len().max(2);
        let widest = |texts: &mut dyn Iterator<Item = &'a str>, size: TextSize| {
            texts.map(|name| text::width(name, size)).fold(0.0, f64::max)
        };
        let mut names = names;
        let mut notes = notes;
        let names = widest(&mut names, TextSize::Base).min(NAMES);
        let notes = widest(&mut notes, TextSize::Small).min(NOTES);
        let left = SIDE + names + GAP;
        let right = WIDTH - SIDE - if notes > 0.0 { notes + GAP } else { 4.0 };
        // Half a tick's text hangs over where nothing stands at the side.
        let (left, right) = (left.max(SIDE + 24.0), right.min(WIDTH - SIDE - 24.0));
        let area = Area { left, right, top, bottom: top + count as f64 * ROW + 6.0 };
        Self { area, names, notes }
    }

    /// Height of the whole chart.
    pub(super) fn height(&self) -> f64 {
        self.area.bottom + frame::BOTTOM
    }

    /// The middle of a row.
    pub(super) fn y(&self, index: usize) -> f64 {
        self.area.top + 3.0 + (index as f64 + 0.5) * ROW
    }

    /// A line from name to note, which the eye can follow.
    pub(super) fn guide(&self, svg: &mut Svg, index: usize) {
        let y = self.y(index);
        svg.line("kb-gridline", (self.area.left, y), (self.area.right, y));
    }

    pub(super) fn name(&self, svg: &mut Svg, index: usize, name: &str) {
        let x = self.area.left - GAP;
        let at = frame::label(Anchor::End, TextSize::Base, "", x, self.y(index) + 4.0);
        svg.label(Label { max: self.names, ..at }, name);
    }

    pub(super) fn note(&self, svg: &mut Svg, index: usize, class: &str, note: &str) {
        let x = self.area.right + GAP;
        let at = frame::label(Anchor::Start, TextSize::Small, class, x, self.y(index) + 4.0);
        svg.label(Label { max: self.notes, ..at }, note);
    }
}
