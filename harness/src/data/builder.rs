//! Makes rows of fields, checking each against the task.

use std::borrow::Cow;
use std::collections::HashMap;

use super::arena::Arena;
use super::field::Field;
use super::labels::LabelIndex;
use super::layout::{Layout, Part, Source};
use super::row_error::{RowError, Shape, shorten};
use super::store::{Entry, Right, Span, Store, Tokens};
use crate::task::{EmptyText, Kind, Task};

/// What a reader gives.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) store: Store,
    /// What the store's places are of; none where that is the file's content.
    pub(super) text: Option<String>,
}

/// Collects the rows of a file.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    pub(super) task: &'a Task,
    pub(super) labels: &'a LabelIndex<'a>,
    pub(super) arena: Arena<'a>,
    pub(super) store: Store,
    clusters: HashMap<String, u32>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(task: &'a Task, labels: &'a LabelIndex<'a>, arena: Arena<'a>) -> Self {
        Self { task, labels, arena, store: Store::default(), clusters: HashMap::new() }
    }

    pub(super) fn finish(self) -> Parsed {
        Parsed { store: self.store, text: self.arena.into_copies() }
    }

    /// Takes a row in. `content` is the row as it stands in the file, for messages.
    pub(super) fn row(
        &mut self,
        layout: &Layout,
        line: u32,
        fields: &[Field<'_>],
        content: &str,
    ) -> Result<(), RowError> {
        let row = FieldsOf { layout, line, fields, content };
        if self.task.reader.empty_text == EmptyText::Skip && row.is_empty()? {
            self.store.skipped_empty += 1;
            return Ok(());
        }
        let id = layout.id.map(|slot| row.text(slot)).transpose()?;
        // A row that is wrong is refused before anything of it is kept.
        let (input, gold) = if self.task.kind == Kind::TokenClassification {
            self.words(&row)?
        } else {
            let gold = match self.task.kind {
                Kind::SequenceRegression => Right::Value(self.value(&row)?),
                _ => Right::Label(self.label(row.text(layout.label)?, &row)?),
            };
            (self.texts(&row)?, gold)
        };
        if let Some(slot) = layout.cluster {
            let cluster = self.cluster(row.text(slot)?);
            self.store.clusters.push(cluster);
        }
        let id = id.map(|id| self.arena.put(id));
        self.store.entries.push(Entry { id, input, gold, line });
        Ok(())
    }

    /// The number of the cluster with this content.
    pub(super) fn cluster(&mut self, content: &str) -> u32 {
        let next = u32::try_from(self.clusters.len()).unwrap_or(u32::MAX);
        match self.clusters.get(content) {
            Some(cluster) => *cluster,
            None => {
                self.clusters.insert(content.to_owned(), next);
                next
            }
        }
    }

    fn label(&self, id: &str, row: &FieldsOf<'_, '_>) -> Result<u32, RowError> {
        self.labels.get(id).ok_or_else(|| RowError::Label {
            line: row.line,
            label: shorten(id),
            known: self.labels.list(),
            content: shorten(row.content),
        })
    }

    fn value(&self, row: &FieldsOf<'_, '_>) -> Result<f64, RowError> {
        let field = &row.fields[row.layout.label];
        let text = row.text(row.layout.label)?;
        let value = match field {
            Field::Number(_, value) => Some(*value),
            _ => text.trim().parse::<f64>().ok(),
        };
        let content = || shorten(row.content);
        let value = value.filter(|value| value.is_finite()).ok_or_else(|| RowError::Number {
            line: row.line,
            found: shorten(text),
            content: content(),
        })?;
        match self.task.scoring.range {
            Some([low, high]) if !(low..=high).contains(&value) => Err(RowError::Range {
                line: row.line,
                found: text.to_owned(),
                range: format!("{low} to {high}"),
                content: content(),
            }),
            _ => Ok(value),
        }
    }

    fn texts(&mut self, row: &FieldsOf<'_, '_>) -> Result<Tokens, RowError> {
        let first = self.text(&row.layout.text, row)?;
        Ok(match &row.layout.text_pair {
            Some(second) => Tokens::Pair(first, self.text(second, row)?),
            None => Tokens::Text(first),
        })
    }

    fn text(&mut self, source: &Source, row: &FieldsOf<'_, '_>) -> Result<Span, RowError> {
        let as_nan = self.task.reader.empty_text == EmptyText::AsNan;
        let read = |slot: usize| {
            row.text(slot).map(|text| if as_nan && is_missing(text) { "nan" } else { text })
        };
        match source {
            Source::Field(slot) => Ok(self.arena.put(read(*slot)?)),
            Source::Template(parts) => {
                let pieces: Vec<Cow<'_, str>> = parts
                    .iter()
                    .map(|part| match part {
                        Part::Literal(text) => Ok(Cow::Borrowed(text.as_str())),
                        Part::Field(slot) => read(*slot).map(Cow::Borrowed),
                    })
                    .collect::<Result<_, RowError>>()?;
                Ok(self.arena.join(pieces))
            }
        }
    }

    fn words(&mut self, row: &FieldsOf<'_, '_>) -> Result<(Tokens, Right), RowError> {
        let text = match row.layout.text {
            Source::Field(slot) => slot,
            // A task that was loaded has its words in one column.
            Source::Template(_) => return Err(row.wrong(row.layout.label, Shape::List)),
        };
        let (words, tags) = (row.list(text)?, row.list(row.layout.label)?);
        if words.len() != tags.len() {
            return Err(RowError::Counts {
                line: row.line,
                words: words.len(),
                labels: tags.len(),
                content: shorten(row.content),
            });
        }
        let tags: Vec<u32> =
            tags.into_iter().map(|tag| self.label(tag, row)).collect::<Result<_, _>>()?;
        Ok(self.put_words(words, &tags))
    }

    /// Keeps the words of a row and their labels, as many.
    pub(super) fn put_words<'w>(
        &mut self,
        words: impl IntoIterator<Item = &'w str>,
        tags: &[u32],
    ) -> (Tokens, Right) {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let start = narrow(self.store.words.len());
        for word in words {
            let span = self.arena.put(word);
            self.store.words.push(span);
        }
        let first_tag = narrow(self.store.tags.len());
        self.store.tags.extend_from_slice(tags);
        (
            Tokens::Words { start, end: narrow(self.store.words.len()) },
            Right::Tags { start: first_tag, end: narrow(self.store.tags.len()) },
        )
    }
}

