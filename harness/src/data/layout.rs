//! Which fields of a row a task needs, and what becomes of each.

use crate::task::{Column, Columns, Piece, TextSource};

/// The fields that a task needs, each once. Readers give a row as one [`Field`](super::field::Field) for
/// each of `columns`, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) columns: Vec<Column>,
    pub(super) id: Option<usize>,
    pub(super) text: Source,
    pub(super) text_pair: Option<Source>,
    pub(super) label: usize,
    pub(super) cluster: Option<usize>,
}

/// Where a text comes from. Numbers are of [`Layout::columns`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Field(usize),
    Template(Vec<Part>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Field(0)
    }
}

/// A piece of a text that is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Field(usize),
}

impl Layout {
    /// What `columns` ask for. `by_index` says that columns in templates are indices, as in files without
    /// a header.
    ///
    /// A task that was loaded has a text and a label column, and templates that can be read; a task that
    /// was made otherwise and has not is read from the first column.
    pub(super) fn new(columns: &Columns, by_index: bool) -> Self {
        let mut layout = Self::default();
        layout.id = columns.id.as_ref().map(|column| layout.slot(column));
        layout.text = columns
            .text
            .as_ref()
            .map_or(Source::Field(0), |source| layout.source(source, by_index));
        layout.text_pair = columns.text_pair.as_ref().map(|source| layout.source(source, by_index));
        layout.label = columns.label.as_ref().map_or(0, |column| layout.slot(column));
        layout.cluster = columns.cluster.as_ref().map(|column| layout.slot(column));
        if layout.columns.is_empty() {
            layout.columns.push(Column::Index(0));
        }
        layout
    }

    /// The slot of a column, new or known.
    fn slot(&mut self, column: &Column) -> usize {
        self.columns.iter().position(|known| known == column).unwrap_or_else(|| {
            self.columns.push(column.clone());
            self.columns.len() - 1
        })
    }

    fn source(&mut self, source: &TextSource, by_index: bool) -> Source {
        match source {
            TextSource::Column(column) => Source::Field(self.slot(column)),
            TextSource::Template(template) => {
                let pieces = template.pieces().unwrap_or_default();
                let parts = pieces.into_iter().map(|piece| match piece {
                    Piece::Literal(text) => Part::Literal(text),
                    Piece::Column(name) => Part::Field(self.slot(&named(name, by_index))),
                });
                Source::Template(parts.collect())
            }
        }
    }

    /// Whether a text is put together, so that it is no slice of the file.
    pub(super) fn has_template(&self) -> bool {
        let is_template = |source: &Source| matches!(source, Source::Template(_));
        is_template(&self.text) || self.text_pair.as_ref().is_some_and(is_template)
    }

    /// What a row lacks whose fields of the given slots are not there: `id`, `text`, `second text`,
    /// `label`, `cluster`.
    pub(super) fn missing(&self, is_missing: impl Fn(usize) -> bool) -> String {
        let lacks = |source: &Source| match source {
            Source::Field(slot) => is_missing(*slot),
            Source::Template(parts) => {
                parts.iter().any(|part| matches!(part, Part::Field(slot) if is_missing(*slot)))
            }
        };
        let roles = [
            ("id", self.id.is_some_and(&is_missing)),
            ("text", lacks(&self.text)),
            ("second text", self.text_pair.as_ref().is_some_and(lacks)),
            ("label", is_missing(self.label)),
            ("cluster", self.cluster.is_some_and(&is_missing)),
        ];
        let lacking: Vec<&str> =
            roles.into_iter().filter(|(_, lacks)| *lacks).map(|(role, _)| role).collect();
        lacking.join(", no ")
    }
}

/// A column of a template.
fn named(name: String, by_index: bool) -> Column {
    match name.parse() {
        Ok(index) if by_index => Column::Index(index),
        _ => Column::Name(name),
    }
}
