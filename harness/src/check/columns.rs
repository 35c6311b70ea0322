//! An encoding, copied out of the plugin's memory so that it can be compared.

use super::outcome::{Stop, bad};
use crate::plugin::Encoded;

/// The columns of `kobench_encoding_view`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) cu_seqlens: Vec<usize>,
    pub(super) input_ids: Vec<u32>,
    pub(super) token_type_ids: Vec<u8>,
    pub(super) source: Vec<u8>,
    pub(super) word_ids: Vec<i32>,
    pub(super) start: Vec<u32>,
    pub(super) end: Vec<u32>,
    pub(super) example: Vec<u32>,
    pub(super) window: Vec<u32>,
    pub(super) n_truncated: Vec<u32>,
    pub(super) n_unknown: Vec<u32>,
    pub(super) pieces: Option<Vec<String>>,
}

impl Columns {
    /// Copies what the plugin made.
    pub(super) fn of(encoded: &Encoded) -> Result<Self, Stop> {
        let (view, tokens) = (encoded.view()?, encoded.tokens()?);
        let n = tokens.input_ids.len();
        let pieces = |what: String| bad(what, "a piece of UTF-8 for each token");
        let pieces = tokens
            .has_pieces()
            .then(|| (0..n).map(|t| tokens.piece(t).map(ToOwned::to_owned)).collect())
            .transpose()
            .map_err(pieces)?;
        Ok(Self {
            cu_seqlens: (0..view.n_sequences()).map(|s| view.range(s).start).chain([n]).collect(),
            input_ids: tokens.input_ids.to_vec(),
            token_type_ids: tokens.token_type_ids.to_vec(),
            source: tokens.source.to_vec(),
            word_ids: tokens.word_ids.to_vec(),
            start: tokens.offset_start.to_vec(),
            end: tokens.offset_end.to_vec(),
            example: view.example.to_vec(),
            window: view.window.to_vec(),
            n_truncated: view.n_truncated.to_vec(),
            n_unknown: view.n_unknown.to_vec(),
            pieces,
        })
    }

    /// Sequences.
    pub(super) fn len(&self) -> usize {
        self.example.len()
    }

    /// The tokens of a sequence.
    pub(super) fn range(&self, sequence: usize) -> std::ops::Range<usize> {
        self.cu_seqlens[sequence]..self.cu_seqlens[sequence + 1]
    }

    /// The sequences of one example alone, as if it had been encoded alone.
    pub(super) fn only(&self, example: u32) -> Self {
        let sequences: Vec<usize> =
            (0..self.len()).filter(|&s| self.example[s] == example).collect();
        let tokens = || sequences.iter().flat_map(|&s| self.range(s));
        let mut ends = vec![0];
        for &s in &sequences {
            ends.push(ends[ends.len() - 1] + self.range(s).len());
        }
        let per_sequence = |of: &[u32]| sequences.iter().map(|&s| of[s]).collect::<Vec<_>>();
        Self {
            cu_seqlens: ends,
            input_ids: tokens().map(|t| self.input_ids[t]).collect(),
            token_type_ids: tokens().map(|t| self.token_type_ids[t]).collect(),
            source: tokens().map(|t| self.source[t]).collect(),
            word_ids: tokens().map(|t| self.word_ids[t]).collect(),
            start: tokens().map(|t| self.start[t]).collect(),
            end: tokens().map(|t| self.end[t]).collect(),
            example: vec![0; sequences.len()],
            window: per_sequence(&self.window),
            n_truncated: per_sequence(&self.n_truncated),
            n_unknown: per_sequence(&self.n_unknown),
            pieces: self.pieces.as_ref().map(|p| tokens().map(|t| p[t].clone()).collect()),
        }
    }

    /// Where two encodings differ first, in words; `None` where they are the same.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        fn first<T: PartialEq + std::fmt::Debug>(name: &str, a: &[T], b: &[T]) -> Option<String> {
            if a.len() != b.len() {
                return Some(format!("`{name}` has {} values, and {}", a.len(), b.len()));
            }
            let at = a.iter().zip(b).position(|(a, b)| a != b)?;
            Some(format!("`{name}[{at}]` is {:?}, and {:?}", a[at], b[at]))
        }
        first("cu_seqlens", &self.cu_seqlens, &other.cu_seqlens)
            .or_else(|| first("input_ids", &self.input_ids, &other.input_ids))
            .or_else(|| first("token_type_ids", &self.token_type_ids, &other.token_type_ids))
            .or_else(|| first("token_source", &self.source, &other.source))
            .or_else(|| first("word_ids", &self.word_ids, &other.word_ids))
            .or_else(|| first("offset_start", &self.start, &other.start))
            .or_else(|| first("offset_end", &self.end, &other.end))
            .or_else(|| first("example", &self.example, &other.example))
            .or_else(|| first("window", &self.window, &other.window))
            .or_else(|| first("n_truncated", &self.n_truncated, &other.n_truncated))
            .or_else(|| first("n_unknown", &self.n_unknown, &other.n_unknown))
            .or_else(|| {
                let (a, b) = (self.pieces.as_deref(), other.pieces.as_deref());
                first("pieces", a.unwrap_or_default(), b.unwrap_or_default())
            })
    }

    /// Stops where two encodings differ.
    pub(super) fn same(&self, other: &Self, between: &str, expected: &str) -> Result<(), Stop> {
        match self.difference(other) {
            None => Ok(()),
            Some(difference) => Err(bad(format!("{between}: {difference}"), expected)),
        }
    }
}
