//! SentencePiece with a family's own ids: XLM-R, DeBERTa-v2 and -v3, Gemma.

use std::collections::HashMap;

use super::added::{AddedTokens, Stretch};
use super::algorithm::{Algorithm, Piece, Scratch, narrow, number_words};
use super::sentencepiece::{Segments, SentencePiece};

/// What sets families apart once their files are read.
#[derive(Debug)]
pub(super) struct Subword {
    pub(super) model: SentencePiece,
    /// The family's id of each of the model's.
    pub(super) ids: Vec<u32>,
    /// The text of each of the family's ids.
    pub(super) names: Vec<String>,
    /// Pieces that segmentation never gives (control, byte), but that a run of unknown characters
    /// can spell: transformers looks up tokens by their text.
    pub(super) reserved: HashMap<String, u32>,
    pub(super) added: AddedTokens,
    pub(super) unknown: u32,
}

impl Subword {
    fn stretch(&self, text: &str, at: usize, segments: &mut Segments, out: &mut Vec<Piece>) {
        self.model.encode(text, segments);
        let Segments { normalized, segments, .. } = segments;
        let at = narrow(at);
        out.extend(segments.iter().map(|segment| {
            let id = if segment.id == self.model.unknown() {
                let run = &normalized.text()[segment.from..segment.to];
                let spelt = self.added.id(run).or_else(|| self.reserved.get(run).copied());
                spelt.unwrap_or(self.unknown)
            } else {
                self.ids[segment.id as usize]
            };
            let (start, end) = normalized.source(segment.from, segment.to);
            Piece { id, start: at + start, end: at + end, word: 0 }
        }));
    }
}

impl Algorithm for Subword {
    fn tokenize(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<Piece>) {
        let segments = scratch.get::<Segments>();
        let first = out.len();
        self.added.split(text, |stretch| match stretch {
            Stretch::Text { start, end } => self.stretch(&text[start..end], start, segments, out),
            Stretch::Token { id, start, end } => {
                out.push(Piece { id, start: narrow(start), end: narrow(end), word: 0 });
            }
        });
        number_words(text, &mut out[first..]);
    }

    fn piece(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", String::as_str)
    }

    fn vocab_size(&self) -> usize {
        self.names.len()
    }

    fn unknown(&self) -> u32 {
        self.unknown
    }
}
