//! AI Hub's dialect speech: transcripts that write what differs as `(dialect)/(standard)`.
//!
//! Each utterance in which at least one pair differs gives two rows, one after the other: the standard text
//! with the first of the task's labels, and the dialect text with the label of its region. The two form a
//! cluster. Utterances without a difference give none, as in the reference.

mod form;

use std::borrow::Cow;

use serde::Deserialize;

use super::arena::Arena;
use super::builder::{Builder, Parsed};
use super::json::Cursor;
use super::labels::LabelIndex;
use super::row_error::{RowError, shorten};
use super::store::{Entry, Right, Tokens};
use crate::task::Task;

#[derive(Debug, Deserialize)]
struct Utterance<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    form: Cow<'a, str>,
}

/// Reads all utterances of one file. `name` is its path below the split's folder, or its name where the
/// split is one file.
///
/// A row's id is the name, the utterance's own id (or its index), and `standard` or `dialect`.
pub(super) fn parse(
    task: &Task,
    labels: &LabelIndex<'_>,
    content: &str,
    name: &str,
) -> Result<Parsed, RowError> {
    let mut builder = Builder::new(task, labels, Arena::copies(content.len()));
    file(&mut builder, content, name)?;
    Ok(builder.finish())
}

/// Adds the utterances of a file.
pub(super) fn file(builder: &mut Builder<'_>, content: &str, name: &str) -> Result<(), RowError> {
    let region = region(builder, name)?;
    let mut cursor = Cursor::new(content);
    let mut found = false;
    let mut index = 0;
    cursor.object("an object with the member `utterance`", |cursor, key| {
        if key != "utterance" {
            return cursor.skip();
        }
        found = true;
        cursor.list("utterances", |cursor| {
            let line = cursor.line();
            let utterance = cursor.value(std::marker::PhantomData::<Utterance<'_>>)?;
            let id = utterance.id.map_or_else(|| index.to_string(), Cow::into_owned);
            rows(builder, line, &format!("{name}:{id}"), &utterance.form, region);
            index += 1;
            Ok(())
        })
    })?;
    if !found {
        return Err(cursor.wrong("no member `utterance`, as AI Hub's transcripts have".to_owned()));
    }
    cursor.end()
}

fn rows(builder: &mut Builder<'_>, line: u32, id: &str, form: &str, region: u32) {
    let Some(form::Variants { standard, dialect }) = form::variants(form) else { return };
    // Two rows an utterance, and no others.
    let cluster = u32::try_from(builder.store.entries.len() / 2).unwrap_or(u32::MAX);
    for (kind, text, label) in [("standard", standard, 0), ("dialect", dialect, region)] {
        let id = builder.arena.put(&format!("{id}:{kind}"));
        let input = Tokens::Text(builder.arena.put(&text));
        builder.store.entries.push(Entry { id: Some(id), input, gold: Right::Label(label), line });
        builder.store.clusters.push(cluster);
    }
}

/// The label of the region that a path names: of its file name, else of the nearest folder; the longest
/// prefix decides.
fn region(builder: &Builder<'_>, name: &str) -> Result<u32, RowError> {
    let prefixes = &builder.task.reader.labels_by_prefix;
    let of_part = |part: &str| {
        let fits = prefixes.iter().filter(|(prefix, _)| part.starts_with(prefix.as_str()));
        fits.max_by_key(|(prefix, _)| prefix.len()).map(|(_, label)| label)
    };
    let label = name.rsplit('/').find_map(of_part).ok_or_else(|| RowError::NoRegion {
        name: shorten(name),
        known: prefixes.keys().cloned().collect::<Vec<_>>().join(", "),
    })?;
    builder.labels.get(label).ok_or_else(|| RowError::Label {
        line: 1,
        label: shorten(label),
        known: builder.labels.list(),
        content: shorten(name),
    })
}

#[cfg(test)]
#[path = "../aihub_tests.rs"]
mod tests;
