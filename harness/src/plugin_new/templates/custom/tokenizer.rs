//! Text to tokens: words that are apart by white space, each with the id of the word that it begins with.

use crate::words::Words;
use kobench_plugin_sdk::{
    Context, EncodeOptions, Encoded, Error, Example, Result, Source, Token, Truncation,
};

/// The longest sequence.
pub(crate) const MAX_SEQ_LEN: u32 = 512;

/// A tokeniser that is ready to use.
#[derive(Debug)]
pub(crate) struct WordTokenizer {
    words: Words,
}

/// A token, and its text for `pieces`.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    token: Token,
    text: &'a str,
}

impl WordTokenizer {
    pub(crate) fn new(words: Words) -> Self {
        Self { words }
    }

    /// Encodes examples, in their order.
    ///
    /// # Errors
    /// A `max_seq_len` beyond [`MAX_SEQ_LEN`], a stride of 0, or, with [`Truncation::Never`], an example that
    /// is too long.
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
            let mut call = Call { options, max, example: i, out: &mut encoded };
            match example {
                Example::Text(text) => call.cut(self.text(text, Source::First), Vec::new())?,
                Example::Words(words) => call.cut(self.given(words, Source::First), Vec::new())?,
                Example::Pair(first, second) => {
                    call.cut(self.text(first, Source::First), self.text(second, Source::Second))?;
                }
                Example::QuestionContext { question, context } => {
                    let context = match context {
                        Context::Text(text) => self.text(text, Source::Second),
                        Context::Words(words) => self.given(words, Source::Second),
                    };
                    call.windows(self.text(question, Source::First), context)?;
                }
            }
        }
        Ok(encoded)
    }

    /// The words of a text.
    fn text<'a>(&self, text: &'a str, source: Source) -> Vec<Piece<'a>> {
        let words = text.split(char::is_whitespace).filter(|w| !w.is_empty());
        let piece = |(number, word): (i32, &'a str)| {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            self.piece(word, number, start, source)
        };
        (0..).zip(words).map(piece).collect()
    }

    /// Words that were given as such: one token each, whatever they hold.
    fn given<'a>(&self, words: &[&'a str], source: Source) -> Vec<Piece<'a>> {
        (0..).zip(words).map(|(number, word)| self.piece(word, number, 0, source)).collect()
    }

    fn piece<'a>(&self, text: &'a str, word: i32, start: usize, source: Source) -> Piece<'a> {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (id, type_id) = (self.words.id(text), u8::from(source == Source::Second));
        let (start, end) = (narrow(start), narrow(start + text.len()));
        Piece { token: Token { id, type_id, source, word, start, end }, text }
    }
}

/// The encoding of one example.
struct Call<'a> {
    options: &'a EncodeOptions,
    max: usize,
    example: usize,
    out: &'a mut Encoded,
}

impl Call<'_> {
    /// One sequence, from which tokens are dropped one at a time: from the longer text, and where both are
    /// equally long from the second.
    fn cut(&mut self, mut first: Vec<Piece<'_>>, mut second: Vec<Piece<'_>>) -> Result<()> {
        let all = first.len() + second.len();
        self.refuse(all)?;
        while first.len() + second.len() > self.max {
            if first.len() > second.len() {
                first.pop()
            } else {
                second.pop()
            };
        }
        self.sequence(&first, &second, 0, all - first.len() - second.len());
        Ok(())
    }

    /// Windows over the context that begin `doc_stride` apart; the last one reaches its end.
    fn windows(&mut self, question: Vec<Piece<'_>>, context: Vec<Piece<'_>>) -> Result<()> {
        let kept = &question[..question.len().min(self.options.max_question_len)];
        let (room, stride) = (self.max.saturating_sub(kept.len()), self.options.doc_stride);
        if room == 0 || stride == 0 || stride > room {
            return Err(Error::invalid_argument(format!(
                "example {}: windows of {room} tokens, {stride} apart, do not show the whole context; use a \
                 larger max_seq_len, or a smaller doc_stride or max_question_len",
                self.example
            )));
        }
        self.refuse(kept.len() + context.len())?;
        for (window, start) in (0..).step_by(stride).enumerate() {
            let end = context.len().min(start + room);
            self.sequence(kept, &context[start..end], window, question.len() - kept.len());
            if end == context.len() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn refuse(&self, tokens: usize) -> Result<()> {
        if self.options.truncation == Truncation::Never && tokens > self.max {
            return Err(Error::invalid_argument(format!(
                "example {} has {tokens} tokens, more than max_seq_len {}",
                self.example, self.max
            )));
        }
        Ok(())
    }

    fn sequence(&mut self, first: &[Piece<'_>], second: &[Piece<'_>], window: usize, cut: usize) {
        let mut unknown = 0;
        for piece in first.iter().chain(second) {
            unknown += usize::from(piece.token.id == 0);
            self.out.push_token(piece.token);
            if self.options.pieces {
                self.out.pieces.push(piece.text.to_owned());
            }
        }
        self.out.finish_sequence(self.example, window, cut, unknown);
    }
}
