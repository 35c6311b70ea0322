//! A packed batch: token ids of all sequences behind one another, without padding.

use crate::error::{EngineError, Result};

/// Sequences packed behind one another.
///
/// With B sequences of T tokens in all: `input_ids`, `token_type_ids` and `position_ids` have T
/// elements, `cu_seqlens` has B + 1, and sequence b is the token range
/// `cu_seqlens[b]..cu_seqlens[b + 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedBatch {
    input_ids: Vec<u32>,
    token_type_ids: Vec<u32>,
    position_ids: Vec<u32>,
    cu_seqlens: Vec<u32>,
    max_seqlen: usize,
    padding: Option<Padding>,
}

/// Sizes that a batch is padded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Padding {
    rows: usize,
    reach: usize,
}

impl Default for PackedBatch {
    fn default() -> Self {
        Self {
            input_ids: Vec::new(),
            token_type_ids: Vec::new(),
            position_ids: Vec::new(),
            cu_seqlens: vec![0],
            max_seqlen: 0,
            padding: None,
        }
    }
}

impl PackedBatch {
    /// Removes all sequences and keeps the memory.
    pub fn clear(&mut self) {
        self.input_ids.clear();
        self.token_type_ids.clear();
        self.position_ids.clear();
        self.cu_seqlens.truncate(1);
        self.max_seqlen = 0;
        self.padding = None;
    }

    /// Appends one sequence.
    ///
    /// # Errors
    /// [`EngineError::Input`] when it is empty, when the two slices differ in length, or when the
    /// batch would exceed 2^31 tokens.
    pub fn push(&mut self, input_ids: &[u32], token_type_ids: &[u32]) -> Result<()> {
        if input_ids.is_empty() {
            return Err(EngineError::Input("a sequence without tokens cannot be computed".into()));
        }
        if input_ids.len() != token_type_ids.len() {
            return Err(EngineError::Input(format!(
                "{} token ids but {} token type ids in one sequence",
                input_ids.len(),
                token_type_ids.len()
            )));
        }
        let total = self.input_ids.len() + input_ids.len();
        let (Ok(end), Ok(length)) = (i32::try_from(total), u32::try_from(input_ids.len())) else {
            return Err(EngineError::Input(format!(
                "a batch of {total} tokens is too large; use a smaller token budget"
            )));
        };
        self.input_ids.extend_from_slice(input_ids);
        self.token_type_ids.extend_from_slice(token_type_ids);
        self.position_ids.extend(0..length);
        self.cu_seqlens.push(end.unsigned_abs());
        self.max_seqlen = self.max_seqlen.max(input_ids.len());
        Ok(())
    }

    /// Token ids, `[T]`.
    pub fn input_ids(&self) -> &[u32] {
        &self.input_ids
    }

    /// Segment of each token, `[T]`.
    pub fn token_type_ids(&self) -> &[u32] {
        &self.token_type_ids
    }

    /// Position of each token in its own sequence from 0, `[T]`.
    pub fn position_ids(&self) -> &[u32] {
        &self.position_ids
    }

    /// Cumulative lengths, `[B + 1]`, beginning with 0.
    pub fn cu_seqlens(&self) -> &[u32] {
        &self.cu_seqlens
    }

    /// Length of the longest sequence.
    pub fn max_seqlen(&self) -> usize {
        self.max_seqlen
    }

    /// The same batch, computed with sizes that many others have too: rows of activations that belong to no sequence stand
    /// behind the tokens, and lists are as long as a sequence of `most` tokens (or fewer, but none that is there) may need.
    /// Nothing of it shows in results or in random numbers.
    #[cfg(feature = "cuda")]
    pub(crate) fn bucketed(&self, most: usize) -> Self {
        /// Rows that are added at most; more than that for large batches, up to a sixteenth.
        const STEP: usize = 64;
        let step = (self.tokens().next_power_of_two() / 16).max(STEP);
        let rows = self.tokens().next_multiple_of(step);
        let reach = self.max_seqlen.next_power_of_two().max(32).min(most.max(self.max_seqlen));
        Self { padding: Some(Padding { rows, reach }), ..self.clone() }
    }

    /// Whether rows and lists are larger than the batch needs.
    pub fn is_padded(&self) -> bool {
        self.padding.is_some()
    }

    /// Rows of activations: the tokens, and what pads them.
    pub fn rows(&self) -> usize {
        self.padding.map_or(self.tokens(), |padding| padding.rows)
    }

    /// The longest sequence that lists have room for.
    pub fn reach(&self) -> usize {
        self.padding.map_or(self.max_seqlen, |padding| padding.reach)
    }

    /// Number of sequences B.
    pub fn sequences(&self) -> usize {
        self.cu_seqlens.len() - 1
    }

    /// Number of tokens T.
    pub fn tokens(&self) -> usize {
        self.input_ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_derives_positions() {
        let mut batch = PackedBatch::default();
        batch.push(&[2, 7, 3], &[0, 0, 0]).unwrap();
        batch.push(&[2, 3], &[0, 1]).unwrap();
        assert_eq!(batch.cu_seqlens(), [0, 3, 5]);
        assert_eq!(batch.position_ids(), [0, 1, 2, 0, 1]);
        assert_eq!((batch.max_seqlen(), batch.sequences(), batch.tokens()), (3, 2, 5));
        batch.clear();
        assert_eq!(batch, PackedBatch::default());
    }

    #[test]
    fn refuses_what_cannot_be_computed() {
        let mut batch = PackedBatch::default();
        assert!(batch.push(&[], &[]).is_err());
        assert!(batch.push(&[1], &[]).is_err());
        assert_eq!(batch.sequences(), 0);
    }
}
