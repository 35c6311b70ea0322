//! One type for the tokenisers of all families.

use std::path::Path;

use super::algorithm::{Algorithm, Piece, Scratch};
use super::aligned::Aligned;
use super::families;
use super::files::Place;
use super::kind::TokenizerKind;
use super::template::Template;
use super::vocab::WordPieceVocab;
use super::wordpiece::WordPiece;
use crate::error::Result;

/// An edit of the text before tokenisation that keeps track of where characters came from.
pub type Preprocess = fn(&mut Aligned);

/// A tokeniser that is ready to use, by any number of threads.
pub struct Tokenizer {
    pub(super) algorithm: Box<dyn Algorithm>,
    pub(super) template: Template,
    pub(super) max_positions: usize,
    preprocess: Option<Preprocess>,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size())
            .field("template", &self.template)
            .field("max_positions", &self.max_positions)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// From the files of a Hugging Face directory; `max_positions` is the longest sequence of the
    /// model, special tokens included. [`TokenizerKind`] says which files.
    ///
    /// # Errors
    /// [`EngineError::Io`](crate::EngineError::Io) when a file cannot be read (of kind `NotFound`,
    /// and with all names that were tried, when there is none),
    /// [`EngineError::Tokenizer`](crate::EngineError::Tokenizer) when one is damaged, belongs to
    /// another family, or asks for something that is not supported, such as lower-casing.
    pub fn open(kind: TokenizerKind, directory: &Path, max_positions: usize) -> Result<Self> {
        Self::open_at(kind, Place::Directory(directory), max_positions)
    }

    /// As [`Tokenizer::open`], wherever the files are.
    ///
    /// # Errors
    /// As [`Tokenizer::open`].
    pub fn open_at(kind: TokenizerKind, place: Place<'_>, max_positions: usize) -> Result<Self> {
        let (algorithm, template) = families::open(kind, place)?;
        Ok(Self::from_algorithm(algorithm, template, max_positions))
    }

    /// A WordPiece tokeniser from the bytes of vocab.txt; `origin` names them in errors.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`](crate::EngineError::Tokenizer) when it is not the vocabulary of a
    /// BERT model.
    pub fn from_vocab(bytes: &[u8], origin: &str, max_positions: usize) -> Result<Self> {
        let vocab = WordPieceVocab::parse(bytes, origin)?;
        let template = vocab.template();
        Ok(Self::from_algorithm(Box::new(WordPiece::new(vocab)), template, max_positions))
    }

    /// From any algorithm, also one outside this crate, and the special tokens around texts.
    pub fn from_algorithm(
        algorithm: Box<dyn Algorithm>,
        template: Template,
        max_positions: usize,
    ) -> Self {
        Self { algorithm, template, max_positions, preprocess: None }
    }

    /// Edits every text (and pre-split word) by `preprocess` first.
    #[must_use]
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.preprocess = Some(preprocess);
        self
    }

    /// Number of ids.
    pub fn vocab_size(&self) -> usize {
        self.algorithm.vocab_size()
    }

    /// Ids of one text, without special tokens around it and without truncation.
    pub fn ids(&self, text: &str) -> Vec<u32> {
        let mut pieces = Vec::new();
        self.tokenize(text, &mut Scratch::default(), &mut pieces);
        pieces.iter().map(|p| p.id).collect()
    }

    /// Appends the tokens of `text`.
    pub(super) fn tokenize(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<Piece>) {
        let Some(preprocess) = self.preprocess else {
            return self.algorithm.tokenize(text, scratch, out);
        };
        let mut aligned = Aligned::new(text);
        preprocess(&mut aligned);
        let first = out.len();
        self.algorithm.tokenize(&aligned.text(), scratch, out);
        let spans = aligned.byte_spans();
        for piece in &mut out[first..] {
            let (start, end) = (piece.start as usize, piece.end as usize);
            let span = if start < end {
                (spans[start].0, spans[end - 1].1)
            } else {
                let at = spans.get(start).map(|s| s.0).or(spans.last().map(|s| s.1));
                (at.unwrap_or(0), at.unwrap_or(0))
            };
            (piece.start, piece.end) = span;
        }
    }
}
