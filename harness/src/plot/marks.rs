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
        (self.left - GAP / 2.0..=self.right + GAP / 2.0).contains(&x)
    }

    /// Whether both can stand: neither name on the other, and no line through a name.
    fn agrees_with(&self, other: &Self) -> bool {
        let apart = self.right + GAP < other.left || other.right + GAP < self.left;
        (self.lane != other.lane || apart)
            && (other.lane < self.lane || !self.covers(other.at))
            && (self.lane < other.lane || !other.covers(self.at))
    }
}

/// Where a mark is, and where its name is, if there is room for it.
type Placed<'a> = (f64, &'a Mark, Option<(Named, Anchor)>);

/// Marks that can be drawn, and where their names go.
pub(super) struct Plan<'a> {
    marks: Vec<Placed<'a>>,
}

impl<'a> Plan<'a> {
    /// Finds places for names between the borders `left` and `right`.
    pub(super) fn new((left, right): (f64, f64), x: &Ruler, marks: &'a [Mark]) -> Self {
        let mut drawn: Vec<(f64, &Mark)> =
            marks.iter().filter_map(|mark| Some((x.at(mark.x)?, mark))).collect();
        // From the right, for the names go to the right: each passes over the lines of those that are there.
        drawn.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut plan = Self { marks: Vec::new() };
        for (at, mark) in drawn {
            let place = plan.place(at, &mark.label, (left, right));
            plan.marks.push((at, mark, place));
        }
        plan
    }

    fn named(&self) -> impl Iterator<Item = &Named> {
        self.marks.iter().filter_map(|(.., place)| place.as_ref()).map(|(named, _)| named)
    }

    /// What the names take of the height.
    pub(super) fn height(&self) -> f64 {
        let lanes = self.named().map(|named| named.lane + 1).max().unwrap_or(0);
        if lanes == 0 { 0.0 } else { lanes as f64 * LANE + 6.0 }
    }

    /// The lowest lane in which a name can stand, at the right of its line or else at the left.
    fn place(&self, at: f64, label: &str, ends: (f64, f64)) -> Option<(Named, Anchor)> {
        let width = text::width(label, TextSize::Small).min(LONGEST);
        let sides = [(Anchor::Start, at + GAP), (Anchor::End, at - GAP - width)];
        sides.into_iter().flat_map(|side| (0..LANES).map(move |lane| (lane, side))).find_map(
            |(lane, (anchor, left))| {
                let place = Named { at, lane, left, right: left + width };
                let is_inside = left >= ends.0 && place.right <= ends.1;
                let is_free = is_inside && self.named().all(|other| place.agrees_with(other));
                is_free.then_some((place, anchor))
            },
        )
    }

    /// Draws the marks over the area, with their names above it.
    pub(super) fn draw(&self, svg: &mut Svg, area: Area) {
        for (at, mark, place) in &self.marks {
            // A good mark is hollow and points up, a bad one is full and points down.
            let (class, toned, shape, hollow) = if mark.is_bad {
                ("kb-bad", "kb-toned kb-bad", Shape::Down, "")
            } else {
                ("kb-good", "kb-toned kb-good", Shape::Up, " kb-hollow")
            };
            let y = match place {
                Some((named, _)) => area.top - 9.0 - named.lane as f64 * LANE,
                None => area.top + 5.0,
            };
            svg.line(&format!("kb-change {class}"), (*at, y), (*at, area.bottom));
            shape.draw(svg, &format!("{class}{hollow}"), (*at, y), 3.6, &mark.label);
            if let Some((named, anchor)) = place {
                let x = if *anchor == Anchor::Start { named.left } else { named.right };
                let label = frame::label(*anchor, TextSize::Small, toned, x, y + 4.0);
                svg.label(Label { max: LONGEST, ..label }, &mark.label);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Axis;
    use super::super::ruler::Reach;
    use super::*;

    #[test]
    fn names_that_are_near_each_other_go_to_different_lanes() {
        let mark = |x| Mark { x, label: "accuracy −1.2".into(), is_bad: true };
        let marks = [260.0, 560.0, 300.0, 280.0, 250.0, f64::NAN].map(mark);
        let ends = (0.0, 600.0);
        let x = Ruler::over(&Axis::default(), [0.0, 600.0], Reach::TIGHT, ends);
        let plan = Plan::new(ends, &x, &marks);
        assert_eq!(plan.marks.len(), 5);
        let places: Vec<(usize, bool)> = (plan.marks.iter())
            .filter_map(|(.., place)| place.as_ref())
            .map(|(named, anchor)| (named.lane, *anchor == Anchor::Start))
            .collect();
        // The first has no room at its right; 300, 280 and 260 stand above each other; 250 has its left side.
        assert_eq!(places, [(0, false), (0, true), (1, true), (2, true), (0, false)]);
        assert_eq!(plan.height(), 3.0 * LANE + 6.0);
    }
}
