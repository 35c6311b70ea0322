//! What readers fill: places in one buffer of text, so that memory stays near the file's size.

/// A piece of the buffer, in bytes. Files of 4 GiB and more are refused before they are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// Bytes `start..start + len`.
    pub(super) fn new(start: usize, len: usize) -> Self {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: narrow(start), len: narrow(len) }
    }

    /// The place of `part`, which must be a slice of `whole`.
    pub(super) fn within(whole: &str, part: &str) -> Self {
        Self::new(part.as_ptr() as usize - whole.as_ptr() as usize, part.len())
    }

    /// The text there; empty where the span is not of this text.
    pub(super) fn of(self, text: &str) -> &str {
        let start = self.start as usize;
        text.get(start..start + self.len as usize).unwrap_or_default()
    }
}

/// What a model is given. Ranges are of [`Store::words`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tokens {
    Text(Span),
    Pair(Span, Span),
    Words { start: u32, end: u32 },
    Question { question: Span, context: Span },
}

/// What is right. Ranges are of [`Store::tags`] and [`Store::answers`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Right {
    Label(u32),
    Value(f64),
    Tags { start: u32, end: u32 },
    Answers { start: u32, end: u32 },
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub(super) id: Option<Span>,
    pub(super) input: Tokens,
    pub(super) gold: Right,
    /// From 1.
    pub(super) line: u32,
}

/// The rows of a file.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) entries: Vec<Entry>,
    pub(super) words: Vec<Span>,
    pub(super) tags: Vec<u32>,
    /// Each with its byte offset in the context.
    pub(super) answers: Vec<(Span, u32)>,
    /// For each row the number of its cluster; empty where rows are independent.
    pub(super) clusters: Vec<u32>,
    /// Rows that were left out for an empty text.
    pub(super) skipped_empty: u64,
}
