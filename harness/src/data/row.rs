//! A row of a data set, as everything but the readers sees it.

use super::store::{Span, Store, Tokens};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// Index in the data set, from 0, header and skipped rows not counted.
    pub index: usize,
    /// The row's own id, where the task has ids.
    pub id: Option<&'a str>,
    /// What a model is given.
    pub input: Input<'a>,
    /// What is right.
    pub gold: Gold<'a>,
    /// Line of the file, from 1; in a JSON file, where the row begins.
    pub line: u32,
}

/// What a model is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// A text; may be empty.
    Text(&'a str),
    /// Two texts.
    Pair(&'a str, &'a str),
    /// A text that is split into words.
    Words(Words<'a>),
    /// A question about a context.
    Question {
        /// The question.
        question: &'a str,
        /// Where the answer is.
        context: &'a str,
    },
}

/// What is right for a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gold<'a> {
    /// Index into the labels.
    Label(u32),
    /// A real number.
    Value(f64),
    /// For each word an index into the labels.
    Tags(&'a [u32]),
    /// Answers, each of which is right.
    Answers(Answers<'a>),
}

/// The words of a text.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    pub(super) text: &'a str,
    pub(super) spans: &'a [Span],
}

impl<'a> Words<'a> {
    /// Number of words.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The words in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let text = self.text;
        self.spans.iter().map(move |span| span.of(text))
    }
}

impl PartialEq for Words<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a == b)
    }
}

/// An answer, and where it is in the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The answer.
    pub text: &'a str,
    /// Byte offset of its beginning in the context.
    pub start: usize,
}

/// The right answers to a question.
#[derive(Debug, Clone, Copy)]
pub struct Answers<'a> {
    pub(super) text: &'a str,
    pub(super) spans: &'a [(Span, u32)],
}

impl<'a> Answers<'a> {
    /// Number of answers.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The answers in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Answer<'a>> + use<'a> {
        let text = self.text;
        self.spans
            .iter()
            .map(move |(span, start)| Answer { text: span.of(text), start: *start as usize })
    }
}

impl PartialEq for Answers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a == b)
    }
}

impl Store {
    /// The row at `index`; its spans are of `text`.
    pub(super) fn row<'a>(&'a self, text: &'a str, index: usize) -> Option<Row<'a>> {
        let entry = self.entries.get(index)?;
        let input = match entry.input {
            Tokens::Text(span) => Input::Text(span.of(text)),
            Tokens::Pair(first, second) => Input::Pair(first.of(text), second.of(text)),
            Tokens::Words { start, end } => {
                let spans = self.words.get(start as usize..end as usize)?;
                Input::Words(Words { text, spans })
            }
            Tokens::Question { question, context } => {
                Input::Question { question: question.of(text), context: context.of(text) }
            }
        };
        let gold = match entry.gold {
            super::store::Right::Label(label) => Gold::Label(label),
            super::store::Right::Value(value) => Gold::Value(value),
            super::store::Right::Tags { start, end } => {
                Gold::Tags(self.tags.get(start as usize..end as usize)?)
            }
            super::store::Right::Answers { start, end } => {
                let spans = self.answers.get(start as usize..end as usize)?;
                Gold::Answers(Answers { text, spans })
            }
        };
        let id = entry.id.map(|id| id.of(text));
        Some(Row { index, id, input, gold, line: entry.line })
    }
}
