//! Two numbers of each model against each other: accuracy against throughput.

use super::frame::{self, Area, SIDE, WIDTH};
use super::legend::{self, Entry};
use super::place::{Placer, Rect};
use super::ruler::{Reach, Ruler};
use super::shape::Shape;
use super::style::{self, TextSize};
use super::svg::{Anchor, Svg};
use super::{Axis, Ranged, text};

/// Height of the data's area.
const HEIGHT: f64 = 400.0;
/// Radius of a point.
const POINT: f64 = 4.5;
/// Names of more points than this would be a grey mass: then those of the front alone are written.
const NAMES: usize = 120;
/// A longer name is cut.
const LONGEST: f64 = 170.0;
/// Lines of a name, in pixels.
const NAME_HEIGHT: f64 = 13.0;

/// Points with names.
#[derive(Debug, Clone, Default)]
pub struct Scatter {
    /// What it shows, in a few words.
    pub title: String,
    /// The same for those who cannot see it.
    pub description: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn.
    pub points: Vec<ScatterPoint>,
    /// Whether the Pareto front is drawn: what no point beats on both axes, where more is better.
    pub front: bool,
}

/// A point with its name.
#[derive(Debug, Clone, Default)]
pub struct ScatterPoint {
    /// Its name.
    pub label: String,
    /// What it belongs to; each group has a colour and a shape.
    pub group: String,
    /// Its place on the horizontal axis.
    pub x: Ranged,
    /// Its place on the vertical axis.
    pub y: Ranged,
}

/// A point that can be drawn, and where.
struct Drawn<'a> {
    point: &'a ScatterPoint,
    group: usize,
    at: (f64, f64),
    is_front: bool,
}

impl Scatter {
    /// The chart as one `<svg>` element.
    pub fn svg(&self) -> String {
        let groups = self.groups();
        let entries = self.entries(&groups);
        let legend_height = legend::height(&entries, WIDTH - 2.0 * SIDE);
        let top = frame::TITLE + legend_height + frame::ABOVE;
        let bottom = top + HEIGHT;
        let mut svg = Svg::new(WIDTH, bottom + frame::BOTTOM, &self.title, &self.description);
        frame::title(&mut svg, WIDTH, &self.title);
        legend::draw(&mut svg, (SIDE, frame::TITLE), WIDTH - 2.0 * SIDE, &entries);

        let shown = || self.points.iter().filter(|point| self.is_drawable(point));
        let ys = shown().flat_map(|point| point.y.all());
        let y = Ruler::over(&self.y, ys, Reach::ROOMY, (bottom, top));
        let y_ticks = y.ticks(&self.y, 7, false);
        let area = Area { left: frame::room_for(&y_ticks), right: WIDTH - SIDE - 8.0, top, bottom };
        let xs = shown().flat_map(|point| point.x.all());
        let x = Ruler::over(&self.x, xs, Reach::ROOMY, (area.left, area.right));
        frame::vertical_axis(&mut svg, area, &self.y, &y_ticks);
        frame::horizontal_axis(&mut svg, area, &self.x, &x.ticks_in_a_row(&self.x, false), true);

        let front = self.front_of();
        let drawn: Vec<Drawn<'_>> = (self.points.iter().enumerate())
            .filter_map(|(index, point)| {
                let at = (x.at(point.x.value)?, y.at(point.y.value)?);
                let group = groups.iter().position(|group| *group == point.group)?;
                Some(Drawn { point, group, at, is_front: front.contains(&index) })
            })
            .collect();
        if drawn.is_empty() {
            frame::nothing(&mut svg, area);
        }
        let steps = if self.front { front_line(&drawn, area) } else { Vec::new() };
        if !steps.is_empty() {
            svg.path("kb-front", &steps);
        }
        let mut avoided = boxes_along(&steps);
        for point in &drawn {
            avoided.extend(whiskers(&mut svg, point, &x, &y));
        }
        for Drawn { point, group, at, .. } in &drawn {
            let tooltip = format!(
                "{}: {} {}, {} {}",
                point.label,
                self.x.label,
                point.x.text(&self.x),
                self.y.label,
                point.y.text(&self.y)
            );
            Shape::of(*group).draw(&mut svg, style::series(*group), *at, POINT, &tooltip);
        }
        names(&mut svg, area, &drawn, avoided);
        svg.finish()
    }

    fn is_drawable(&self, point: &ScatterPoint) -> bool {
        let drawable = super::ruler::drawable;
        drawable(self.x.scale, point.x.value) && drawable(self.y.scale, point.y.value)
    }

    /// Groups in the order in which they come.
    fn groups(&self) -> Vec<&str> {
        let mut groups = Vec::new();
        for point in self.points.iter().filter(|point| self.is_drawable(point)) {
            if !groups.contains(&point.group.as_str()) {
                groups.push(point.group.as_str());
            }
        }
        groups
    }

    fn entries(&self, groups: &[&str]) -> Vec<Entry> {
        let mut entries = Vec::new();
        if groups.len() > 1 {
            entries.extend(groups.iter().enumerate().map(|(index, group)| {
                Entry::of_shape(Shape::of(index), style::series(index), group)
            }));
        }
        if self.front && !groups.is_empty() {
            entries.push(Entry {
                class: String::new(),
                line: Some("kb-front"),
                shape: None,
                band: false,
                label: "Pareto front".to_owned(),
            });
        }
        entries
    }

