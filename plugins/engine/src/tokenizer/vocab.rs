//! vocab.txt: one piece a line, its number is its id.

use std::collections::HashMap;

use tokenizers::Model as _;
use tokenizers::models::wordpiece::WordPiece;

use super::added::{AddedToken, name_added};
use crate::error::{EngineError, Result};

/// Longest word that BERT's WordPiece looks up, in characters; longer ones are unknown.
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
    specials: Vec<Special>,
}

/// A token that is taken as a whole where a text has it.
#[derive(Debug)]
struct Special {
    text: String,
    id: u32,
    /// Whether a word that becomes it by the removal of characters is it too: transformers knows
    /// special tokens by both ways, other added ones by the first alone.
    also_cleaned: bool,
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
        Self::parse_with(bytes, origin, MAX_WORD_CHARS)
    }

    /// As [`parse`](Self::parse), with another length up to which words are looked up.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with(bytes: &[u8], origin: &str, max_word_chars: usize) -> Result<Self> {
        Self::build(lines(bytes, origin)?, origin, max_word_chars)
    }

    /// From the pieces in the order of their ids.
    pub(super) fn from_pieces(pieces: Vec<String>, origin: &str) -> Result<Self> {
        Self::build(pieces, origin, MAX_WORD_CHARS)
    }

    fn build(pieces: Vec<String>, origin: &str, max_word_chars: usize) -> Result<Self> {
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
        let required = |name| {
            map.get(name).copied().ok_or_else(|| {
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
            .filter_map(|name| {
                let &id = map.get(name)?;
                Some(Special { text: name.to_owned(), id, also_cleaned: true })
            })
            .collect();
        // An empty map of the crate's own type, which it does not export.
        let fail = |e: tokenizers::Error| EngineError::tokenizer(origin, e.to_string());
        let mut vocab = WordPiece::read_bytes(b"").map_err(fail)?;
        vocab.extend(map);
        let model = WordPiece::builder()
            .vocab(vocab)
            .unk_token("[UNK]".to_owned())
            .max_input_chars_per_word(max_word_chars)
            .build()
            .map_err(fail)?;
        Ok(Self { model, pieces, unk, cls, sep, specials })
    }

    /// Takes these tokens as wholes as well, and gives those beyond the vocabulary their place.
    pub(super) fn add(&mut self, tokens: &[AddedToken], origin: &str) -> Result<()> {
        name_added(origin, &mut self.pieces, tokens)?;
        for AddedToken { content, id, .. } in tokens {
            if !self.specials.iter().any(|s| s.text == *content) {
                let text = content.clone();
                self.specials.push(Special { text, id: *id, also_cleaned: false });
            }
        }
        self.specials.sort_by_key(|s| std::cmp::Reverse(s.text.len()));
        Ok(())
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

    /// Whether a special token begins with this character.
    pub(super) fn begins_special(&self, c: char) -> bool {
        c == '[' || self.specials.len() > 5 && self.specials.iter().any(|s| s.text.starts_with(c))
    }

    /// The longest special token that `text` begins with: its id and its length in bytes.
    pub(super) fn special_prefix(&self, text: &str) -> Option<(u32, usize)> {
        let hit = self.specials.iter().find(|s| text.starts_with(&s.text))?;
        Some((hit.id, hit.text.len()))
    }

    /// The id of `word` if it is a special token.
    pub(super) fn special(&self, word: &str) -> Option<u32> {
        self.specials.iter().find(|s| s.also_cleaned && s.text == word).map(|s| s.id)
    }
}
