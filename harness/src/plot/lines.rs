//! Series over steps or over runs: a training, a history.

use super::frame::{self, Area, SIDE, WIDTH};
use super::legend::{self, Entry};
use super::marks::Plan;
use super::ruler::{Reach, Ruler};
use super::series::{self, Paint};
use super::style::TextSize;
use super::svg::Svg;
use super::{Axis, Ranged, Scale, text};

/// Height of the data's area.
const HEIGHT: f64 = 260.0;
/// Ticks of a vertical axis, about.
const TICKS: usize = 6;
/// Room that the name of a point on the horizontal axis takes at most.
const NAME: f64 = 110.0;

/// Lines and points over a common axis.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// What it shows, in a few words.
    pub title: String,
    /// The same for those who cannot see it.
    pub description: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// A second vertical axis at the right, for the series that are on it.
    pub right: Option<Axis>,
    /// What is drawn; series with the same label share a colour, a shape and an entry of the legend.
    pub series: Vec<LineSeries>,
    /// Places that are marked from top to bottom.
    pub marks: Vec<Mark>,
    /// Names of 0, 1, 2.. on the horizontal axis; without names it has numbers.
    pub ticks: Vec<String>,
}

/// Points that belong together, in their order.
#[derive(Debug, Clone, Default)]
pub struct LineSeries {
    /// Its name; a series without one is not named in the legend.
    pub label: String,
    /// How it is drawn.
    pub style: LineStyle,
    /// Whether it belongs to the axis at the right.
    pub on_right: bool,
    /// Its points; at one that cannot be drawn the line is broken.
    pub points: Vec<LinePoint>,
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineStyle {
    /// A line; intervals are a band.
    #[default]
    Line,
    /// A thin pale line, for raw values behind a smoothed line.
    Faint,
    /// A mark for each point, not joined; intervals are whiskers.
    Dots,
    /// A dashed line.
    Dashed,
}

/// A point of a series.
#[derive(Debug, Clone, Default)]
pub struct LinePoint {
    /// Where it is on the horizontal axis.
    pub x: f64,
    /// Its value.
    pub y: Ranged,
    /// Its tooltip; may be empty.
    pub title: String,
}

/// A place on the horizontal axis: a change point.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    /// Where it is.
    pub x: f64,
    /// What happened there.
    pub label: String,
    /// Whether it was for the worse.
    pub is_bad: bool,
}

impl Lines {
    /// The chart as one `<svg>` element.
    pub fn svg(&self) -> String {
        let paints = series::paints(&self.series);
        let entries = self.entries(&paints);
        let width = WIDTH - 2.0 * SIDE;
        // What the texts of the axes take at the sides does not depend on the height; what marks take of the height
        // depends on the sides.
        let y = self.vertical(&self.y, false);
        let right = self.right.as_ref().map(|axis| (axis, self.vertical(axis, true)));
        let right_room = right
            .map_or(SIDE + 12.0, |(axis, ruler)| frame::room_for(&ruler.ticks(axis, TICKS, false)));
        let sides = (frame::room_for(&y.ticks(&self.y, TICKS, false)), WIDTH - right_room);
        let x = self.horizontal(sides);
        let marks = Plan::new((sides.0, sides.1 + 8.0), &x, &self.marks);

        let above = if self.has_axis_labels() { frame::ABOVE } else { 8.0 };
        let over = frame::TITLE + legend::height(&entries, width) + above;
        let top = over + marks.height();
        let area = Area { left: sides.0, right: sides.1, top, bottom: top + HEIGHT };
        let below = if self.x.label.is_empty() { frame::BOTTOM - 18.0 } else { frame::BOTTOM };
        let mut svg = Svg::new(WIDTH, area.bottom + below, &self.title, &self.description);
        frame::title(&mut svg, WIDTH, &self.title);
        legend::draw(&mut svg, (SIDE, frame::TITLE - 4.0), width, &entries);

        // Labels of axes stand above what is marked.
        let over = Area { top: over, ..area };
        let y = y.between(area.bottom, area.top);
        frame::vertical_axis(&mut svg, over, &self.y, &y.ticks(&self.y, TICKS, false));
        let right = right.map(|(axis, ruler)| (axis, ruler.between(area.bottom, area.top)));
        if let Some((axis, ruler)) = &right {
            frame::right_axis(&mut svg, over, axis, &ruler.ticks(axis, TICKS, false));
        }
        frame::horizontal_axis(&mut svg, area, &self.x, &self.x_ticks(&x), false);
        marks.draw(&mut svg, area);

        let mut is_empty = true;
        for (series, paint) in self.series.iter().zip(&paints) {
            let (axis, ruler) = match (&right, series.on_right) {
                (Some((axis, ruler)), true) => (*axis, ruler),
                _ => (&self.y, &y),
            };
            is_empty &= !series::draw(&mut svg, series, paint, (&self.x, axis), (&x, ruler));
        }
        if is_empty {
            frame::nothing(&mut svg, area);
        }
        svg.finish()
    }

