//! The words of a context, as the reference's `SquadExample` splits it.

use std::ops::RangeInclusive;

/// Where the words of a context are. Words are separated by space, tab, CR, LF and U+202F, and by no other
/// white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words<'a> {
    context: &'a str,
    /// Byte ranges.
    spans: Vec<(usize, usize)>,
}

impl<'a> Words<'a> {
    /// Splits a context.
    pub fn split(context: &'a str) -> Self {
        let is_space = |c| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{202f}');
        let place = |word: &str| {
            let start = word.as_ptr() as usize - context.as_ptr() as usize;
            (start, start + word.len())
        };
        let spans = context.split(is_space).filter(|word| !word.is_empty()).map(place).collect();
        Self { context, spans }
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The word that a token belongs to which begins at byte `start`: the first that ends behind it, so
    /// that a token may begin with the white space before its word. None without words.
    pub fn of_token(&self, start: usize) -> Option<usize> {
        let word = self.spans.partition_point(|&(_, end)| end <= start);
        self.len().checked_sub(1).map(|last| word.min(last))
    }

    /// The word of the character at byte `at`; white space belongs to the word before it, as in the
    /// reference's `char_to_word_offset`. None before the first word.
    pub fn of_character(&self, at: usize) -> Option<usize> {
        self.spans.partition_point(|&(start, _)| start <= at).checked_sub(1)
    }

    /// Some words, joined by single spaces; empty where the range is, or reaches beyond the last word.
    pub fn join(&self, words: RangeInclusive<usize>) -> String {
        let spans = self.spans.get(words).unwrap_or_default();
        let words: Vec<&str> =
            spans.iter().map(|&(start, end)| &self.context[start..end]).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn only_five_characters_separate_words() {
        let words = Words::split(" 가 나\u{a0}다\t\n라\u{202f}마\u{3000}바 ");
        assert_eq!((words.len(), words.join(0..=3)), (4, "가 나\u{a0}다 라 마\u{3000}바".into()));
        assert_eq!(words.join(3..=4), "");
        assert!(Words::split(" \n").is_empty());
    }

    #[test]
    fn tokens_and_characters_find_their_words() {
        //                          0123456
        let words = Words::split(" ab  cd ");
        let tokens: Vec<_> = (0..8).map(|at| words.of_token(at)).collect();
        assert_eq!(tokens, [0, 0, 0, 1, 1, 1, 1, 1].map(Some));
        let characters: Vec<_> = (0..8).map(|at| words.of_character(at)).collect();
        let expected = [None, Some(0), Some(0), Some(0), Some(0), Some(1), Some(1), Some(1)];
        assert_eq!(characters, expected);
        assert_eq!(Words::split(" ").of_token(0), None);
    }
}
