//! A part of the page, and the charts that stand in it.

use super::writer::{Attributes, Html};

/// A chart as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its file's name, without the ending.
    pub name: String,
    /// The whole SVG element.
    pub svg: String,
}

/// A part of the page with a heading, to which the navigation leads.
#[derive(Debug)]
pub(super) struct Section {
    /// Its place in the page: `#id`.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: &'static str,
    /// What it shows, in a sentence below the heading.
    lead: String,
    /// Its content.
    pub(super) body: Html,
    /// Its charts, in the order of the page.
    pub(super) figures: Vec<Figure>,
    /// Style sheets of its charts, each once.
    pub(super) styles: Vec<String>,
}

impl Section {
    /// An empty section.
    pub(super) fn new(id: &'static str, title: &'static str, lead: impl Into<String>) -> Self {
        Self {
            id,
            title,
            lead: lead.into(),
            body: Html::default(),
            figures: Vec::new(),
            styles: Vec::new(),
        }
    }

    /// Nothing, where nothing was written into it.
    pub(super) fn unless_empty(self) -> Option<Self> {
        (!self.body.is_empty()).then_some(self)
    }

    /// A heading within the section.
    pub(super) fn heading(&mut self, title: &str) {
        self.body.leaf("h3", &[], title);
    }

    /// A chart. `name` and a number make its file's name. In the page all charts share one style sheet.
    pub(super) fn figure(&mut self, name: &str, svg: String) {
        let (without_style, style) = split_style(&svg);
        self.body.element("figure", &[("class", "chart"), ("tabindex", "0")], |html| {
            html.markup(&without_style);
        });
        let name = format!("{}-{:02}-{}", self.id, self.figures.len() + 1, file_name(name));
        if !self.styles.iter().any(|known| known == style) {
            self.styles.push(style.to_owned());
        }
        self.figures.push(Figure { name, svg });
    }

    /// Something that is folded until it is asked for.
    pub(super) fn folded(&mut self, title: &str, content: impl FnOnce(&mut Self)) {
        self.details(&[], title, content);
    }

    /// Something that can be folded away.
    pub(super) fn unfolded(&mut self, title: &str, content: impl FnOnce(&mut Self)) {
        self.details(&[("open", "")], title, content);
    }

    fn details(
        &mut self,
        attributes: Attributes<'_>,
        title: &str,
        content: impl FnOnce(&mut Self),
    ) {
        self.within("details", attributes, |section| {
            section.body.leaf("summary", &[], title);
            content(section);
        });
    }

    /// Charts side by side, where there is room.
    pub(super) fn gallery(&mut self, content: impl FnOnce(&mut Self)) {
        self.within("div", &[("class", "gallery")], content);
    }

    /// An element with whatever is written into the section meanwhile; nothing, where nothing is.
    fn within(&mut self, tag: &str, attributes: Attributes<'_>, content: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.body);
        content(self);
        let inner = std::mem::replace(&mut self.body, outer);
        if !inner.is_empty() {
            self.body.element(tag, attributes, |html| {
                html.append(&inner);
            });
        }
    }

    /// Writes the section.
    pub(super) fn write(&self, html: &mut Html) {
        let heading = format!("{}-heading", self.id);
        let attributes = [("id", self.id), ("aria-labelledby", heading.as_str())];
        html.element("section", &attributes, |html| {
            html.leaf("h2", &[("id", &heading)], self.title);
            if !self.lead.is_empty() {
                html.leaf("p", &[("class", "lead")], &self.lead);
            }
            html.append(&self.body);
        });
    }
}

/// An SVG without its style sheet, and the style sheet; nothing for one that has none.
fn split_style(svg: &str) -> (String, &str) {
    let (start, end) = ("<style>", "</style>");
    let parts = svg.split_once(start).and_then(|(before, rest)| {
        let (style, after) = rest.split_once(end)?;
        Some((format!("{before}{after}"), style))
    });
    parts.unwrap_or_else(|| (svg.to_owned(), ""))
}

/// Letters and digits of a name, in small letters, for a file's name: `KR-BERT (seed 1)` becomes `kr-bert-seed-1`.
fn file_name(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join("-").to_lowercase();
    // File systems end names at 255 bytes, and a Korean letter has three.
    let end = (0..=name.len().min(150)).rev().find(|end| name.is_char_boundary(*end));
    name[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_names_that_are_files() {
        let mut section = Section::new("a", "A", "");
        section.figure("../../KR-BERT (seed 1)/<b>", "<svg><style>a</style><g/></svg>".into());
        section.folded("More", |section| section.figure(&"가".repeat(99), "<svg/>".into()));
        assert_eq!(section.figures[0].name, "a-01-kr-bert-seed-1-b");
        assert_eq!(section.figures[1].name, format!("a-02-{}", "가".repeat(50)));
        assert!(section.figures[0].svg.contains("<style>a</style>"), "the file is whole");
        assert_eq!(section.styles, ["a", ""]);
        let html = section.body.into_string();
        assert!(html.contains("<svg><g/></svg>"), "{html}");
        assert!(html.contains("<summary>More</summary><figure"), "{html}");
    }
}
