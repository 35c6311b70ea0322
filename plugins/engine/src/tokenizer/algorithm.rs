//! What a tokeniser has to be able to do, so that everything else works with it.

use std::any::Any;

/// One token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its id.
    pub id: u32,
    /// Its bytes `[start, end)` in the text as it was given, on boundaries of characters.
    pub start: u32,
    /// See `start`.
    pub end: u32,
    /// Ordinal of the whitespace-separated word in the text.
    pub word: i32,
}

/// Memory that an algorithm reuses from text to text; one thread's.
#[derive(Default)]
pub struct Scratch(Option<Box<dyn Any + Send>>);

impl Scratch {
    /// The memory as a `T`, empty on the first call.
    pub fn get<T: Any + Send + Default>(&mut self) -> &mut T {
        if !self.0.as_ref().is_some_and(|memory| memory.is::<T>()) {
            self.0 = Some(Box::new(T::default()));
        }
        match self.0.as_mut().and_then(|memory| memory.downcast_mut()) {
            Some(memory) => memory,
            None => unreachable!("it was just made a T"),
        }
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Splits texts into tokens. [`Tokenizer::from_algorithm`](super::Tokenizer::from_algorithm) adds
/// special tokens, truncation, windows and threads.
pub trait Algorithm: Send + Sync {
    /// Appends the tokens of `text` to `out`, in the order of the text, without special tokens
    /// around them. Special tokens that are written out in the text are the algorithm's business.
    ///
    /// `start` and `word` never decrease; a token without a character of its own (`SentencePiece`'s
    /// dummy prefix) has `start == end`.
    fn tokenize(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<Piece>);

    /// The text of an id; empty for an id that there is not.
    fn piece(&self, id: u32) -> &str;

    /// Number of ids.
    fn vocab_size(&self) -> usize;

    /// The id of unknown text.
    fn unknown(&self) -> u32;
}

/// Numbers the tokens of a text by its whitespace-separated words: a token is of the word that its
/// first character is in, or, where that is whitespace or there is none, of the next word.
pub fn number_words(text: &str, pieces: &mut [Piece]) {
    let mut chars = text.char_indices().peekable();
    let (mut words, mut inside) = (0_i32, false);
    for piece in pieces {
        while let Some(&(at, c)) = chars.peek() {
            let space = is_space(c);
            words += i32::from(!space && !inside);
            inside = !space;
            if !space && at >= piece.start as usize {
                break;
            }
            chars.next();
        }
        piece.word = (words - 1).max(0);
    }
}

/// Whitespace of Python's `str.split()`, `str.strip()` and `str.isspace()`.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Offsets are 32 bits wide; a text beyond 4 GiB saturates.
pub(super) fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Piece, Scratch, number_words};

    #[test]
    fn tokens_are_of_the_word_they_begin_in() {
        let text = " ab c\u{3000}\n d ";
        // "", " a", "b", " c", "\u{3000}\n", " d", " "
        let spans = [(0, 0), (0, 2), (2, 3), (3, 5), (5, 9), (9, 11), (11, 12)];
        let mut pieces: Vec<Piece> =
            spans.iter().map(|&(start, end)| Piece { id: 0, start, end, word: 9 }).collect();
        number_words(text, &mut pieces);
        let words: Vec<i32> = pieces.iter().map(|p| p.word).collect();
        assert_eq!(words, [0, 0, 0, 1, 2, 2, 2]);
    }

    #[test]
    fn scratch_keeps_its_memory() {
        let mut scratch = Scratch::default();
        scratch.get::<Vec<u8>>().push(1);
        assert_eq!(scratch.get::<Vec<u8>>(), &[1]);
        assert_eq!(scratch.get::<String>(), "");
    }
}
