//! Questions about paragraphs in SQuAD's JSON, as KorQuAD 1.0 has it.
//!
//! `{"data": [{"paragraphs": [{"context": .., "qas": [{"id": .., "question": .., "answers": [{"text": ..,
//! "answer_start": ..}]}]}]}]}`. Offsets count code points. Questions of one paragraph form a cluster.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

use super::arena::Arena;
use super::builder::{Builder, Parsed};
use super::json::Cursor;
use super::labels::LabelIndex;
use super::row_error::{RowError, shorten};
use super::store::{Entry, Right, Span, Tokens};
use crate::task::{EmptyText, Task};

#[derive(Debug, Deserialize)]
struct Paragraph<'a> {
    #[serde(borrow)]
    context: Cow<'a, str>,
    #[serde(borrow)]
    qas: Vec<Question<'a>>,
}

#[derive(Debug, Deserialize)]
struct Question<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    question: Cow<'a, str>,
    #[serde(borrow, default)]
    answers: Vec<Answer<'a>>,
}

#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    answer_start: u64,
}

/// Reads all questions of `text`, checking each answer against its context.
pub(super) fn parse(task: &Task, labels: &LabelIndex<'_>, text: &str) -> Result<Parsed, RowError> {
    let mut reader = Reader {
        builder: Builder::new(task, labels, Arena::copies(text.len())),
        ids: HashSet::new(),
        paragraphs: 0,
    };
    let mut cursor = Cursor::new(text);
    let mut found = false;
    cursor.object("an object with the member `data`", |cursor, key| {
        if key != "data" {
            return cursor.skip();
        }
        found = true;
        cursor.list("articles", |cursor| article(cursor, &mut reader))
    })?;
    if !found {
        return Err(cursor.wrong("no member `data`, as SQuAD files have".to_owned()));
    }
    cursor.end()?;
    Ok(reader.builder.finish())
}

fn article(cursor: &mut Cursor<'_>, reader: &mut Reader<'_>) -> Result<(), RowError> {
    let mut found = false;
    cursor.object("an article, an object with the member `paragraphs`", |cursor, key| {
        if key != "paragraphs" {
            return cursor.skip();
        }
        found = true;
        cursor.list("paragraphs", |cursor| {
            let line = cursor.line();
            let paragraph = cursor.value(std::marker::PhantomData::<Paragraph<'_>>)?;
            reader.paragraph(line, &paragraph)
        })
    })?;
    if found { Ok(()) } else { Err(cursor.wrong("an article without `paragraphs`".to_owned())) }
}

struct Reader<'a> {
    builder: Builder<'a>,
    ids: HashSet<String>,
    paragraphs: u32,
}

impl Reader<'_> {
    fn paragraph(&mut self, line: u32, paragraph: &Paragraph<'_>) -> Result<(), RowError> {
        let context = self.builder.arena.put(&paragraph.context);
        for question in &paragraph.qas {
            let is_empty = question.question.is_empty() || paragraph.context.is_empty();
            if is_empty && self.builder.task.reader.empty_text == EmptyText::Skip {
                self.builder.store.skipped_empty += 1;
                continue;
            }
            self.question(line, &paragraph.context, context, question)?;
        }
        self.paragraphs += 1;
        Ok(())
    }

    fn question(
        &mut self,
        line: u32,
        context: &str,
        place: Span,
        question: &Question<'_>,
    ) -> Result<(), RowError> {
        let wrong = |message| RowError::Question { line, id: shorten(&question.id), message };
        if !self.ids.insert(question.id.to_string()) {
            return Err(wrong("the id stands twice; predictions are joined by it".to_owned()));
        }
        if question.answers.is_empty() {
            return Err(wrong("no answer; questions that have none are not supported".to_owned()));
        }
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let store = &mut self.builder.store;
        let start = narrow(store.answers.len());
        for answer in &question.answers {
            let offset = byte_offset(context, answer).map_err(wrong)?;
            let text = self.builder.arena.put(&answer.text);
            store.answers.push((text, narrow(offset)));
        }
        let gold = Right::Answers { start, end: narrow(store.answers.len()) };
        let id = Some(self.builder.arena.put(&question.id));
        let text = self.builder.arena.put(&question.question);
        let input = Tokens::Question { question: text, context: place };
        store.entries.push(Entry { id, input, gold, line });
        store.clusters.push(self.paragraphs);
        Ok(())
    }
}

/// Where the answer begins, in bytes; or what is wrong with its offset.
fn byte_offset(context: &str, answer: &Answer<'_>) -> Result<usize, String> {
    let start = usize::try_from(answer.answer_start).unwrap_or(usize::MAX);
    if answer.text.is_empty() {
        return Err("an answer is empty".to_owned());
    }
    let mut offsets = context.char_indices().map(|(offset, _)| offset);
    let Some(offset) = offsets.nth(start) else {
        return Err(format!(
            "answer_start {start} is beyond the {} characters of the context",
            context.chars().count()
        ));
    };
    let rest = &context[offset..];
    if rest.starts_with(answer.text.as_ref()) {
        return Ok(offset);
    }
    let found: String = rest.chars().take(answer.text.chars().count()).collect();
    let elsewhere = match context.find(answer.text.as_ref()) {
        Some(at) => format!("the answer stands at {}", context[..at].chars().count()),
        None => "the context does not hold the answer".to_owned(),
    };
    Err(format!(
        "the context has \"{}\" at answer_start {start} (in characters), expected the answer \"{}\"; {elsewhere}",
        shorten(&found),
        shorten(&answer.text)
    ))
}

#[cfg(test)]
#[path = "squad_tests.rs"]
mod tests;
