//! The reference's reader for tab-separated files.
//!
//! A line is stripped at both ends, then split at tabs: no quoting, no escapes. A CSV parser loses
//! rows here, for reviews hold quotation marks that are never closed.

use std::borrow::Cow;

use super::arena::Arena;
use super::builder::{Builder, Parsed};
use super::field::Field;
use super::labels::LabelIndex;
use super::layout::Layout;
use super::lines::{is_python_space, lines};
use super::row_error::{RowError, shorten};
use crate::suggest::closest;
use crate::task::{Column, Task};

/// The index of each column of the layout; `header` is the first line, where the files have one.
pub(super) fn indices(layout: &Layout, header: &[&str]) -> Result<Vec<usize>, RowError> {
    let find = |column: &Column| match column {
        Column::Index(index) => Ok(*index),
        Column::Name(name) => {
            header.iter().position(|known| known == name).ok_or_else(|| RowError::NoColumn {
                line: 1,
                name: name.clone(),
                header: header.join(", "),
                closest: closest(name, header.iter().copied()).map(str::to_owned),
            })
        }
    };
    layout.columns.iter().map(find).collect()
}

/// Reads all rows of `text`, checking each against the task.
pub(super) fn parse(task: &Task, labels: &LabelIndex<'_>, text: &str) -> Result<Parsed, RowError> {
    let mut numbered = (1u32..).zip(lines(text));
    let header = if task.reader.header { numbered.next().map(|(_, (_, line))| line) } else { None };
    if task.reader.header && header.is_none() {
        return Err(RowError::NoHeader);
    }
    // A byte order mark belongs to the file, not to the name of its first column.
    let names: Vec<&str> = header
        .map(|line| strip(line.trim_start_matches('\u{feff}')).split('\t').collect())
        .unwrap_or_default();
    let layout = Layout::new(&task.reader.columns, !task.reader.header);
    let columns = Columns::new(indices(&layout, &names)?);
    let arena = if layout.has_template() { Arena::copies(text.len()) } else { Arena::of(text) };
    let mut builder = Builder::new(task, labels, arena);
    // Growing would hold the old rows and the new ones at a time.
    let rows = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    builder.store.entries.reserve_exact(rows);
    let mut fields = vec![Field::Absent; layout.columns.len()];
    for (line, (_, whole)) in numbered {
        let found = columns.split(strip(whole), &mut fields);
        if found < columns.needed {
            return Err(RowError::Fields {
                line,
                missing: layout.missing(|slot| columns.of_slots[slot] >= found),
                found,
                expected: columns.needed,
                content: shorten(whole),
            });
        }
        builder.row(&layout, line, &fields, whole)?;
    }
    Ok(builder.finish())
}

/// Which field of a line goes to which slots.
struct Columns {
    of_slots: Vec<usize>,
    /// Fields that a row needs at least. More are ignored, as the reference does.
    needed: usize,
}

impl Columns {
    fn new(of_slots: Vec<usize>) -> Self {
        let needed = of_slots.iter().max().map_or(0, |last| last + 1);
        Self { of_slots, needed }
    }

    /// Fills `fields`; the number of fields that there are, up to those needed.
    fn split<'a>(&self, line: &'a str, fields: &mut [Field<'a>]) -> usize {
        let mut found = 0;
        for (index, part) in line.split('\t').enumerate().take(self.needed) {
            found += 1;
            for (slot, field) in fields.iter_mut().enumerate() {
                if self.of_slots[slot] == index {
                    *field = Field::Text(Cow::Borrowed(part));
                }
            }
        }
        found
    }
}

fn strip(line: &str) -> &str {
    line.trim_matches(is_python_space)
}

#[cfg(test)]
#[path = "tsv_tests.rs"]
mod tests;