    fn has_axis_labels(&self) -> bool {
        !self.y.label.is_empty() || self.right.as_ref().is_some_and(|axis| !axis.label.is_empty())
    }

    /// The points that can be drawn, with the axis that they are on.
    fn drawable(&self, on_right: bool) -> impl Iterator<Item = &LinePoint> {
        let has_right = self.right.is_some();
        self.series
            .iter()
            .filter(move |series| (series.on_right && has_right) == on_right)
            .flat_map(|series| &series.points)
            .filter(|point| super::ruler::drawable(self.x.scale, point.x))
    }

    /// A vertical axis, whose pixels are not known yet.
    fn vertical(&self, axis: &Axis, on_right: bool) -> Ruler {
        let values = self.drawable(on_right).flat_map(|point| point.y.all());
        Ruler::over(axis, values, Reach { margin: 0.06, zero_below: 0.5 }, (1.0, 0.0))
    }

    fn horizontal(&self, pixels: (f64, f64)) -> Ruler {
        if !self.ticks.is_empty() {
            let ends = [-0.5, self.ticks.len() as f64 - 0.5];
            return Ruler::over(&named(), ends, Reach::TIGHT, pixels);
        }
        let points = self.drawable(false).chain(self.drawable(true));
        let xs = points.map(|point| point.x).chain(self.marks.iter().map(|mark| mark.x));
        let has_dots = self.series.iter().any(|series| series.style == LineStyle::Dots);
        let margin = if has_dots { 0.02 } else { 0.0 };
        Ruler::over(&self.x, xs, Reach { margin, zero_below: 0.2 }, pixels)
    }

    /// Numbers, or as many names as have room beside each other.
    fn x_ticks(&self, x: &Ruler) -> Vec<(f64, String)> {
        if self.ticks.is_empty() {
            return x.ticks_in_a_row(&self.x, false);
        }
        let cut: Vec<String> =
            self.ticks.iter().map(|name| text::cut(name, TextSize::Small, NAME)).collect();
        let widest = cut.iter().map(|name| text::width(name, TextSize::Small)).fold(8.0, f64::max);
        let step = x.at_or_start(1.0) - x.at_or_start(0.0);
        let every = ((widest + 14.0) / step.max(1e-9)).ceil().max(1.0) as usize;
        cut.into_iter()
            .enumerate()
            .step_by(every)
            .filter_map(|(index, name)| Some((x.at(index as f64)?, name)))
            .collect()
    }

    /// A legend, unless there is but one name and the axis says it.
    fn entries(&self, paints: &[Paint]) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for (series, paint) in self.series.iter().zip(paints) {
            if series.label.is_empty() {
                continue;
            }
            let known = entries.iter_mut().find(|entry| entry.label == series.label);
            let (line, shape) = (series::line_class(series.style), paint.shape_of(series.style));
            match known {
                Some(entry) => {
                    // The line that is seen best stands for all.
                    if entry.line.is_none_or(|line| line == "kb-faint") {
                        entry.line = line.or(entry.line);
                    }
                    entry.shape = entry.shape.or(shape);
                }
                None => entries.push(Entry {
                    class: paint.class.to_owned(),
                    line,
                    shape,
                    band: false,
                    label: series.label.clone(),
                }),
            }
        }
        if entries.len() == 1 && entries[0].label == self.y.label { Vec::new() } else { entries }
    }
}

/// The axis of names.
fn named() -> Axis {
    Axis { label: String::new(), scale: Scale::Linear, percent: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(label: &str, style: LineStyle, values: &[f64]) -> LineSeries {
        let point =
            |(x, y): (usize, &f64)| LinePoint { x: x as f64, y: (*y).into(), title: String::new() };
        LineSeries {
            label: label.into(),
            style,
            on_right: false,
            points: values.iter().enumerate().map(point).collect(),
        }
    }

    #[test]
    fn series_of_one_name_share_a_colour_and_an_entry() {
        let chart = Lines {
            series: vec![
                series("loss", LineStyle::Faint, &[1.0, 0.5]),
                series("loss", LineStyle::Line, &[1.0, 0.7]),
                series("dev", LineStyle::Dots, &[0.5, 0.6]),
            ],
            ..Lines::default()
        };
        let svg = chart.svg();
        assert_eq!(svg.matches(">loss</text>").count(), 1);
        assert!(
            svg.contains("class=\"kb-faint kb-c0\"") && svg.contains("class=\"kb-line kb-c0\"")
        );
        assert_eq!(svg.matches("<circle").count(), 2, "a dot a point, none in the legend");
    }

    #[test]
    fn names_on_the_axis_are_thinned_until_they_fit() {
        let chart = Lines {
            series: vec![series("", LineStyle::Line, &[0.5; 40])],
            ticks: (0..40).map(|run| format!("2026-10-{run:02}")).collect(),
            ..Lines::default()
        };
        let named = chart.svg().matches("2026-10-").count();
        assert!((4..10).contains(&named), "{named}");
    }
}
