//! A writer of SVG elements that escapes all text and never writes a number that is none.

use std::fmt::Write as _;

use super::style::{STYLE, TextSize};
use super::text;

/// Coordinates beyond this are cut: renderers keep them in single precision.
const FARTHEST: f64 = 1e6;

/// One `<svg>` element while it is written.
pub(super) struct Svg {
    text: String,
}

/// To which side of its point a text goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text and where it stands: `y` is its baseline.
#[derive(Clone, Copy)]
pub(super) struct Label<'a> {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: Anchor,
    pub(super) size: TextSize,
    /// Further classes, which give the colour; may be empty.
    pub(super) class: &'a str,
    /// A longer text is cut to this many pixels, and is whole in the tooltip.
    pub(super) max: f64,
}

impl Svg {
    /// Begins a picture of `width` x `height` pixels, which shrinks with the page around it.
    pub(super) fn new(width: f64, height: f64, title: &str, description: &str) -> Self {
        let (width, height) = (number(width), number(height));
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kb-plot\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\">"
        );
        let mut svg = Self { text };
        svg.tag("title").text(title);
        svg.tag("desc").text(description);
        // Nothing in it needs escapes: it is ours.
        let _ = write!(svg.text, "<style>{}</style>", STYLE.as_str());
        svg.tag("rect").class("kb-surface").set("width", "100%").set("height", "100%").empty();
        svg
    }

    /// Begins an element; one of the methods that end it must follow.
    pub(super) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.text.push('<');
        self.text.push_str(name);
        Tag { svg: self, name }
    }

    /// Ends a group that [`Tag::open`] began.
    pub(super) fn close(&mut self) {
        self.text.push_str("</g>");
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.tag("line")
            .class(class)
            .number("x1", from.0)
            .number("y1", from.1)
            .number("x2", to.0)
            .number("y2", to.1)
            .empty();
    }

    /// A line through points.
    pub(super) fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::with_capacity(12 * points.len());
        for (index, (x, y)) in points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{command}{} {}", number(*x), number(*y));
        }
        self.tag("path").class(class).set("d", &path).empty();
    }

    /// A text, cut where it is longer than it may be. Nothing is written of an empty one.
    pub(super) fn label(&mut self, label: Label<'_>, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let shown = text::cut(text, label.size, label.max);
        let class = [label.size.class(), label.class].join(" ");
        let tag = self.tag("text").class(class.trim()).number("x", label.x).number("y", label.y);
        let tag = match label.anchor {
            Anchor::Start => tag,
            Anchor::Middle => tag.set("text-anchor", "middle"),
            Anchor::End => tag.set("text-anchor", "end"),
        };
        if shown == text {
            tag.text(text);
        } else {
            tag.titled_text(text, &shown);
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}

/// An element whose start tag is being written.
#[must_use]
pub(super) struct Tag<'a> {
    svg: &'a mut Svg,
    name: &'static str,
}

impl Tag<'_> {
    pub(super) fn class(self, class: &str) -> Self {
        self.set("class", class)
    }

    pub(super) fn set(self, name: &'static str, value: &str) -> Self {
        let _ = write!(self.svg.text, " {name}=\"");
        escape(&mut self.svg.text, value);
        self.svg.text.push('"');
        self
    }

    pub(super) fn number(self, name: &'static str, value: f64) -> Self {
        let value = number(value);
        self.set(name, &value)
    }

    /// Ends the element, which has no content.
    pub(super) fn empty(self) {
        self.svg.text.push_str("/>");
    }

    /// Ends the element with a tooltip, or without where `title` is empty.
    pub(super) fn titled(self, title: &str) {
        if title.trim().is_empty() {
            return self.empty();
        }
        self.titled_text(title, "");
    }

    /// Ends the element with a text in it.
    pub(super) fn text(self, text: &str) {
        self.svg.text.push('>');
        escape(&mut self.svg.text, text);
        let _ = write!(self.svg.text, "</{}>", self.name);
    }

    fn titled_text(self, title: &str, text: &str) {
        let Self { svg, name } = self;
        svg.text.push('>');
        svg.tag("title").text(title);
        escape(&mut svg.text, text);
        let _ = write!(svg.text, "</{name}>");
    }

    /// Leaves the element (a group) open until [`Svg::close`].
    pub(super) fn open(self) {
        self.svg.text.push('>');
    }
}

/// A coordinate with at most two decimals.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return "0".to_owned();
    }
    let rounded = (value.clamp(-FARTHEST, FARTHEST) * 100.0).round() / 100.0;
    // Adding zero turns -0 into 0.
    format!("{}", rounded + 0.0)
}

/// Text as the content of an element or an attribute. What XML 1.0 cannot hold is dropped, and so are marks that
/// change the direction of writing: they would reorder what stands beside them.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            '\u{fffe}' | '\u{ffff}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_something_else() {
        let written: Vec<String> =
            [1.005_1, -0.001, 12.0, f64::NAN, f64::INFINITY].map(number).into();
        assert_eq!(written, ["1.01", "0", "12", "0", "1000000"]);
    }

    #[test]
    fn text_cannot_leave_its_place() {
        let mut out = String::new();
        escape(&mut out, "<b a='1' c=\"2\">&\u{0}\u{1b}\u{202e}한\n글");
        assert_eq!(out, "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;한 글");
    }
}
