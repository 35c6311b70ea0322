//! Tables: a caption, scopes, a region that scrolls by itself, and what the script sorts by.

use super::writer::{Html, html};

/// A table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// What it shows; read out by screen readers, and visible.
    pub(super) caption: String,
    /// Its columns.
    pub(super) columns: Vec<Column>,
    /// Its rows; the first cell names the row.
    pub(super) rows: Vec<Row>,
    /// Whether a reader may order and search its rows.
    pub(super) sortable: bool,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    title: String,
    is_number: bool,
    about: Option<&'static str>,
}

impl Column {
    /// A column of text.
    pub(super) fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), is_number: false, about: None }
    }

    /// A column of numbers, which stand right.
    pub(super) fn number(title: impl Into<String>) -> Self {
        Self { is_number: true, ..Self::text(title) }
    }

    /// What the column means, in a few words.
    pub(super) fn about(self, about: &'static str) -> Self {
        Self { about: Some(about), ..self }
    }
}

/// A row.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// A cell for each column.
    pub(super) cells: Vec<Cell>,
    /// A class of the style sheet: `is-bad`, `is-best`, or nothing.
    pub(super) class: &'static str,
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Self { cells, class: "" }
    }
}

/// A cell.
#[derive(Debug, Default)]
pub(super) struct Cell {
    content: Html,
    /// What it is ordered by, where that is not its text.
    key: Option<f64>,
}

impl Cell {
    /// A cell of markup.
    pub(super) fn new(content: impl FnOnce(&mut Html)) -> Self {
        Self { content: html(content), key: None }
    }

    /// A cell of text.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::new(|html| {
            html.text(text);
        })
    }

    /// Nothing: not measured, or not known.
    pub(super) fn none() -> Self {
        Self::new(|html| {
            html.leaf("span", &[("class", "none"), ("title", "not measured")], "–");
        })
    }

    /// A number as `show` writes it, ordered by its value.
    pub(super) fn number(value: Option<f64>, show: impl FnOnce(f64) -> String) -> Self {
        value.map_or_else(Self::none, |value| Self::text(show(value)).by(value))
    }

    /// Orders by a number.
    pub(super) fn by(self, key: f64) -> Self {
        Self { key: Some(key), ..self }
    }
}

impl Table {
    /// Writes the table.
    pub(super) fn write(&self, html: &mut Html) {
        let class = if self.sortable { "table sortable" } else { "table" };
        // Wide tables scroll by themselves, which the keyboard can do only with what can be focused.
        let region = [
            ("class", class),
            ("role", "region"),
            ("aria-label", &self.caption),
            ("tabindex", "0"),
        ];
        html.element("div", &region, |html| {
            html.element("table", &[], |html| {
                // The span stays in sight while the table is scrolled.
                html.element("caption", &[], |html| {
                    html.leaf("span", &[], &self.caption);
                });
                html.element("thead", &[], |html| {
                    html.element("tr", &[], |html| self.columns.iter().for_each(|c| head(c, html)));
                });
                html.element("tbody", &[], |html| self.rows.iter().for_each(|r| self.row(r, html)));
            });
        });
    }

    fn row(&self, row: &Row, html: &mut Html) {
        let class = [("class", row.class)];
        let class = if row.class.is_empty() { &[][..] } else { &class };
        html.element("tr", class, |html| {
            for (index, (cell, column)) in row.cells.iter().zip(&self.columns).enumerate() {
                let key = cell.key.map(|key| key.to_string());
                let mut attributes = Vec::new();
                if let Some(key) = key.as_deref() {
                    attributes.push(("data-key", key));
                }
                if column.is_number {
                    attributes.push(("class", "number"));
                }
                let tag = if index == 0 {
                    attributes.push(("scope", "row"));
                    "th"
                } else {
                    "td"
                };
                html.element(tag, &attributes, |html| {
                    html.append(&cell.content);
                });
            }
        });
    }
}

fn head(column: &Column, html: &mut Html) {
    let mut attributes = vec![("scope", "col")];
    if column.is_number {
        attributes.push(("class", "number"));
    }
    if let Some(about) = column.about {
        attributes.push(("title", about));
    }
    html.leaf("th", &attributes, &column.title);
}

/// A list of names and values, without the empty ones.
pub(super) fn facts(html: &mut Html, facts: &[(&str, Option<String>)]) {
    html.element("dl", &[("class", "facts")], |html| {
        for (name, value) in facts {
            let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else { continue };
            html.element("div", &[], |html| {
                html.leaf("dt", &[], name).leaf("dd", &[], value);
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_caption_scopes_and_keys() {
        let table = Table {
            caption: "A <b> table".into(),
            columns: vec![Column::text("Model"), Column::number("%").about("more is better")],
            rows: vec![
                vec![Cell::text("a"), Cell::number(Some(0.5), |v| format!("{v:.2}"))].into(),
                vec![Cell::text("b"), Cell::number(None, |v| v.to_string())].into(),
            ],
            sortable: true,
        };
        let html = html(|html| table.write(html)).into_string();
        for part in [
            "<caption><span>A &lt;b&gt; table</span></caption>",
            "<th scope=\"col\" class=\"number\" title=\"more is better\">%</th>",
            "<th scope=\"row\">a</th><td data-key=\"0.5\" class=\"number\">0.50</td>",
            "tabindex=\"0\"",
            "–",
        ] {
            assert!(html.contains(part), "no {part} in {html}");
        }
    }

    #[test]
    fn facts_that_are_not_known_are_left_out() {
        let html = html(|html| facts(html, &[("CPU", Some("x".into())), ("GPU", None)]));
        let html = html.into_string();
        assert!(html.contains("<dt>CPU</dt><dd>x</dd>") && !html.contains("GPU"), "{html}");
    }
}
