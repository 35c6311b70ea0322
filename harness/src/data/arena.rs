//! Where texts are kept: in the file's own content where that is what is read, in a copy where it is not.

use std::borrow::Cow;

use super::store::Span;

/// Takes texts in and gives their places.
#[derive(Debug)]
pub(super) enum Arena<'a> {
    /// Texts are slices of the file's content: nothing is copied.
    Content(&'a str),
    /// Texts are unescaped or put together, and are copied one after the other.
    Copies(String),
}

impl<'a> Arena<'a> {
    /// Slices of `content`.
    pub(super) fn of(content: &'a str) -> Self {
        Self::Content(content)
    }

    /// Copies. Room for `bytes` is reserved, and takes no memory before it is used: growing would hold
    /// old and new buffer at a time.
    pub(super) fn copies(bytes: usize) -> Self {
        Self::Copies(String::with_capacity(bytes))
    }

    /// The place of `text`, which must be a slice of the content where texts are not copied.
    pub(super) fn put(&mut self, text: &str) -> Span {
        match self {
            Self::Content(content) => Span::within(content, text),
            Self::Copies(copies) => {
                let start = copies.len();
                copies.push_str(text);
                Span::new(start, text.len())
            }
        }
    }

    /// The place of the text that `pieces` make together.
    pub(super) fn join<'p>(&mut self, pieces: impl IntoIterator<Item = Cow<'p, str>>) -> Span {
        match self {
            // A reader that joins texts copies them; see `Builder::new`.
            Self::Content(_) => Span::default(),
            Self::Copies(copies) => {
                let start = copies.len();
                pieces.into_iter().for_each(|piece| copies.push_str(&piece));
                Span::new(start, copies.len() - start)
            }
        }
    }

    /// Bytes of text that there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Content(content) => content.len(),
            Self::Copies(copies) => copies.len(),
        }
    }

    /// The copies; none where texts are slices of the content.
    pub(super) fn into_copies(self) -> Option<String> {
        match self {
            Self::Content(_) => None,
            Self::Copies(copies) => Some(copies),
        }
    }
}
