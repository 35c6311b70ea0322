//! Byte-pair encoding as SentencePiece does it: of all neighbours whose union is a piece, those with
//! the best score are joined first.
//!
//! Source: `bpe::Model::SampleEncode` without dropout in SentencePiece's bpe_model.cc. (The
//! `tokenizers` crate joins by a list of pairs; a union that its list reaches by one pair only is
//! reached here by all.)

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::super::trie::Trie;
use super::Segment;

/// A run of characters that is not joined further yet.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    from: usize,
    /// Equal to `from` once it was joined to the one before it.
    to: usize,
    previous: Option<usize>,
    next: Option<usize>,
    /// A user-defined piece, which is never joined.
    frozen: bool,
}

/// Two neighbours that may be joined.
#[derive(Debug, Clone, Copy)]
struct Pair {
    left: usize,
    right: usize,
    score: f32,
    /// Bytes of both when the pair was found; others mean that it is gone.
    size: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pair {}

/// Memory that is reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    symbols: Vec<Symbol>,
    pairs: BinaryHeap<Pair>,
}

/// The scores by which pairs are joined.
#[derive(Debug)]
pub(super) struct Bpe {
    /// Of each piece, by id.
    pub(super) scores: Vec<f32>,
    pub(super) unknown: u32,
}

impl Bpe {
    /// Appends the segments of `text`, characters that no piece covers as unknown ones.
    pub(super) fn segment(
        &self,
        pieces: &Trie,
        user_defined: &Trie,
        text: &str,
        agenda: &mut Agenda,
        out: &mut Vec<Segment>,
    ) {
        let Agenda { symbols, pairs } = agenda;
        symbols.clear();
        pairs.clear();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let user = user_defined.longest_prefix(&text.as_bytes()[at..]);
            let to = at + user.map_or(c.len_utf8(), |(_, length)| length);
            let index = symbols.len();
            symbols.push(Symbol {
                from: at,
                to,
                previous: index.checked_sub(1),
                next: (to < text.len()).then_some(index + 1),
                frozen: user.is_some(),
            });
            at = to;
        }
        let consider = |symbols: &[Symbol], pairs: &mut BinaryHeap<Pair>, left, right| {
            let (a, b): (&Symbol, &Symbol) = (&symbols[left], &symbols[right]);
            if a.frozen || b.frozen {
                return;
            }
            if let Some(id) = pieces.get(&text.as_bytes()[a.from..b.to]) {
                let score = self.scores[id as usize];
                pairs.push(Pair { left, right, score, size: b.to - a.from });
            }
        };
        for right in 1..symbols.len() {
            consider(symbols, pairs, right - 1, right);
        }
        while let Some(Pair { left, right, size, .. }) = pairs.pop() {
            let (a, b) = (symbols[left], symbols[right]);
            let gone = a.from == a.to || b.from == b.to;
            if gone || (a.to - a.from) + (b.to - b.from) != size {
                continue;
            }
            symbols[left].to = b.to;
            symbols[left].next = b.next;
            symbols[right].to = b.from;
            if let Some(next) = b.next {
                symbols[next].previous = Some(left);
                consider(symbols, pairs, left, next);
            }
            if let Some(previous) = a.previous {
                consider(symbols, pairs, previous, left);
            }
        }
        let mut index = (!symbols.is_empty()).then_some(0);
        while let Some(Symbol { from, to, next, .. }) = index.map(|i| symbols[i]) {
            let id = pieces.get(&text.as_bytes()[from..to]).unwrap_or(self.unknown);
            out.push(Segment { id, from, to });
            index = next;
        }
    }
}
