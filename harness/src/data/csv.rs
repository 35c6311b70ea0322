//! Comma-separated files with quoting, as `pandas.read_csv` reads them by default.
//!
//! A field in quotation marks may hold commas, line ends, and quotation marks that are doubled; lines
//! without anything are passed over. What pandas would fill up or guess is an error here: rows with
//! another number of fields than the header, and a quotation mark that is never closed. An empty field is
//! an empty text unless the task says otherwise (`empty_text`); pandas makes a float NaN of it, which the
//! reference's `str()` turned into the text `nan`.

use std::borrow::Cow;
use std::ops::Range;

use csv::{ReaderBuilder, StringRecord};

use super::arena::Arena;
use super::builder::{Builder, Parsed};
use super::field::Field;
use super::labels::LabelIndex;
use super::layout::Layout;
use super::row_error::{RowError, shorten};
use super::tsv::indices;
use crate::task::Task;

/// Reads all rows of `text`, checking each against the task.
pub(super) fn parse(task: &Task, labels: &LabelIndex<'_>, text: &str) -> Result<Parsed, RowError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut width = None;
    let layout = Layout::new(&task.reader.columns, !task.reader.header);
    let mut header = StringRecord::new();
    if task.reader.header {
        if !read(&mut reader, &mut header)? {
            return Err(RowError::NoHeader);
        }
        width = Some(header.len());
    }
    let names: Vec<&str> = header.iter().collect();
    let columns = indices(&layout, &names)?;
    let needed = columns.iter().max().map_or(0, |last| last + 1);
    let mut builder = Builder::new(task, labels, Arena::copies(text.len()));
    let mut start = position(&reader, text);
    let mut line = 1 + newlines(text, 0..start);
    while read(&mut reader, &mut record)? {
        let end = position(&reader, text);
        // Where the parser says that a record begins, lines without anything may still follow.
        let rest = text[start..end].trim_start_matches(['\r', '\n']);
        let begin = end - rest.len();
        let whole = rest.trim_end_matches(['\r', '\n']);
        line += newlines(text, start..begin);
        let next = line + newlines(text, begin..end);
        let found = record.len();
        // Only the last field of a file can be open.
        if end == text.len() && is_open(whole) {
            return Err(RowError::OpenQuote { line, content: shorten(whole) });
        }
        let expected = *width.get_or_insert(found.max(needed));
        if found < expected {
            let missing = layout.missing(|slot| columns[slot] >= found);
            let missing = if missing.is_empty() { "further field".to_owned() } else { missing };
            let content = shorten(whole);
            return Err(RowError::CsvFields { line, missing, found, expected, content });
        }
        if found > expected {
            return Err(RowError::TooMany { line, found, expected, content: shorten(whole) });
        }
        let fields: Vec<Field<'_>> = columns
            .iter()
            .map(|index| {
                record.get(*index).map_or(Field::Absent, |text| Field::Text(Cow::Borrowed(text)))
            })
            .collect();
        builder.row(&layout, line, &fields, whole)?;
        (start, line) = (end, next);
    }
    Ok(builder.finish())
}

/// Where the reader is in the text.
fn position(reader: &csv::Reader<&[u8]>, text: &str) -> usize {
    // Records end at characters of one byte, which are never within another character.
    usize::try_from(reader.position().byte()).map_or(text.len(), |at| text.floor_char_boundary(at))
}

fn read(reader: &mut csv::Reader<&[u8]>, record: &mut StringRecord) -> Result<bool, RowError> {
    reader.read_record(record).map_err(|error| RowError::Csv {
        line: error.position().map_or(0, |position| narrow(position.line())),
        message: error.to_string(),
    })
}

fn narrow(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// Line ends that begin in `range` of `text`. A record may end between the two bytes of one.
fn newlines(text: &str, range: Range<usize>) -> u32 {
    let bytes = text.as_bytes();
    let begins = |at: &usize| match bytes[*at] {
        b'\n' => *at == 0 || bytes[at - 1] != b'\r',
        byte => byte == b'\r',
    };
    u32::try_from(range.filter(begins).count()).unwrap_or(u32::MAX)
}

/// Whether a record ends within quotation marks. The parser closes them at the end of the file without a
/// word, and a whole rest of a file may have become one field.
fn is_open(record: &str) -> bool {
    let mut field_begins = true;
    let mut quoted = false;
    let mut characters = record.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => drop(characters.next()),
            '"' if quoted => quoted = false,
            '"' if field_begins => quoted = true,
            _ => {}
        }
        field_begins = !quoted && matches!(character, ',' | '\n' | '\r');
    }
    quoted
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
