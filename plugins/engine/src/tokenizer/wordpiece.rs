//! BERT's WordPiece tokeniser, cased, equal to transformers' slow `BertTokenizer`.

use super::algorithm::{Algorithm, Piece, Scratch};
use super::basic::{Scanner, Unit};
use super::vocab::WordPieceVocab;

/// BERT's basic tokeniser followed by WordPiece.
#[derive(Debug)]
pub(super) struct WordPiece {
    vocab: WordPieceVocab,
}

impl WordPiece {
    pub(super) fn new(vocab: WordPieceVocab) -> Self {
        Self { vocab }
    }
}

impl Algorithm for WordPiece {
    fn tokenize(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<Piece>) {
        let scanner = scratch.get::<Scanner>();
        scanner.scan(text, &self.vocab, |unit, word| match unit {
            Unit::Special { id, start, end } => out.push(Piece { id, start, end, word }),
            Unit::Word { text, origin } => self.vocab.split(text, |id, from, to| {
                out.push(Piece { id, start: origin[from], end: origin[to - 1] + 1, word });
            }),
        });
    }

    fn piece(&self, id: u32) -> &str {
        self.vocab.piece(id)
    }

    fn vocab_size(&self) -> usize {
        self.vocab.len()
    }

    fn unknown(&self) -> u32 {
        self.vocab.unk
    }
}
