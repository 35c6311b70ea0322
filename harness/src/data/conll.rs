//! A word and its label a line, an empty line between sentences.
//!
//! Fields are separated by tabs where a line has one, else by white space. Nothing is stripped: KLUE's
//! words are characters, one in five of them a space. Lines that begin with the task's `comment` are passed
//! over; with an `id` column, the field of that index of the comment before a sentence is its id (KLUE:
//! `## guid<TAB>sentence`).

use super::arena::Arena;
use super::builder::{Builder, Parsed};
use super::labels::LabelIndex;
use super::lines::lines;
use super::row_error::{RowError, shorten};
use super::store::{Entry, Span};
use crate::task::{Column, Task, TextSource};

/// Where the fields of a line are.
struct Places {
    id: Option<usize>,
    word: usize,
    tag: usize,
}

impl Places {
    /// The first field is the word and the second its label, unless the task says otherwise.
    fn new(task: &Task) -> Self {
        let columns = &task.reader.columns;
        let index = |column: Option<&Column>| match column {
            Some(Column::Index(index)) => Some(*index),
            _ => None,
        };
        let text = match &columns.text {
            Some(TextSource::Column(column)) => Some(column),
            _ => None,
        };
        Self {
            id: index(columns.id.as_ref()),
            word: index(text).unwrap_or(0),
            tag: index(columns.label.as_ref()).unwrap_or(1),
        }
    }

    /// Word and label of a line; or how many fields it has.
    fn of<'a>(&self, line: &'a str) -> Result<(&'a str, &'a str), usize> {
        let fields = || -> Box<dyn Iterator<Item = &'a str>> {
            if line.contains('\t') {
                Box::new(line.split('\t'))
            } else {
                Box::new(line.split(' ').filter(|field| !field.is_empty()))
            }
        };
        match (fields().nth(self.word), fields().nth(self.tag)) {
            (Some(word), Some(tag)) => Ok((word, tag)),
            _ => Err(fields().count()),
        }
    }
}

/// The sentence that is being read.
#[derive(Default)]
struct Sentence<'a> {
    id: Option<&'a str>,
    line: u32,
    words: Vec<&'a str>,
    tags: Vec<u32>,
}

/// Reads all sentences of `text`, checking each label against the task.
pub(super) fn parse(task: &Task, labels: &LabelIndex<'_>, text: &str) -> Result<Parsed, RowError> {
    let places = Places::new(task);
    let mut builder = Builder::new(task, labels, Arena::of(text));
    let mut sentence = Sentence::default();
    for (line, (start, whole)) in (1u32..).zip(lines(text)) {
        let whole = if start == 0 { whole.trim_start_matches('\u{feff}') } else { whole };
        let comment =
            task.reader.comment.as_ref().and_then(|mark| whole.strip_prefix(mark.as_str()));
        if let Some(comment) = comment {
            if let Some(index) = places.id {
                if !sentence.words.is_empty() {
                    return Err(RowError::Comment { line, content: shorten(whole) });
                }
                sentence.id = comment.split('\t').nth(index).map(str::trim);
            }
            continue;
        }
        if whole.trim().is_empty() && !whole.contains('\t') {
            finish(&places, &mut sentence, &mut builder)?;
            continue;
        }
        let (word, tag) = places.of(whole).map_err(|found| RowError::Fields {
            line,
            missing: if found > places.word { "label" } else { "word" }.to_owned(),
            found,
            expected: places.word.max(places.tag) + 1,
            content: shorten(whole),
        })?;
        if sentence.words.is_empty() {
            sentence.line = line;
        }
        sentence.words.push(word);
        sentence.tags.push(labels.get(tag).ok_or_else(|| RowError::Label {
            line,
            label: shorten(tag),
            known: labels.list(),
            content: shorten(whole),
        })?);
    }
    finish(&places, &mut sentence, &mut builder)?;
    Ok(builder.finish())
}

fn finish<'a>(
    places: &Places,
    sentence: &mut Sentence<'a>,
    builder: &mut Builder<'a>,
) -> Result<(), RowError> {
    let Sentence { id, line, words, tags } = std::mem::take(sentence);
    if words.is_empty() {
        // An empty line too many; an id before it belongs to what follows.
        sentence.id = id;
        return Ok(());
    }
    if places.id.is_some() && id.is_none() {
        return Err(RowError::NoSentenceId { line, content: shorten(words[0]) });
    }
    let (input, gold) = builder.put_words(words, &tags);
    let id: Option<Span> = id.map(|id| builder.arena.put(id));
    builder.store.entries.push(Entry { id, input, gold, line });
    Ok(())
}

#[cfg(test)]
#[path = "conll_tests.rs"]
mod tests;
