//! Marks of points: shapes stand beside colours, so that nothing rests on colour alone.

use super::svg::{Svg, number};

/// The shape of a mark.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Shape {
    Circle,
    Square,
    Diamond,
    Up,
    Down,
    Plus,
    Hexagon,
}

const ALL: [Shape; 7] = [
    Shape::Circle,
    Shape::Square,
    Shape::Up,
    Shape::Diamond,
    Shape::Down,
    Shape::Plus,
    Shape::Hexagon,
];

impl Shape {
    /// The shape of the group with this index. There are seven of them and six colours, which makes 42 pairs.
    pub(super) fn of(index: usize) -> Self {
        ALL[index % ALL.len()]
    }

    /// Writes the mark with `r` as the radius of a circle of the same area. `class` colours it; further, `kb-hollow`
    /// leaves its inside empty.
    pub(super) fn draw(self, svg: &mut Svg, class: &str, at: (f64, f64), r: f64, tooltip: &str) {
        if self == Self::Circle {
            svg.tag("circle")
                .class(&format!("kb-mark {class}"))
                .number("cx", at.0)
                .number("cy", at.1)
                .number("r", r)
                .titled(tooltip);
        } else {
            self.draw_path(svg, class, at, r, tooltip);
        }
    }

    /// As [`Shape::draw`] for a sample in a legend, which is no point of data: never a `<circle>`.
    pub(super) fn draw_sample(self, svg: &mut Svg, class: &str, at: (f64, f64), r: f64) {
        self.draw_path(svg, class, at, r, "");
    }

    fn draw_path(self, svg: &mut Svg, class: &str, (x, y): (f64, f64), r: f64, tooltip: &str) {
        let path = if self == Self::Circle {
            let (left, radius, width) = (number(x - r), number(r), number(2.0 * r));
            format!(
                "M{left} {}a{radius} {radius} 0 1 0 {width} 0a{radius} {radius} 0 1 0 -{width} 0Z",
                number(y)
            )
        } else {
            let corners: Vec<String> = self
                .corners()
                .iter()
                .map(|(dx, dy)| format!("{} {}", number(x + dx * r), number(y + dy * r)))
                .collect();
            format!("M{}Z", corners.join("L"))
        };
        svg.tag("path").class(&format!("kb-mark {class}")).set("d", &path).titled(tooltip);
    }

    /// The corners around the centre, in radii.
    fn corners(self) -> &'static [(f64, f64)] {
        match self {
            Self::Circle => &[],
            Self::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Up => &[(0.0, -1.3), (1.2, 0.85), (-1.2, 0.85)],
            Self::Down => &[(0.0, 1.3), (1.2, -0.85), (-1.2, -0.85)],
            Self::Plus => &[
                (-0.4, -1.3),
                (0.4, -1.3),
                (0.4, -0.4),
                (1.3, -0.4),
                (1.3, 0.4),
                (0.4, 0.4),
                (0.4, 1.3),
                (-0.4, 1.3),
                (-0.4, 0.4),
                (-1.3, 0.4),
                (-1.3, -0.4),
                (-0.4, -0.4),
            ],
            Self::Hexagon => &[
                (-1.1, 0.0),
                (-0.55, -0.95),
                (0.55, -0.95),
                (1.1, 0.0),
                (0.55, 0.95),
                (-0.55, 0.95),
            ],
        }
    }
}
