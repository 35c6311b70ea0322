//! A JSON file that is a list of objects, or holds one under a named member.

use super::Cursor;
use super::fields::{FieldsSeed, check_complete, paths};
use crate::data::arena::Arena;
use crate::data::builder::{Builder, Parsed};
use crate::data::field::Field;
use crate::data::labels::LabelIndex;
use crate::data::layout::Layout;
use crate::data::row_error::{RowError, shorten};
use crate::suggest::closest;
use crate::task::Task;

/// Reads all rows of `text`, checking each against the task.
pub(in crate::data) fn parse(
    task: &Task,
    labels: &LabelIndex<'_>,
    text: &str,
) -> Result<Parsed, RowError> {
    let layout = Layout::new(&task.reader.columns, false);
    let mut builder = Builder::new(task, labels, Arena::copies(text.len()));
    let mut cursor = Cursor::new(text);
    let path: Vec<&str> = task.reader.member.iter().flat_map(|path| path.split('.')).collect();
    member(&mut cursor, &path, &mut |cursor| rows(cursor, &layout, &mut builder))?;
    cursor.end()?;
    Ok(builder.finish())
}

/// Goes down to the member at `path`, and over everything beside it.
fn member(
    cursor: &mut Cursor<'_>,
    path: &[&str],
    read: &mut dyn FnMut(&mut Cursor<'_>) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let Some((name, below)) = path.split_first() else { return read(cursor) };
    let mut others: Vec<String> = Vec::new();
    let mut found = false;
    cursor.object(&format!("an object with the member `{name}`"), |cursor, key| {
        if key != *name {
            others.push(key.to_owned());
            return cursor.skip();
        }
        if std::mem::replace(&mut found, true) {
            return Err(cursor.wrong(format!("the member `{name}` stands twice")));
        }
        member(cursor, below, read)
    })?;
    if found {
        return Ok(());
    }
    let near = closest(name, others.iter().map(String::as_str))
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    let known = others.join(", ");
    Err(cursor.wrong(format!("no member `{name}`; there are: {known}{near}")))
}

fn rows(
    cursor: &mut Cursor<'_>,
    layout: &Layout,
    builder: &mut Builder<'_>,
) -> Result<(), RowError> {
    let wanted = paths(layout);
    cursor.list("objects, one a row", |cursor| {
        let line = cursor.line();
        let mut fields = vec![Field::Absent; layout.columns.len()];
        cursor.value(FieldsSeed { wanted: &wanted, fields: &mut fields })?;
        // A row may stretch over many lines, of which the first is a brace: its fields say more.
        let content: Vec<&str> = fields.iter().filter_map(Field::text).collect();
        let content = content.join(" | ");
        check_complete(layout, &fields, line, &shorten(&content))?;
        builder.row(layout, line, &fields, &content)
    })
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
