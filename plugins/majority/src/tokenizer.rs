//! Text to tokens: a special token, then words that are apart by white space, each with an id that is a hash of it.
//! The model never looks at them; they are what a row's length is counted in, and what words' labels stand on.

use kobench_plugin_sdk::{
    EncodeOptions, Encoded, Error, Example, Result, Source, Token, Truncation,
};

/// The longest sequence.
pub(crate) const MAX_SEQ_LEN: u32 = 8192;

/// The token at the beginning of each sequence, so that an empty text has one too.
const BEGIN: u32 = 1;
/// Ids of words begin here.
const FIRST_WORD: u32 = 2;
/// So many ids are for words.
const WORDS: u32 = (1 << 15) - FIRST_WORD;

/// A tokeniser that is ready to use.
#[derive(Debug)]
pub(crate) struct WordTokenizer;

/// A token, and its text for `pieces`.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    token: Token,
    text: &'a str,
}

impl WordTokenizer {
    /// Encodes examples, in their order.
    ///
    /// # Errors
    /// Questions with contexts, for which there is no head; a `max_seq_len` beyond [`MAX_SEQ_LEN`], or, with
    /// [`Truncation::Never`], an example that is too long.
    pub(crate) fn encode(
        &self,
        examples: &[Example<'_>],
        options: &EncodeOptions,
    ) -> Result<Encoded> {
        let limit = MAX_SEQ_LEN as usize;
        let max = if options.max_seq_len == 0 { limit } else { options.max_seq_len };
        if max > limit {
            return Err(Error::invalid_argument(format!("max_seq_len {max}; use {limit} or less")));
        }
        let mut encoded = Encoded::default();
        for (i, example) in examples.iter().enumerate() {
            let (first, second) = match example {
                Example::Text(text) => (words(text, Source::First), Vec::new()),
                Example::Words(given) => {
                    // One token each, whatever they hold.
                    let piece = |(number, word)| piece(word, number, 0, Source::First);
                    ((0..).zip(given.iter().copied()).map(piece).collect(), Vec::new())
                }
                Example::Pair(first, second) => {
                    (words(first, Source::First), words(second, Source::Second))
                }
                Example::QuestionContext { .. } => {
                    return Err(Error::unsupported(
                        "a majority class answers no questions about contexts",
                    ));
                }
            };
            put(&mut encoded, i, (first, second), max, options)?;
        }
        Ok(encoded)
    }
}

/// One sequence, from which tokens are dropped one at a time: from the longer text, and where both are equally long
/// from the second.
fn put(
    encoded: &mut Encoded,
    example: usize,
    (mut first, mut second): (Vec<Piece<'_>>, Vec<Piece<'_>>),
    max: usize,
    options: &EncodeOptions,
) -> Result<()> {
    let (all, room) = (first.len() + second.len(), max - 1);
    if options.truncation == Truncation::Never && all > room {
        return Err(Error::invalid_argument(format!(
            "example {example} has {} tokens, more than max_seq_len {max}",
            all + 1
        )));
    }
    while first.len() + second.len() > room {
        if first.len() > second.len() {
            first.pop()
        } else {
            second.pop()
        };
    }
    let begin = Piece { token: Token::special(BEGIN), text: "[BEGIN]" };
    for piece in std::iter::once(&begin).chain(&first).chain(&second) {
        encoded.push_token(piece.token);
        if options.pieces {
            encoded.pieces.push(piece.text.to_owned());
        }
    }
    encoded.finish_sequence(example, 0, all - first.len() - second.len(), 0);
    Ok(())
}

fn words(text: &str, source: Source) -> Vec<Piece<'_>> {
    let words = text.split(char::is_whitespace).filter(|word| !word.is_empty());
    let place = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    (0..).zip(words).map(|(number, word)| piece(word, number, place(word), source)).collect()
}

fn piece(text: &str, word: i32, start: usize, source: Source) -> Piece<'_> {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (start, end) = (narrow(start), narrow(start + text.len()));
    let type_id = u8::from(source == Source::Second);
    Piece { token: Token { id: id(text), type_id, source, word, start, end }, text }
}

/// FNV-1a (Fowler, Noll and Vo), folded into the ids that there are.
fn id(word: &str) -> u32 {
    let hash = word
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    FIRST_WORD + hash % WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_tokens_and_an_empty_text_has_one() {
        let options = EncodeOptions { pieces: true, max_seq_len: 4, ..EncodeOptions::default() };
        let examples = [
            Example::Text(" 재미 있다 "),
            Example::Text(""),
            Example::Words(vec!["한", " ", ""]),
            Example::Pair("a b", "c d"),
        ];
        let encoded = WordTokenizer.encode(&examples, &options).unwrap();
        assert_eq!(encoded.cu_seqlens, [0, 3, 4, 8, 12]);
        assert_eq!(encoded.pieces[1..3], ["재미", "있다"]);
        assert_eq!((encoded.offset_start[1], encoded.offset_end[1]), (1, 7));
        assert_eq!(encoded.word_ids[4..8], [-1, 0, 1, 2]);
        // Both are equally long: the second loses a word.
        assert_eq!(encoded.pieces[8..], ["[BEGIN]", "a", "b", "c"]);
        assert_eq!(encoded.n_truncated, [0, 0, 0, 1]);
        assert!(encoded.input_ids.iter().all(|id| *id < 1 << 15));
        let never = EncodeOptions { truncation: Truncation::Never, ..options };
        assert!(WordTokenizer.encode(&examples, &never).is_err());
    }
}
