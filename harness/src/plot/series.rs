//! How one series of [`Lines`](super::Lines) is drawn.

use super::lines::{LineSeries, LineStyle};
use super::ruler::Ruler;
use super::shape::Shape;
use super::style;
use super::svg::Svg;
use super::{Axis, ticks};

const POINT: f64 = 3.4;

/// Colour and shape of a series.
pub(super) struct Paint {
    pub(super) class: &'static str,
    shape: Shape,
}

impl Paint {
    /// The mark of a series that has marks.
    pub(super) fn shape_of(&self, style: LineStyle) -> Option<Shape> {
        (style == LineStyle::Dots).then_some(self.shape)
    }
}

/// A colour for each name, in the order in which they come; a shape for each name that has marks.
pub(super) fn paints(series: &[LineSeries]) -> Vec<Paint> {
    let place = |names: &mut Vec<String>, label: &str| {
        // Series without names are not one series.
        if label.is_empty() || !names.iter().any(|name| name == label) {
            names.push(label.to_owned());
        }
        names.iter().rposition(|name| name == label).unwrap_or(0)
    };
    let (mut names, mut dotted) = (Vec::new(), Vec::new());
    series
        .iter()
        .map(|series| {
            let class = style::series(place(&mut names, &series.label));
            let shape = if series.style == LineStyle::Dots {
                Shape::of(place(&mut dotted, &series.label))
            } else {
                Shape::Circle
            };
            Paint { class, shape }
        })
        .collect()
}

/// The class of the line of a style.
pub(super) fn line_class(style: LineStyle) -> Option<&'static str> {
    match style {
        LineStyle::Line => Some("kb-line"),
        LineStyle::Faint => Some("kb-faint"),
        LineStyle::Dashed => Some("kb-dashed"),
        LineStyle::Dots => None,
    }
}

/// Draws a series; whether anything of it could be drawn.
pub(super) fn draw(
    svg: &mut Svg,
    series: &LineSeries,
    paint: &Paint,
    axes: (&Axis, &Axis),
    (x, y): (&Ruler, &Ruler),
) -> bool {
    let pieces = pieces(series, x, y);
    if series.style != LineStyle::Dots {
        for piece in &pieces {
            band(svg, paint.class, piece);
        }
    }
    for piece in &pieces {
        match line_class(series.style) {
            Some(class) if piece.len() > 1 => {
                let points: Vec<(f64, f64)> = piece.iter().map(|point| point.at).collect();
                svg.path(&format!("{class} {}", paint.class), &points);
            }
            // A line of one point would not be seen.
            Some(_) => {
                if let Some(point) = piece.first() {
                    paint.shape.draw_sample(svg, paint.class, point.at, POINT - 1.0);
                }
            }
            None => dots(svg, series, paint, axes, piece),
        }
    }
    !pieces.is_empty()
}

/// A point that can be drawn: its index, its place, and the ends of its interval.
struct Drawn {
    index: usize,
    at: (f64, f64),
    ends: Option<(f64, f64)>,
}

/// The series, broken where a point cannot be drawn.
fn pieces(series: &LineSeries, x: &Ruler, y: &Ruler) -> Vec<Vec<Drawn>> {
    let drawn: Vec<Option<Drawn>> = (series.points.iter().enumerate())
        .map(|(index, point)| {
            let at = (x.at(point.x)?, y.at(point.y.value)?);
            let end = |value: Option<f64>| value.and_then(|value| y.at(value));
            let ends = end(point.y.low).zip(end(point.y.high));
            Some(Drawn { index, at, ends })
        })
        .collect();
    let mut pieces = vec![Vec::new()];
    for point in drawn {
        match (point, pieces.last_mut()) {
            (Some(point), Some(piece)) => piece.push(point),
            _ => pieces.push(Vec::new()),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// The intervals of a piece as a shaded ground, over the longest runs of points that have one.
fn band(svg: &mut Svg, class: &str, piece: &[Drawn]) {
    for run in piece.split(|point| point.ends.is_none()).filter(|run| run.len() > 1) {
        let upper = run.iter().filter_map(|point| Some((point.at.0, point.ends?.1)));
        let lower = run.iter().rev().filter_map(|point| Some((point.at.0, point.ends?.0)));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        svg.path(&format!("kb-band {class}"), &outline);
    }
}

fn dots(svg: &mut Svg, series: &LineSeries, paint: &Paint, axes: (&Axis, &Axis), piece: &[Drawn]) {
    for Drawn { at, ends, .. } in piece {
        if let Some((low, high)) = ends {
            svg.line(&format!("kb-whisker {}", paint.class), (at.0, *low), (at.0, *high));
        }
    }
    for Drawn { index, at, .. } in piece {
        let point = &series.points[*index];
        let tooltip = if point.title.is_empty() {
            format!("{}: {}", ticks::value(axes.0, point.x), point.y.text(axes.1))
        } else {
            point.title.clone()
        };
        paint.shape.draw(svg, paint.class, *at, POINT, &tooltip);
    }
}