/// A row as the reader gives it.
struct FieldsOf<'f, 'a> {
    layout: &'f Layout,
    line: u32,
    fields: &'f [Field<'a>],
    content: &'f str,
}

impl FieldsOf<'_, '_> {
    fn wrong(&self, slot: usize, expected: Shape) -> RowError {
        RowError::Field {
            line: self.line,
            column: self.layout.columns[slot].to_string(),
            found: self.fields[slot].kind(),
            expected,
            content: shorten(self.content),
        }
    }

    fn text(&self, slot: usize) -> Result<&str, RowError> {
        self.fields[slot].text().ok_or_else(|| self.wrong(slot, Shape::Text))
    }

    fn list(&self, slot: usize) -> Result<Vec<&str>, RowError> {
        self.fields[slot].list().ok_or_else(|| self.wrong(slot, Shape::List))
    }

    /// Whether one of the texts is empty; a text that is put together, when all of its columns are.
    fn is_empty(&self) -> Result<bool, RowError> {
        let is_empty = |source: &Source| match source {
            Source::Field(slot) => match &self.fields[*slot] {
                Field::List(items) => Ok(items.is_empty()),
                _ => self.text(*slot).map(str::is_empty),
            },
            Source::Template(parts) => {
                for part in parts {
                    if let Part::Field(slot) = part
                        && !self.text(*slot)?.is_empty()
                    {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        };
        Ok(is_empty(&self.layout.text)?
            || self.layout.text_pair.as_ref().map(is_empty).transpose()?.unwrap_or(false))
    }
}

/// What `pandas.read_csv` takes for a missing value (1.x; 2.0 added `None`).
fn is_missing(text: &str) -> bool {
    const MISSING: [&str; 18] = [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null",
    ];
    MISSING.contains(&text)
}
