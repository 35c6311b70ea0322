//! JSON lines: an object a line. Lines of white space alone are passed over.

use super::Cursor;
use super::fields::{FieldsSeed, check_complete, paths};
use crate::data::arena::Arena;
use crate::data::builder::{Builder, Parsed};
use crate::data::field::Field;
use crate::data::labels::LabelIndex;
use crate::data::layout::Layout;
use crate::data::lines::lines;
use crate::data::row_error::{RowError, shorten};
use crate::task::Task;

/// Reads all rows of `text`, checking each against the task.
pub(in crate::data) fn parse(
    task: &Task,
    labels: &LabelIndex<'_>,
    text: &str,
) -> Result<Parsed, RowError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let layout = Layout::new(&task.reader.columns, false);
    let wanted = paths(&layout);
    let mut builder = Builder::new(task, labels, Arena::copies(text.len()));
    for (line, (_, whole)) in (1u32..).zip(lines(text)) {
        if whole.trim().is_empty() {
            continue;
        }
        let mut cursor = Cursor::new(whole);
        let mut fields = vec![Field::Absent; layout.columns.len()];
        cursor
            .value(FieldsSeed { wanted: &wanted, fields: &mut fields })
            .and_then(|()| cursor.end())
            .map_err(|error| match error {
                RowError::Json { column, message, .. } => RowError::Json { line, column, message },
                other => other,
            })?;
        check_complete(&layout, &fields, line, &shorten(whole))?;
        builder.row(&layout, line, &fields, whole)?;
    }
    Ok(builder.finish())
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
