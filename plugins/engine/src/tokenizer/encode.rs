//! Examples to packed sequences: special tokens, truncation, windows.

use kobench_plugin_sdk::{Context, EncodeOptions, Encoded, Example, Source, Token, Truncation};
use rayon::prelude::*;

use super::algorithm::{Piece, Scratch};
use super::template::SpecialToken;
use super::truncate::longest_first;
use super::unified::Tokenizer;
use crate::error::{EngineError, Result};

/// Examples that one unit of parallel work encodes.
const CHUNK: usize = 256;

/// What a worker reuses from example to example.
#[derive(Default)]
struct Work {
    scratch: Scratch,
    first: Vec<Piece>,
    second: Vec<Piece>,
}

impl Tokenizer {
    /// Encodes examples in parallel; the sequences come out in the order of the examples,
    /// whatever the number of threads.
    ///
    /// # Errors
    /// [`EngineError::Input`] for a `max_seq_len` that the model or the special tokens do not
    /// allow, a stride of 0, or, with [`Truncation::Never`], an example that is too long.
    pub fn encode(&self, examples: &[Example<'_>], options: &EncodeOptions) -> Result<Encoded> {
        let max = match options.max_seq_len {
            0 => self.max_positions,
            n if n > self.max_positions => {
                return Err(EngineError::Input(format!(
                    "max_seq_len {n} is more than the model's {} positions; use {} or less",
                    self.max_positions, self.max_positions
                )));
            }
            n => n,
        };
        let specials = self.template.n_pair();
        if max <= specials {
            return Err(EngineError::Input(format!(
                "max_seq_len {max} leaves no room for text beside the {specials} special tokens of a \
                 pair; use {} or more",
                specials + 1
            )));
        }
        let chunks: Vec<Encoded> = examples
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(chunk, examples)| {
                let mut work = Work::default();
                let mut encoded = Encoded::default();
                for (i, example) in examples.iter().enumerate() {
                    let call = Call {
                        tokenizer: self,
                        options,
                        max,
                        shown: chunk * CHUNK + i,
                        example: i,
                    };
                    call.run(example, &mut work, &mut encoded)?;
                }
                Ok(encoded)
            })
            .collect::<Result<_>>()?;
        let mut all = Encoded::default();
        for (chunk, encoded) in chunks.into_iter().enumerate() {
            let offset = u32::try_from(chunk * CHUNK).map_err(|_| {
                EngineError::Input("more than 2^32 examples in one call; split it".to_owned())
            })?;
            all.append(encoded, offset);
        }
        Ok(all)
    }
}

/// The encoding of one example.
struct Call<'a> {
    tokenizer: &'a Tokenizer,
    options: &'a EncodeOptions,
    max: usize,
    /// Number of the example in the whole call, for errors.
    shown: usize,
    /// Number of the example in its chunk.
    example: usize,
}

