//! Marked places of [`Lines`](super::Lines): a line from top to bottom, and what happened there above it.

use super::frame::{self, Area};
use super::lines::Mark;
use super::ruler::Ruler;
use super::shape::Shape;
use super::style::TextSize;
use super::svg::{Anchor, Label, Svg};
use super::text;

const LANE: f64 = 16.0;
/// Marks whose names have no room in so many lanes have them in their tooltips alone.
const LANES: usize = 3;
/// A longer name is cut.
const LONGEST: f64 = 220.0;
/// From a line to its name.
const GAP: f64 = 8.0;

/// What the names take of the height.
pub(super) fn height(marks: &[Mark]) -> f64 {
    match marks.len().min(LANES) {
        0 => 0.0,
        lanes => lanes as f64 * LANE + 6.0,
    }
}

/// A mark whose name has a place.
struct Named {
    at: f64,
    lane: usize,
    left: f64,
    right: f64,
}

impl Named {
    /// Whether the name lies over this place, with some room around it.
    fn covers(&self, x: f64) -> bool {
        (self.left - GAP..=self.right + GAP).contains(&x)
    }

    /// Whether both can stand: neither name on the other, and no line through a name.
    fn agrees_with(&self, other: &Self) -> bool {
        let apart = self.right + GAP < other.left || other.right + GAP < self.left;
        (self.lane != other.lane || apart)
            && (other.lane < self.lane || !self.covers(other.at))
            && (self.lane < other.lane || !other.covers(self.at))
    }
}

/// Draws the marks with their names above the area.
pub(super) fn draw(svg: &mut Svg, area: Area, x: &Ruler, marks: &[Mark]) {
    let mut drawn: Vec<(f64, &Mark)> =
        marks.iter().filter_map(|mark| Some((x.at(mark.x)?, mark))).collect();
    // From the right, for the names go to the right: each passes over the lines of those that are there.
    drawn.sort_by(|a, b| b.0.total_cmp(&a.0));
    let lanes = marks.len().min(LANES);
    let mut named: Vec<Named> = Vec::new();
    for (at, mark) in drawn {
        // A good mark is hollow and points up, a bad one is full and points down.
        let (class, toned, shape) = if mark.is_bad {
            ("kb-bad", "kb-toned kb-bad", Shape::Down)
        } else {
            ("kb-good", "kb-toned kb-good", Shape::Up)
        };
        let hollow = if mark.is_bad { "" } else { " kb-hollow" };
        let line = format!("kb-change {class}");
        let Some((place, anchor)) = place(at, &mark.label, area, lanes, &named) else {
            svg.line(&line, (at, area.top), (at, area.bottom));
            let mark_class = format!("{class}{hollow}");
            shape.draw(svg, &mark_class, (at, area.top + 5.0), 3.6, &mark.label);
            continue;
        };
        let y = area.top - 9.0 - place.lane as f64 * LANE;
        svg.line(&line, (at, y), (at, area.bottom));
        shape.draw(svg, &format!("{class}{hollow}"), (at, y), 3.6, &mark.label);
        let x = if anchor == Anchor::Start { place.left } else { place.right };
        let label = frame::label(anchor, TextSize::Small, toned, x, y + 4.0);
        svg.label(Label { max: LONGEST, ..label }, &mark.label);
        named.push(place);
    }
}

/// The lowest lane in which a name can stand, at the right of its line or at the left.
fn place(
    at: f64,
    label: &str,
    area: Area,
    lanes: usize,
    named: &[Named],
) -> Option<(Named, Anchor)> {
    let width = text::width(label, TextSize::Small).min(LONGEST);
    let sides = [(Anchor::Start, at + GAP), (Anchor::End, at - GAP - width)];
    (0..lanes).flat_map(|lane| sides.map(|side| (lane, side))).find_map(|(lane, (anchor, left))| {
        let place = Named { at, lane, left, right: left + width };
        let is_inside = left >= area.left && place.right <= area.right + 8.0;
        let is_free = is_inside && named.iter().all(|other| place.agrees_with(other));
        is_free.then_some((place, anchor))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, right: 600.0, top: 60.0, bottom: 300.0 };

    #[test]
    fn names_that_are_near_each_other_go_to_different_lanes() {
        let mut named = Vec::new();
        let mut lanes = Vec::new();
        for at in [560.0, 300.0, 280.0, 260.0, 250.0] {
            if let Some((place, anchor)) = place(at, "accuracy −1.2", AREA, LANES, &named) {
                lanes.push((place.lane, anchor == Anchor::Start));
                named.push(place);
            }
        }
        // The first has no room at its right.
        assert_eq!(lanes[..2], [(0, false), (0, true)]);
        for (index, one) in named.iter().enumerate() {
            assert!(named[..index].iter().all(|other| one.agrees_with(other)));
        }
    }
}
