//! Places for the names of points, so that none covers a point or another name.

use super::frame::Area;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rect {
    /// A square around a point.
    pub(super) fn around((x, y): (f64, f64), r: f64) -> Self {
        Self { left: x - r, top: y - r, right: x + r, bottom: y + r }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn contains(&self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }
}

/// Where a name goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) rect: Rect,
    /// A line that leads from the point to a name that has no place beside it.
    pub(super) leader: Option<((f64, f64), (f64, f64))>,
}

/// What is in the way.
pub(super) struct Placer {
    area: Area,
    /// What may not be covered: points, names, and lines that lead to names.
    taken: Vec<Rect>,
    /// What should not be covered: whiskers, the front.
    avoided: Vec<Rect>,
    leaders: Vec<Rect>,
}

/// Steps of a line that is looked at, in pixels.
const STEP: f64 = 3.0;

impl Placer {
    pub(super) fn new(area: Area, taken: Vec<Rect>, avoided: Vec<Rect>) -> Self {
        Self { area, taken, avoided, leaders: Vec::new() }
    }

    /// The best free place for a name of this size at a point, which is taken by it; none where all is full.
    ///
    /// Beside the point are eight positions (Imhof 1975: right is the best), around these positions on circles
    /// further out, which a line connects.
    pub(super) fn place(
        &mut self,
        at: (f64, f64),
        r: f64,
        (width, height): (f64, f64),
    ) -> Option<Place> {
        let mut best: Option<(f64, Place)> = None;
        for (order, place) in candidates(at, r, width, height).into_iter().enumerate() {
            let cost = order as f64
                + 6.0
                    * self.avoided.iter().filter(|rect| rect.overlaps(&place.rect)).count() as f64;
            if best.is_none_or(|(least, _)| cost < least) && self.is_free(at, &place) {
                best = Some((cost, place));
            }
        }
        let (_, place) = best?;
        self.taken.push(place.rect);
        if let Some((from, to)) = place.leader {
            self.leaders.extend(along(from, to).map(|point| Rect::around(point, 1.0)));
        }
        Some(place)
    }

    fn is_free(&self, at: (f64, f64), place: &Place) -> bool {
        let rect = &place.rect;
        let inside = rect.left >= self.area.left + 2.0
            && rect.right <= self.area.right - 2.0
            && rect.top >= self.area.top + 2.0
            && rect.bottom <= self.area.bottom - 2.0;
        let clear = |(from, to)| {
            along(from, to).all(|point: (f64, f64)| {
                !self.taken.iter().any(|other| other.contains(point) && !other.contains(at))
                    && !self.leaders.iter().any(|other| other.contains(point))
            })
        };
        inside
            && !self.taken.iter().chain(&self.leaders).any(|other| other.overlaps(rect))
            && place.leader.is_none_or(clear)
    }
}

/// Places around a point, the best first.
fn candidates((x, y): (f64, f64), r: f64, width: f64, height: f64) -> Vec<Place> {
    let near = r + 3.0;
    let rect = |left: f64, top: f64| Rect { left, top, right: left + width, bottom: top + height };
    let middle = (x - width / 2.0, y - height / 2.0);
    // Clear of the square around the point, which is a pixel wider than it.
    let diagonal = r + 1.5;
    let mut places: Vec<Place> = [
        (x + near, middle.1),
        (x - near - width, middle.1),
        (middle.0, y - near - height),
        (middle.0, y + near),
        (x + diagonal, y - diagonal - height),
        (x + diagonal, y + diagonal),
        (x - diagonal - width, y - diagonal - height),
        (x - diagonal - width, y + diagonal),
    ]
    .map(|(left, top)| Place { rect: rect(left, top), leader: None })
    .into();
    for distance in [18.0, 30.0, 44.0, 60.0, 80.0] {
        for step in 0..16 {
            let (sin, cos) = (std::f64::consts::TAU * f64::from(step) / 16.0).sin_cos();
            let to = (x + cos * distance, y + sin * distance);
            // The name begins where the line ends, or ends there; above and below it is centred.
            let left = to.0 - width * (1.0 - cos) / 2.0 + cos * 3.0;
            let top = to.1 - height * (1.0 - sin) / 2.0 + sin * 1.0;
            let from = (x + cos * (r + 1.0), y + sin * (r + 1.0));
            places.push(Place { rect: rect(left, top), leader: Some((from, to)) });
        }
    }
    places
}

fn along(from: (f64, f64), to: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let steps = (length / STEP).ceil().clamp(1.0, 200.0);
    (0..=steps as usize).map(move |step| {
        let share = step as f64 / steps;
        (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, right: 400.0, top: 0.0, bottom: 300.0 };

    #[test]
    fn a_lone_name_stands_at_the_right_of_its_point_or_left_at_the_border() {
        let mut placer = Placer::new(AREA, vec![], vec![]);
        let place = placer.place((100.0, 100.0), 4.0, (50.0, 12.0)).unwrap();
        assert_eq!((place.rect.left, place.rect.top), (107.0, 94.0));
        let place = placer.place((390.0, 200.0), 4.0, (50.0, 12.0)).unwrap();
        assert_eq!((place.rect.right, place.leader), (383.0, None));
    }

    #[test]
    fn names_of_a_crowd_cover_neither_points_nor_each_other() {
        let points: Vec<(f64, f64)> = (0..20)
            .map(|i| (150.0 + 6.0 * f64::from(i % 5), 120.0 + 7.0 * f64::from(i / 5)))
            .collect();
        let marks: Vec<Rect> = points.iter().map(|point| Rect::around(*point, 4.0)).collect();
        let mut placer = Placer::new(AREA, marks.clone(), vec![]);
        let places: Vec<Place> =
            points.iter().filter_map(|point| placer.place(*point, 4.0, (60.0, 12.0))).collect();
        assert!(places.len() >= 6, "{}", places.len());
        for (index, place) in places.iter().enumerate() {
            assert!(!marks.iter().any(|mark| mark.overlaps(&place.rect)));
            assert!(!places[..index].iter().any(|other| other.rect.overlaps(&place.rect)));
        }
    }
}
