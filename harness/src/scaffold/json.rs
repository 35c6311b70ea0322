//! Rows of JSON: members by name, those of objects inside by dotted names.

use serde_json::Value;

use super::{FileFormat, ScaffoldError, SourceFile};
use crate::data::lines::lines;

/// A member: its dotted name, its value as text, and the number of items when that is a list.
pub(super) type Member = (String, String, Option<usize>);

/// Calls `row` with the members of each row.
pub(super) fn each_row(
    format: FileFormat,
    file: &SourceFile,
    row: &mut dyn FnMut(Vec<Member>),
) -> Result<(), ScaffoldError> {
    let members = |value: &Value, line: Option<usize>, index: usize| {
        let mut members = Vec::new();
        match value {
            Value::Object(object) => {
                flatten("", object, &mut members);
                Ok(members)
            }
            _ => Err(file.wrong(line, format!("row {index} is no JSON object"))),
        }
    };
    if format == FileFormat::Jsonl {
        for (index, (_, line)) in lines(file.text()).enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let value = serde_json::from_str(line)
                .map_err(|error| file.wrong(Some(index + 1), format!("not JSON: {error}")))?;
            row(members(&value, Some(index + 1), index)?);
        }
        return Ok(());
    }
    let value: Value = serde_json::from_str(file.text())
        .map_err(|error| file.wrong(Some(error.line()), format!("not JSON: {error}")))?;
    let rows = match &value {
        Value::Array(rows) => Some(rows),
        Value::Object(object) => only_list(object).and_then(|name| object[name].as_array()),
        _ => None,
    };
    let Some(rows) = rows else {
        return Err(file.wrong(None, "a JSON list of objects was expected"));
    };
    for (index, value) in rows.iter().enumerate() {
        row(members(value, None, index)?);
    }
    Ok(())
}

/// The member that is a list of objects, where there is one and no other.
pub(super) fn only_list(object: &serde_json::Map<String, Value>) -> Option<&str> {
    let is_rows = |value: &Value| {
        value.as_array().is_some_and(|items| items.first().is_some_and(Value::is_object))
    };
    let mut lists =
        object.iter().filter(|(_, value)| is_rows(value)).map(|(name, _)| name.as_str());
    lists.next().filter(|_| lists.next().is_none())
}

/// The member of a JSON file that holds the rows, where that is not the file itself.
pub(super) fn member(file: &SourceFile) -> Option<String> {
    let object = serde_json::from_str::<serde_json::Map<String, Value>>(file.text()).ok()?;
    only_list(&object).map(str::to_owned)
}

fn flatten(before: &str, object: &serde_json::Map<String, Value>, members: &mut Vec<Member>) {
    for (key, value) in object {
        let name = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        match value {
            Value::Object(inner) => flatten(&name, inner, members),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(text).collect();
                members.push((name, items.join(" "), Some(items.len())));
            }
            value => members.push((name, text(value), None)),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
