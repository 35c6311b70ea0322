//! What the charts with axes share: the title, the area of the data, grid lines and the texts around them.

use super::Axis;
use super::style::TextSize;
use super::svg::{Anchor, Label, Svg};
use super::text;

/// Width of all charts but matrices, in pixels.
pub(super) const WIDTH: f64 = 760.0;
/// Free space at the borders.
pub(super) const SIDE: f64 = 16.0;
/// What a title takes of the height, with the space under it.
pub(super) const TITLE: f64 = 40.0;
/// What an axis at the bottom takes: ticks, its label, space.
pub(super) const BOTTOM: f64 = 50.0;
/// What the label of a vertical axis takes, which stands above it.
pub(super) const ABOVE: f64 = 24.0;

/// Where data is drawn.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn middle(&self) -> f64 {
        f64::midpoint(self.left, self.right)
    }
}

/// A text with the usual size and colour of its kind.
pub(super) fn label(anchor: Anchor, size: TextSize, class: &str, x: f64, y: f64) -> Label<'_> {
    Label { x, y, anchor, size, class, max: f64::INFINITY }
}

/// The title over the chart.
pub(super) fn title(svg: &mut Svg, width: f64, text: &str) {
    let at = label(Anchor::Start, TextSize::Title, "", SIDE, 25.0);
    svg.label(Label { max: width - 2.0 * SIDE, ..at }, text);
}

/// Room that the texts of ticks need beside a vertical axis.
pub(super) fn room_for(ticks: &[(f64, String)]) -> f64 {
    let widest = ticks.iter().map(|(_, text)| text::width(text, TextSize::Small));
    SIDE + widest.fold(16.0, f64::max) + 8.0
}

/// Grid lines from left to right with the texts of their ticks at the left, and the axis's label above.
pub(super) fn vertical_axis(svg: &mut Svg, area: Area, axis: &Axis, ticks: &[(f64, String)]) {
    for (y, text) in ticks {
        svg.line("kb-gridline", (area.left, *y), (area.right, *y));
        svg.label(label(Anchor::End, TextSize::Small, "kb-muted", area.left - 8.0, y + 4.0), text);
    }
    let at = label(Anchor::Start, TextSize::Small, "kb-muted", SIDE, area.top - 12.0);
    svg.label(Label { max: area.width() * 0.6, ..at }, &axis.label);
}

/// The second vertical axis, at the right: texts without lines.
pub(super) fn right_axis(svg: &mut Svg, area: Area, axis: &Axis, ticks: &[(f64, String)]) {
    for (y, text) in ticks {
        svg.line("kb-axis", (area.right, *y), (area.right + 4.0, *y));
        svg.label(
            label(Anchor::Start, TextSize::Small, "kb-muted", area.right + 8.0, y + 4.0),
            text,
        );
    }
    let at = label(Anchor::End, TextSize::Small, "kb-muted", WIDTH - SIDE, area.top - 12.0);
    svg.label(Label { max: area.width() * 0.4 - 16.0, ..at }, &axis.label);
}

/// The axis at the bottom: a line, ticks with texts, and the label under them; with lines through the area where
/// `grid` is set.
pub(super) fn horizontal_axis(
    svg: &mut Svg,
    area: Area,
    axis: &Axis,
    ticks: &[(f64, String)],
    grid: bool,
) {
    svg.line("kb-axis", (area.left, area.bottom), (area.right, area.bottom));
    for (x, text) in ticks {
        if grid {
            svg.line("kb-gridline", (*x, area.top), (*x, area.bottom));
        }
        svg.line("kb-axis", (*x, area.bottom), (*x, area.bottom + 4.0));
        svg.label(label(Anchor::Middle, TextSize::Small, "kb-muted", *x, area.bottom + 17.0), text);
    }
    let at = label(Anchor::Middle, TextSize::Small, "kb-muted", area.middle(), area.bottom + 36.0);
    svg.label(Label { max: area.width(), ..at }, &axis.label);
}

/// Says that there is nothing to draw, rather than leave it open whether something went wrong.
pub(super) fn nothing(svg: &mut Svg, area: Area) {
    let y = f64::midpoint(area.top, area.bottom) + 4.0;
    svg.label(label(Anchor::Middle, TextSize::Base, "kb-muted", area.middle(), y), "no data");
}
