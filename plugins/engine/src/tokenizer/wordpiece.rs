//! BERT's WordPiece tokeniser, cased, equal to transformers' slow `BertTokenizer`.

use std::path::Path;

use tokenizers::Model as _;

use super::aligned::Aligned;
use super::basic::{Scanner, Unit};
use super::vocab::Vocab;
use crate::error::{EngineError, Result};

/// An edit of the text before tokenisation that keeps track of where characters came from.
pub type Preprocess = fn(&mut Aligned);

/// One token of a text: id, byte range in the text as it was given, and word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) id: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Ordinal of the whitespace-separated word in the text.
    pub(super) word: i32,
}

/// A WordPiece tokeniser that is ready to use, by any number of threads.
#[derive(Debug)]
pub struct WordPieceTokenizer {
    pub(super) vocab: Vocab,
    pub(super) max_positions: usize,
    preprocess: Option<Preprocess>,
}

impl WordPieceTokenizer {
    /// From the bytes of vocab.txt; `origin` names them in errors, and `max_positions` is the
    /// longest sequence of the model, special tokens included.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`] when it is not the vocabulary of a BERT model.
    pub fn from_vocab(bytes: &[u8], origin: &str, max_positions: usize) -> Result<Self> {
        let vocab = Vocab::parse(bytes, origin)?;
        Ok(Self { vocab, max_positions, preprocess: None })
    }

    /// From vocab.txt in a Hugging Face directory.
    ///
    /// # Errors
    /// [`EngineError::Io`] when it cannot be read, else as [`WordPieceTokenizer::from_vocab`].
    pub fn open(directory: &Path, max_positions: usize) -> Result<Self> {
        let path = directory.join("vocab.txt");
        let bytes = std::fs::read(&path)
            .map_err(|source| EngineError::Io { path: path.clone(), source })?;
        Self::from_vocab(&bytes, &path.display().to_string(), max_positions)
    }

    /// Edits every text (and pre-split word) by `preprocess` first.
    #[must_use]
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.preprocess = Some(preprocess);
        self
    }

    /// Number of ids.
    pub fn vocab_size(&self) -> usize {
        self.vocab.len()
    }

    /// Ids of one text, without special tokens around it and without truncation.
    pub fn ids(&self, text: &str) -> Vec<u32> {
        let mut pieces = Vec::new();
        self.tokenize(text, &mut Scanner::default(), &mut pieces);
        pieces.iter().map(|p| p.id).collect()
    }

    /// Appends the tokens of `text`.
    pub(super) fn tokenize(&self, text: &str, scanner: &mut Scanner, out: &mut Vec<Piece>) {
        let Some(preprocess) = self.preprocess else {
            return self.tokenize_plain(text, scanner, out);
        };
        let mut aligned = Aligned::new(text);
        preprocess(&mut aligned);
        let first = out.len();
        self.tokenize_plain(&aligned.text(), scanner, out);
        let spans = aligned.byte_spans();
        for piece in &mut out[first..] {
            // A token is never empty, so both bytes exist.
            piece.start = spans[piece.start as usize].0;
            piece.end = spans[piece.end as usize - 1].1;
        }
    }

    fn tokenize_plain(&self, text: &str, scanner: &mut Scanner, out: &mut Vec<Piece>) {
        scanner.scan(text, &self.vocab, |unit, word| match unit {
            Unit::Special { id, start, end } => out.push(Piece { id, start, end, word }),
            Unit::Word { text, origin } => match self.vocab.model.tokenize(text) {
                Ok(tokens) => out.extend(tokens.iter().map(|token| Piece {
                    id: token.id,
                    start: origin[token.offsets.0],
                    end: origin[token.offsets.1 - 1] + 1,
                    word,
                })),
                // Only a vocabulary without [UNK] fails, and parsing refused that.
                Err(_) => out.push(Piece {
                    id: self.vocab.unk,
                    start: origin[0],
                    end: origin[origin.len() - 1] + 1,
                    word,
                }),
            },
        });
    }
}
