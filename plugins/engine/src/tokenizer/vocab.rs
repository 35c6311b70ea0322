//! vocab.txt: one piece a line, its number is its id.

use std::collections::HashMap;

use tokenizers::Model as _;
use tokenizers::models::wordpiece::WordPiece;

use crate::error::{EngineError, Result};

/// Longest word that is looked up, in characters; longer ones are unknown.
const MAX_WORD_CHARS: usize = 100;

/// A WordPiece vocabulary with BERT's special tokens.
///
/// [`split`](Self::split) is what a tokeniser needs that finds words by other means than BERT's basic
/// tokeniser, see [`Algorithm`](super::Algorithm).
#[derive(Debug)]
pub struct WordPieceVocab {
    model: WordPiece,
    pieces: Vec<String>,
    pub(super) unk: u32,
    pub(super) cls: u32,
    pub(super) sep: u32,
    specials: Vec<(&'static str, u32)>,
}

/// The lines of a vocab.txt as transformers' `load_vocab` reads them: they end at \n, \r\n or \r,
/// and nothing else is stripped (U+3000 and the like are pieces).
pub(super) fn lines(bytes: &[u8], origin: &str) -> Result<Vec<String>> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        EngineError::tokenizer(
            origin,
            format!("not UTF-8 (byte {}): it is damaged; fetch it again", e.valid_up_to()),
        )
    })?;
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let body = unified.strip_suffix('\n').unwrap_or(&unified);
    Ok(body.split('\n').map(str::to_owned).collect())
}

impl WordPieceVocab {
    /// Parses vocab.txt. Of equal lines the last counts.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`] when it is not the vocabulary of a WordPiece model.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        Self::from_pieces(lines(bytes, origin)?, origin)
    }

    /// From the pieces in the order of their ids.
    pub(super) fn from_pieces(pieces: Vec<String>, origin: &str) -> Result<Self> {
        let beginning = |mark: &str| pieces.iter().filter(|p| p.starts_with(mark)).count();
        let spm = beginning("\u{2581}");
        if spm > beginning("##") && spm > pieces.len() / 10 {
            return Err(EngineError::tokenizer(
                origin,
                format!(
                    "{spm} of {} pieces begin with \"\u{2581}\" (U+2581), as SentencePiece's do: it \
                     belongs to KoBERT or the like, which a WordPiece tokeniser would read as \
                     unknown words only; use the plugin of that family",
                    pieces.len()
                ),
            ));
        }
        let map: HashMap<String, u32> = pieces.iter().cloned().zip(0..).collect();
        let special = |name: &'static str| map.get(name).map(|&id| (name, id));
        let required = |name| {
            special(name).map(|(_, id)| id).ok_or_else(|| {
                EngineError::tokenizer(
                    origin,
                    format!(
                        "no line \"{name}\" among {} pieces: not the vocab.txt of a BERT \
                         WordPiece model; use the one that belongs to the weights",
                        pieces.len()
                    ),
                )
            })
        };
        let (unk, cls, sep) = (required("[UNK]")?, required("[CLS]")?, required("[SEP]")?);
        let specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
            .into_iter()
            .filter_map(special)
            .collect();
        // An empty map of the crate's own type, which it does not export.
        let fail = |e: tokenizers::Error| EngineError::tokenizer(origin, e.to_string());
        let mut vocab = WordPiece::read_bytes(b"").map_err(fail)?;
        vocab.extend(map);
        let model = WordPiece::builder()
            .vocab(vocab)
            .unk_token("[UNK]".to_owned())
            .max_input_chars_per_word(MAX_WORD_CHARS)
            .build()
            .map_err(fail)?;
        Ok(Self { model, pieces, unk, cls, sep, specials })
    }

    /// Splits a word, greedily by its longest pieces; `emit` gets each piece's id and its bytes
    /// `[from, to)` in the word. A word of more than 100 characters, or one that no pieces make, is
    /// unknown as a whole; an empty one gives nothing.
    pub fn split(&self, word: &str, mut emit: impl FnMut(u32, usize, usize)) {
        if word.is_empty() {
            return;
        }
        match self.model.tokenize(word) {
            Ok(tokens) => {
                for token in tokens {
                    emit(token.id, token.offsets.0, token.offsets.1);
                }
            }
            // Only a vocabulary without [UNK] fails, and parsing refused that.
            Err(_) => emit(self.unk, 0, word.len()),
        }
    }

    /// The text of an id; empty for an id that there is not.
    pub fn piece(&self, id: u32) -> &str {
        self.pieces.get(id as usize).map_or("", String::as_str)
    }

    /// The id of a piece.
    pub fn id(&self, piece: &str) -> Option<u32> {
        self.model.token_to_id(piece)
    }

    /// Number of ids.
    #[expect(clippy::len_without_is_empty, reason = "it has three special tokens at least")]
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The id of `[UNK]`.
    pub fn unknown(&self) -> u32 {
        self.unk
    }

    /// BERT's special tokens around texts.
    pub fn template(&self) -> super::Template {
        super::Template::bert(self.cls, self.sep)
    }

    /// The special token that `text` begins with: its id and its length in bytes.
    pub(super) fn special_prefix(&self, text: &str) -> Option<(u32, usize)> {
        let hit = self.specials.iter().find(|(name, _)| text.starts_with(name))?;
        Some((hit.1, hit.0.len()))
    }

    /// The id of `word` if it is a special token.
    pub(super) fn special(&self, word: &str) -> Option<u32> {
        self.specials.iter().find(|(name, _)| *name == word).map(|&(_, id)| id)
    }
}