    /// Indices of the points that no other beats on both axes (or on one, and is its equal on the other).
    fn front_of(&self) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.points.len()).filter(|index| self.is_drawable(&self.points[*index])).collect();
        let value = |index: usize| (self.points[index].x.value, self.points[index].y.value);
        order.sort_by(|a, b| {
            let ((ax, ay), (bx, by)) = (value(*a), value(*b));
            bx.total_cmp(&ax).then(by.total_cmp(&ay))
        });
        let mut best: Option<(f64, f64)> = None;
        order
            .into_iter()
            .filter(|index| {
                let (x, y) = value(*index);
                // Of equal points all are on it.
                let is_front = best.is_none_or(|best| y > best.1 || (x, y) == best);
                if is_front {
                    best = Some((x, y));
                }
                is_front
            })
            .collect()
    }
}

/// The corners of the front, from the left border at its highest point down to the bottom under its rightmost.
fn front_line(drawn: &[Drawn<'_>], area: Area) -> Vec<(f64, f64)> {
    let mut front: Vec<(f64, f64)> =
        drawn.iter().filter(|point| point.is_front).map(|point| point.at).collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(first) = front.first() else { return Vec::new() };
    let mut steps = vec![(area.left, first.1)];
    for pair in front.windows(2) {
        steps.extend([pair[0], (pair[0].0, pair[1].1)]);
    }
    steps.extend(front.last());
    steps.extend(front.last().map(|last| (last.0, area.bottom)));
    steps
}

/// Thin boxes around the straight pieces of a line.
fn boxes_along(steps: &[(f64, f64)]) -> Vec<Rect> {
    let pad = 1.0;
    steps
        .windows(2)
        .map(|pair| Rect {
            left: pair[0].0.min(pair[1].0) - pad,
            top: pair[0].1.min(pair[1].1) - pad,
            right: pair[0].0.max(pair[1].0) + pad,
            bottom: pair[0].1.max(pair[1].1) + pad,
        })
        .collect()
}

/// Draws the intervals of a point; what they cover.
fn whiskers(svg: &mut Svg, drawn: &Drawn<'_>, x: &Ruler, y: &Ruler) -> Vec<Rect> {
    let class = format!("kb-whisker {}", style::series(drawn.group));
    let ends = |ruler: &Ruler, at: &Ranged, middle: f64| {
        let end = |value: Option<f64>| value.and_then(|value| ruler.at(value)).unwrap_or(middle);
        (end(at.low), end(at.high))
    };
    let (cx, cy) = drawn.at;
    let (left, right) = ends(x, &drawn.point.x, cx);
    let (low, high) = ends(y, &drawn.point.y, cy);
    let mut covered = Vec::new();
    for (from, to) in [((left, cy), (right, cy)), ((cx, low), (cx, high))] {
        if from != to {
            svg.line(&class, from, to);
            covered.extend(boxes_along(&[from, to]));
        }
    }
    covered
}

/// Writes the names where there is room for them; the others are in the tooltips.
fn names(svg: &mut Svg, area: Area, drawn: &[Drawn<'_>], avoided: Vec<Rect>) {
    let taken = drawn.iter().map(|point| Rect::around(point.at, POINT + 1.0)).collect();
    let mut placer = Placer::new(area, taken, avoided);
    let mut order: Vec<&Drawn<'_>> =
        drawn.iter().filter(|point| point.is_front || drawn.len() <= NAMES).collect();
    order.sort_by_key(|point| !point.is_front);
    order.truncate(NAMES);
    for Drawn { point, at, .. } in order {
        let width = text::width(&point.label, TextSize::Small).min(LONGEST);
        if width == 0.0 {
            continue;
        }
        let Some(place) = placer.place(*at, POINT, (width + 2.0, NAME_HEIGHT)) else { continue };
        if let Some((from, to)) = place.leader {
            svg.line("kb-leader", from, to);
        }
        // Names at the left of their points end there, whatever the font's true width is.
        let centre = f64::midpoint(place.rect.left, place.rect.right);
        let (anchor, x) = if (centre - at.0).abs() < 0.3 * width {
            (Anchor::Middle, centre)
        } else if centre < at.0 {
            (Anchor::End, place.rect.right - 1.0)
        } else {
            (Anchor::Start, place.rect.left + 1.0)
        };
        let label = frame::label(anchor, TextSize::Small, "kb-halo", x, place.rect.bottom - 3.0);
        svg.label(super::svg::Label { max: LONGEST, ..label }, &point.label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, y: f64) -> ScatterPoint {
        ScatterPoint { label: "a".into(), group: "g".into(), x: x.into(), y: y.into() }
    }

    #[test]
    fn the_front_is_what_no_point_beats() {
        let points = vec![
            point(1.0, 0.9),
            point(2.0, 0.8),
            point(2.0, 0.7),
            point(3.0, 0.8),
            point(3.0, 0.8),
            point(4.0, 0.1),
            point(0.5, 0.9),
            point(f64::NAN, 2.0),
        ];
        let mut front = Scatter { points, front: true, ..Scatter::default() }.front_of();
        front.sort_unstable();
        assert_eq!(front, [0, 3, 4, 5]);
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out() {
        let mut chart =
            Scatter { points: vec![point(0.0, 1.0), point(10.0, 1.0)], ..Scatter::default() };
        assert_eq!(chart.svg().matches("<circle").count(), 2);
        chart.x.scale = super::super::Scale::Log;
        assert_eq!(chart.svg().matches("<circle").count(), 1);
        chart.points.truncate(1);
        assert!(chart.svg().contains("no data"));
    }
}