impl Call<'_> {
    fn run(&self, example: &Example<'_>, work: &mut Work, out: &mut Encoded) -> Result<()> {
        let Work { scratch, first, second } = work;
        first.clear();
        second.clear();
        match example {
            Example::Text(text) => {
                self.tokenizer.tokenize(text, scratch, first);
                self.single(first, out)
            }
            Example::Words(words) => {
                self.words(words, scratch, true, first);
                self.single(first, out)
            }
            Example::Pair(a, b) => {
                self.tokenizer.tokenize(a, scratch, first);
                self.tokenizer.tokenize(b, scratch, second);
                let (a, b) = (first.len(), second.len());
                let budget = self.max - self.tokenizer.template.n_pair();
                self.refuse_truncation(a + b, budget)?;
                let (keep_a, keep_b) = longest_first(a, b, budget);
                self.pair(&first[..keep_a], &second[..keep_b], 0, a + b - keep_a - keep_b, out);
                Ok(())
            }
            Example::QuestionContext { question, context } => {
                self.tokenizer.tokenize(question, scratch, first);
                match context {
                    Context::Text(text) => self.context_text(text, scratch, second),
                    Context::Words(words) => self.words(words, scratch, false, second),
                }
                self.windows(first, second, out)
            }
        }
    }

    /// Tokenises each word alone; with `keep_empty`, a word without tokens becomes one `[UNK]`, as
    /// the reference's token classification does it.
    fn words(&self, words: &[&str], scratch: &mut Scratch, keep_empty: bool, out: &mut Vec<Piece>) {
        for (number, word) in (0..).zip(words) {
            let from = out.len();
            self.tokenizer.tokenize(word, scratch, out);
            for piece in &mut out[from..] {
                piece.word = number;
            }
            if keep_empty && out.len() == from {
                let end = u32::try_from(word.len()).unwrap_or(u32::MAX);
                out.push(Piece {
                    id: self.tokenizer.algorithm.unknown(),
                    start: 0,
                    end,
                    word: number,
                });
            }
        }
    }

    /// Splits a context as the reference's `SquadExample` does and tokenises each word alone;
    /// offsets point into the whole context.
    fn context_text(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<Piece>) {
        let is_space = |c| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{202f}');
        let base = text.as_ptr() as usize;
        let words = text.split(is_space).filter(|w| !w.is_empty());
        for (number, word) in (0..).zip(words) {
            let at = u32::try_from(word.as_ptr() as usize - base).unwrap_or(u32::MAX);
            let from = out.len();
            self.tokenizer.tokenize(word, scratch, out);
            for piece in &mut out[from..] {
                *piece =
                    Piece { start: piece.start + at, end: piece.end + at, word: number, ..*piece };
            }
        }
    }

    /// A single text and its special tokens.
    fn single(&self, pieces: &[Piece], out: &mut Encoded) -> Result<()> {
        let template = &self.tokenizer.template;
        let budget = self.max - template.n_single();
        self.refuse_truncation(pieces.len(), budget)?;
        let kept = &pieces[..pieces.len().min(budget)];
        let mut sequence = Sequence { call: self, out, unknown: 0 };
        sequence.special(&template.before);
        sequence.text(kept, 0, Source::First);
        sequence.special(&template.after);
        sequence.finish(0, pieces.len() - kept.len());
        Ok(())
    }

    /// Two texts and their special tokens.
    fn pair(&self, a: &[Piece], b: &[Piece], window: usize, truncated: usize, out: &mut Encoded) {
        let template = &self.tokenizer.template;
        let mut sequence = Sequence { call: self, out, unknown: 0 };
        sequence.special(&template.before);
        sequence.text(a, 0, Source::First);
        sequence.special(&template.between);
        sequence.text(b, template.second_type, Source::Second);
        sequence.special(&template.after_pair);
        sequence.finish(window, truncated);
    }

    /// Windows over the context start `doc_stride` apart and end with the one that reaches its
    /// end (transformers 3.3.1, `squad_convert_example_to_features`).
    fn windows(&self, question: &[Piece], context: &[Piece], out: &mut Encoded) -> Result<()> {
        let kept = &question[..question.len().min(self.options.max_question_len)];
        let specials = self.tokenizer.template.n_pair();
        let capacity = self.max.saturating_sub(kept.len() + specials);
        let stride = self.options.doc_stride;
        if capacity == 0 || stride == 0 {
            return Err(EngineError::Input(format!(
                "example {}: max_seq_len {}, {} question tokens and doc_stride {stride} leave no \
                 room for the context; use a larger max_seq_len, a smaller max_question_len, or a \
                 doc_stride of at least 1",
                self.shown,
                self.max,
                kept.len()
            )));
        }
        self.refuse_truncation(kept.len() + context.len(), self.max - 3)?;
        // Tokens that no window shows: the question's tail, and gaps if the stride is longer than
        // a window.
        let mut starts = (0..).step_by(stride).take_while(|&s| s == 0 || s < context.len());
        let mut last = 0;
        let mut count = 0;
        for start in starts.by_ref() {
            last = start;
            count += 1;
            if start + capacity >= context.len() {
                break;
            }
        }
        let gaps = (count - 1) * stride.saturating_sub(capacity);
        let truncated = question.len() - kept.len() + gaps;
        for (window, start) in (0..=last).step_by(stride).enumerate() {
            let end = context.len().min(start + capacity);
            self.pair(kept, &context[start..end], window, truncated, out);
        }
        Ok(())
    }

    fn refuse_truncation(&self, tokens: usize, budget: usize) -> Result<()> {
        if self.options.truncation == Truncation::Never && tokens > budget {
            return Err(EngineError::Input(format!(
                "example {} has {tokens} tokens, but max_seq_len {} leaves room for {budget}; use a \
                 larger max_seq_len, or allow truncation",
                self.shown, self.max
            )));
        }
        Ok(())
    }
}

/// A sequence that is being written.
struct Sequence<'a> {
    call: &'a Call<'a>,
    out: &'a mut Encoded,
    unknown: usize,
}

impl Sequence<'_> {
    fn special(&mut self, tokens: &[SpecialToken]) {
        for &SpecialToken { id, type_id } in tokens {
            self.push(Token::special(id).of_type(type_id));
        }
    }

    fn text(&mut self, pieces: &[Piece], type_id: u8, source: Source) {
        for &Piece { id, start, end, word } in pieces {
            self.push(Token { id, type_id, source, word, start, end });
        }
    }

    fn push(&mut self, token: Token) {
        let algorithm = &self.call.tokenizer.algorithm;
        self.unknown += usize::from(token.id == algorithm.unknown());
        self.out.push_token(token);
        if self.call.options.pieces {
            self.out.pieces.push(algorithm.piece(token.id).to_owned());
        }
    }

    fn finish(self, window: usize, truncated: usize) {
        self.out.finish_sequence(self.call.example, window, truncated, self.unknown);
    }
}
