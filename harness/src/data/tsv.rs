//! The reference's reader for tab-separated files.
//!
//! A line is stripped at both ends, then split at tabs: no quoting, no escapes. A CSV parser loses
//! rows here, for reviews hold quotation marks that are never closed.

use super::error::RowError;
use super::lines::{is_python_space, lines};
use super::store::{Entry, Right, Span, Store, Tokens};
use crate::suggest::closest;
use crate::task::{Column, EmptyText, Task, TextSource};

/// Where the fields of a row are, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    id: Option<usize>,
    text: usize,
    text_pair: Option<usize>,
    label: usize,
}

/// The fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) text: &'a str,
    pub(super) text_pair: Option<&'a str>,
    pub(super) label: &'a str,
}

impl Layout {
    /// Finds the task's columns; `header` is the first line, where the task's files have one.
    fn new(task: &Task, header: Option<&str>) -> Result<Self, RowError> {
        // A byte order mark belongs to the file, not to the name of its first column.
        let names: Vec<&str> = header
            .map(|line| strip(line.trim_start_matches('\u{feff}')).split('\t').collect())
            .unwrap_or_default();
        let find = |column: &Column| match column {
            Column::Index(index) => Ok(*index),
            Column::Name(name) => {
                names.iter().position(|known| known == name).ok_or_else(|| RowError::NoColumn {
                    line: 1,
                    name: name.clone(),
                    header: names.join(", "),
                    closest: closest(name, names.iter().copied()).map(str::to_owned),
                })
            }
        };
        let columns = &task.reader.columns;
        let text = |source: &TextSource| match source {
            TextSource::Column(column) => find(column),
            TextSource::Template(_) => Ok(0),
        };
        Ok(Self {
            id: columns.id.as_ref().map(find).transpose()?,
            text: columns.text.as_ref().map_or(Ok(0), text)?,
            text_pair: columns.text_pair.as_ref().map(text).transpose()?,
            label: columns.label.as_ref().map_or(Ok(0), find)?,
        })
    }

    /// Fields that a row needs at least. More are ignored, as the reference does.
    fn needed(&self) -> usize {
        let optional = self.id.max(self.text_pair).unwrap_or(0);
        self.text.max(self.label).max(optional) + 1
    }

    /// What a row of `found` fields lacks.
    fn missing(&self, found: usize) -> String {
        let roles = [
            ("id", self.id),
            ("text", Some(self.text)),
            ("second text", self.text_pair),
            ("label", Some(self.label)),
        ];
        let lacking = roles.iter().filter(|(_, index)| index.is_some_and(|index| index >= found));
        lacking.map(|(role, _)| *role).collect::<Vec<_>>().join(", no ")
    }

    /// The fields of a stripped line, or how many it has when they are too few.
    pub(super) fn fields<'a>(&self, line: &'a str) -> Result<Fields<'a>, usize> {
        let needed = self.needed();
        let (mut id, mut text, mut text_pair, mut label) = (None, "", None, "");
        let mut found = 0;
        for (index, field) in line.split('\t').enumerate().take(needed) {
            found += 1;
            if index == self.text {
                text = field;
            }
            if index == self.label {
                label = field;
            }
            if Some(index) == self.id {
                id = Some(field);
            }
            if Some(index) == self.text_pair {
                text_pair = Some(field);
            }
        }
        if found < needed { Err(found) } else { Ok(Fields { id, text, text_pair, label }) }
    }
}

/// Reads all rows of `text`, checking each against the task.
pub(super) fn parse(task: &Task, text: &str) -> Result<Store, RowError> {
    let mut numbered = (1u32..).zip(lines(text));
    let header = if task.reader.header { numbered.next().map(|(_, (_, line))| line) } else { None };
    if task.reader.header && header.is_none() {
        return Err(RowError::NoHeader);
    }
    let layout = Layout::new(task, header)?;
    let mut store = Store::default();
    for (line, (_, whole)) in numbered {
        let stripped = strip(whole);
        let fields = layout.fields(stripped).map_err(|found| RowError::Fields {
            line,
            missing: layout.missing(found),
            found,
            expected: layout.needed(),
            content: shorten(whole),
        })?;
        let is_empty = fields.text.is_empty() || fields.text_pair.is_some_and(str::is_empty);
        if is_empty && task.reader.empty_text == EmptyText::Skip {
            store.skipped_empty += 1;
            continue;
        }
        let label = task.label_index(fields.label).ok_or_else(|| RowError::Label {
            line,
            label: shorten(fields.label),
            known: task.label_list(),
            content: shorten(whole),
        })?;
        let span = |field: &str| Span::within(text, field);
        store.entries.push(Entry {
            id: fields.id.map(span),
            input: match fields.text_pair {
                Some(second) => Tokens::Pair(span(fields.text), span(second)),
                None => Tokens::Text(span(fields.text)),
            },
            gold: Right::Label(label),
            line,
        });
    }
    Ok(store)
}

fn strip(line: &str) -> &str {
    line.trim_matches(is_python_space)
}

/// The beginning of a line, for a message: tabs shown as such, nothing that moves the cursor.
pub(super) fn shorten(content: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = content.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if content.chars().nth(SHOWN).is_some() {
        short.push_str("...");
    }
    short
}
