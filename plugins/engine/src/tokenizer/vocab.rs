//! vocab.txt: one piece a line, its number is its id.

use tokenizers::models::wordpiece::WordPiece;

use crate::error::{EngineError, Result};

/// Longest word that is looked up, in characters; longer ones are unknown.
const MAX_WORD_CHARS: usize = 100;

/// A vocabulary with BERT's special tokens.
#[derive(Debug)]
pub(super) struct Vocab {
    pub(super) model: WordPiece,
    pieces: Vec<String>,
    pub(super) unk: u32,
    pub(super) cls: u32,
    pub(super) sep: u32,
    specials: Vec<(&'static str, u32)>,
}

impl Vocab {
    /// Parses vocab.txt as transformers' `load_vocab` does: lines end at \n, \r\n or \r, and
    /// nothing else is stripped (U+3000 and the like are pieces). Of equal lines the last counts.
    pub(super) fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            EngineError::tokenizer(
                origin,
                format!("not UTF-8 (byte {}): it is damaged; fetch it again", e.valid_up_to()),
            )
        })?;
        let unified = text.replace("\r\n", "\n").replace('\r', "\n");
        let body = unified.strip_suffix('\n').unwrap_or(&unified);
        let pieces: Vec<String> = body.split('\n').map(str::to_owned).collect();
        let map: std::collections::HashMap<String, u32> = pieces.iter().cloned().zip(0..).collect();
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

    /// The text of an id.
    pub(super) fn piece(&self, id: u32) -> &str {
        self.pieces.get(id as usize).map_or("", String::as_str)
    }

    /// Number of ids.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
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
