//! The most probable segmentation under a unigram language model.
//!
//! Source: `Model::EncodeOptimized` in SentencePiece's unigram_model.cc, whose arithmetic is kept to
//! the last bit: sums in f64, best scores stored as f32. (The `tokenizers` crate's `Unigram` sums in
//! f64 throughout, counts control pieces among those that may be used, and knows no user-defined
//! ones.)

use super::super::trie::Trie;
use super::Segment;

/// How much worse than the least probable piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;

/// The best way to a byte of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Best {
    score: f32,
    id: u32,
    /// Where its last piece begins; [`UNREACHED`] if there is no way yet.
    from: usize,
}

const UNREACHED: usize = usize::MAX;

/// Pieces that may be used, with their log probabilities.
#[derive(Debug)]
pub(super) struct Unigram {
    /// Of each piece, by id.
    pub(super) scores: Vec<f32>,
    /// By id: whether the piece is user-defined, and so is taken wherever it stands.
    pub(super) user_defined: Vec<bool>,
    /// Least score of a normal piece.
    pub(super) min_score: f32,
    /// Greatest score of a normal piece, at least the least positive normal number.
    pub(super) max_score: f32,
    pub(super) unknown: u32,
}

impl Unigram {
    /// Appends the segments of `text`, characters that no piece covers as unknown ones.
    pub(super) fn segment(
        &self,
        pieces: &Trie,
        text: &str,
        best: &mut Vec<Best>,
        out: &mut Vec<Segment>,
    ) {
        let bytes = text.as_bytes();
        best.clear();
        best.resize(bytes.len() + 1, Best { score: 0.0, id: self.unknown, from: UNREACHED });
        let unknown_score = self.min_score - UNKNOWN_PENALTY;
        for (from, c) in text.char_indices() {
            let so_far = best[from].score;
            let mut has_single = false;
            let mut node = pieces.root();
            for (to, &byte) in (from + 1..).zip(&bytes[from..]) {
                let Some(next) = pieces.step(node, byte) else { break };
                node = next;
                if let Some(id) = pieces.value(node) {
                    let length = to - from;
                    let score = if self.user_defined[id as usize] {
                        f64::from(length as f32 * self.max_score) - 0.1
                    } else {
                        f64::from(self.scores[id as usize])
                    };
                    let candidate = score + f64::from(so_far);
                    let target = &mut best[to];
                    if target.from == UNREACHED || candidate > f64::from(target.score) {
                        *target = Best { score: candidate as f32, id, from };
                    }
                    has_single |= length == c.len_utf8();
                }
            }
            if !has_single {
                let candidate = unknown_score + so_far;
                let target = &mut best[from + c.len_utf8()];
                if target.from == UNREACHED || candidate > target.score {
                    *target = Best { score: candidate, id: self.unknown, from };
                }
            }
        }
        let first = out.len();
        let mut to = bytes.len();
        while to > 0 {
            let Best { id, from, .. } = best[to];
            out.push(Segment { id, from, to });
            to = from;
        }
        out[first..].reverse();
    }
}
