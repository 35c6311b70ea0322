//! The tokens of a right answer (`_improve_answer_span` of `squad.py`).

use super::{Document, Pieces, Words};
use crate::data::python_split;

/// Tokens `start..=end` of a context, whatever its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelSpan {
    /// The first token.
    pub start: usize,
    /// The last token.
    pub end: usize,
}

impl LabelSpan {
    /// Tokens; never 0.
    #[expect(clippy::len_without_is_empty, reason = "a span is never empty")]
    pub fn len(&self) -> usize {
        self.end - self.start + 1
    }
}

/// The tokens that a model is trained to predict for an answer: of the words that the answer touches, the
/// first (earliest start, then latest end) span of tokens that is what the tokeniser makes of the answer
/// alone; where there is none, all tokens of these words.
///
/// `answer_start` is the byte of the context at which `answer` begins, and `answer_pieces` are the answer's
/// own tokens. None for an answer that is empty, is not in the words at its place (the reference leaves
/// such rows out), or whose words have no tokens.
pub fn label_span(
    words: &Words<'_>,
    document: &Document<'_>,
    answer: &str,
    answer_start: usize,
    answer_pieces: &Pieces,
) -> Option<LabelSpan> {
    let last_byte = answer_start + answer.len().checked_sub(1)?;
    let first = words.of_character(answer_start)?;
    let last = words.of_character(last_byte)?;
    let cleaned: Vec<&str> = python_split(answer).collect();
    if !words.join(first..=last).contains(&cleaned.join(" ")) {
        return None;
    }
    // Tokens are in the order of their words.
    let begins = |word: usize| {
        partition(document.len(), |at| document.word(words, at).is_some_and(|w| w < word))
    };
    let (start, end) = (begins(first), begins(last + 1).checked_sub(1)?);
    if start > end {
        return None;
    }
    let tokens: Vec<&str> = (start..=end).map(|at| document.piece(at)).collect();
    let wanted: Vec<&str> = answer_pieces.iter().collect();
    // All spans of one length: the first start is the one that the reference finds.
    let found = (!wanted.is_empty())
        .then(|| tokens.windows(wanted.len()).position(|span| span == wanted))
        .flatten();
    Some(match found {
        Some(at) => LabelSpan { start: start + at, end: start + at + wanted.len() - 1 },
        None => LabelSpan { start, end },
    })
}

/// The first index below `len` for which `before` does not hold; it holds for all indices before it.
fn partition(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qa::Window;

    const CONTEXT: &str = "바그너는 1839년에 읽었다";

    fn windows() -> Vec<Window> {
        let pieces = ["바그", "##너", "##는", "1839", "##년", "##에", "읽", "##었다"];
        let offsets = vec![0, 6, 9, 13, 17, 20, 24, 27];
        vec![Window { context_start: 2, offsets, pieces: pieces.into_iter().collect() }]
    }

    fn span(answer: &str, start: usize, pieces: &[&str]) -> Option<(usize, usize)> {
        let (words, windows) = (Words::split(CONTEXT), windows());
        let document = Document::new(&windows, 128).unwrap();
        let pieces = pieces.iter().copied().collect();
        label_span(&words, &document, answer, start, &pieces).map(|span| (span.start, span.end))
    }

    #[test]
    fn the_span_shrinks_to_the_answers_own_tokens() {
        assert_eq!(span("1839년", 13, &["1839", "##년"]), Some((3, 4)));
        assert_eq!(
            span("바그너는 1839년", 0, &["바그", "##너", "##는", "1839", "##년"]),
            Some((0, 4))
        );
    }

    #[test]
    fn an_answer_with_other_tokens_is_its_words() {
        assert_eq!(span("839년", 14, &["839", "##년"]), Some((3, 5)));
        assert_eq!(span("년에 읽", 17, &["년", "##에", "읽"]), Some((3, 7)));
        assert_eq!(span("1839년", 13, &[]), Some((3, 5)));
    }

    #[test]
    fn an_answer_that_is_not_there_has_no_span() {
        assert_eq!(span("1840년", 13, &["1840", "##년"]), None);
        assert_eq!(span("", 13, &[]), None);
        assert_eq!(
            span("읽었다", 9_000, &["읽", "##었다"]),
            Some((6, 7)),
            "the last word, as the reference has it"
        );
    }
}
