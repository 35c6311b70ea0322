//! The packed result of tokenisation, with the columns of `kobench_encoding_view`.

use kobench_plugin_abi as abi;

/// Where a token's text came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The first text, or pre-split words.
    First,
    /// The second text, or a context.
    Second,
    /// Nowhere: a special token.
    Special,
}

impl Source {
    const fn to_abi(self) -> u8 {
        match self {
            Self::First => abi::FROM_FIRST,
            Self::Second => abi::FROM_SECOND,
            Self::Special => abi::FROM_SPECIAL,
        }
    }
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The id in the vocabulary.
    pub id: u32,
    /// The segment.
    pub type_id: u8,
    /// Where its text came from.
    pub source: Source,
    /// The word; [`abi::NO_WORD`](kobench_plugin_abi::NO_WORD) for special tokens.
    pub word: i32,
    /// UTF-8 byte offset of its start in the text (or pre-split word) as the host gave it.
    pub start: u32,
    /// UTF-8 byte offset of its end, exclusive.
    pub end: u32,
}

impl Token {
    /// A special token of segment 0.
    pub const fn special(id: u32) -> Self {
        Self { id, type_id: 0, source: Source::Special, word: abi::NO_WORD, start: 0, end: 0 }
    }

    /// The same token in another segment.
    #[must_use]
    pub const fn of_type(mut self, type_id: u8) -> Self {
        self.type_id = type_id;
        self
    }
}

/// Packed sequences: no padding; sequence `s` has the tokens `cu_seqlens[s] .. cu_seqlens[s + 1]`.
///
/// Built by [`push_token`](Self::push_token) and [`finish_sequence`](Self::finish_sequence); see
/// `kobench_encoding_view` in the header for the meaning of each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// `[n_sequences + 1]`
    pub cu_seqlens: Vec<u64>,
    /// `[n_tokens]`
    pub input_ids: Vec<u32>,
    /// `[n_tokens]`
    pub token_type_ids: Vec<u8>,
    /// `[n_tokens]`
    pub token_source: Vec<u8>,
    /// `[n_tokens]`
    pub word_ids: Vec<i32>,
    /// `[n_tokens]`
    pub offset_start: Vec<u32>,
    /// `[n_tokens]`
    pub offset_end: Vec<u32>,
    /// `[n_sequences]`
    pub example: Vec<u32>,
    /// `[n_sequences]`
    pub window: Vec<u32>,
    /// `[n_sequences]`
    pub n_truncated: Vec<u32>,
    /// `[n_sequences]`
    pub n_unknown: Vec<u32>,
    /// `[n_tokens]` where they were asked for, else empty.
    pub pieces: Vec<String>,
}

impl Default for Encoded {
    fn default() -> Self {
        Self {
            cu_seqlens: vec![0],
            input_ids: Vec::new(),
            token_type_ids: Vec::new(),
            token_source: Vec::new(),
            word_ids: Vec::new(),
            offset_start: Vec::new(),
            offset_end: Vec::new(),
            example: Vec::new(),
            window: Vec::new(),
            n_truncated: Vec::new(),
            n_unknown: Vec::new(),
            pieces: Vec::new(),
        }
    }
}

impl Encoded {
    /// Adds a token to the sequence that is being built. Push its piece onto
    /// [`pieces`](Self::pieces) as well where pieces are wanted.
    pub fn push_token(&mut self, token: Token) {
        self.input_ids.push(token.id);
        self.token_type_ids.push(token.type_id);
        self.token_source.push(token.source.to_abi());
        self.word_ids.push(token.word);
        self.offset_start.push(token.start);
        self.offset_end.push(token.end);
    }

    /// Ends the sequence that is being built: which example and window it is, how many tokens of the
    /// example are in no window, and how many of its tokens are unknown.
    ///
    /// # Panics
    /// If there are more examples or windows than fit into 32 bits.
    pub fn finish_sequence(
        &mut self,
        example: usize,
        window: usize,
        n_truncated: usize,
        n_unknown: usize,
    ) {
        let narrow = |n: usize| u32::try_from(n).expect("counts fit into 32 bits");
        self.cu_seqlens.push(self.input_ids.len() as u64);
        self.example.push(narrow(example));
        self.window.push(narrow(window));
        self.n_truncated.push(narrow(n_truncated));
        self.n_unknown.push(narrow(n_unknown));
    }

    /// Adds the sequences of `other`, whose examples come after this one's: its example indices grow by
    /// `example_offset`. For tokenisers that work on chunks in parallel.
    pub fn append(&mut self, other: Self, example_offset: u32) {
        let tokens = self.n_tokens() as u64;
        self.cu_seqlens.extend(other.cu_seqlens[1..].iter().map(|c| c + tokens));
        self.input_ids.extend(other.input_ids);
        self.token_type_ids.extend(other.token_type_ids);
        self.token_source.extend(other.token_source);
        self.word_ids.extend(other.word_ids);
        self.offset_start.extend(other.offset_start);
        self.offset_end.extend(other.offset_end);
        self.example.extend(other.example.iter().map(|e| e + example_offset));
        self.window.extend(other.window);
        self.n_truncated.extend(other.n_truncated);
        self.n_unknown.extend(other.n_unknown);
        self.pieces.extend(other.pieces);
    }

    /// Sequences.
    pub fn n_sequences(&self) -> usize {
        self.cu_seqlens.len() - 1
    }

    /// Tokens of all sequences.
    pub fn n_tokens(&self) -> usize {
        self.input_ids.len()
    }

    /// The token positions of a sequence.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn range(&self, sequence: usize) -> std::ops::Range<usize> {
        let at = |i: usize| usize::try_from(self.cu_seqlens[i]).expect("tokens fit into memory");
        at(sequence)..at(sequence + 1)
    }

    /// Whether all columns have the lengths that the counts say; what the host would rely on.
    pub(crate) fn is_consistent(&self) -> bool {
        let (s, t) = (self.n_sequences(), self.n_tokens());
        let per_token = [
            self.token_type_ids.len(),
            self.token_source.len(),
            self.word_ids.len(),
            self.offset_start.len(),
            self.offset_end.len(),
        ];
        let per_sequence =
            [self.example.len(), self.window.len(), self.n_truncated.len(), self.n_unknown.len()];
        per_token.iter().all(|&n| n == t)
            && per_sequence.iter().all(|&n| n == s)
            && (self.pieces.is_empty() || self.pieces.len() == t)
            && self.cu_seqlens.last() == Some(&(t as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(ids: [u32; 3]) -> Encoded {
        let mut e = Encoded::default();
        e.push_token(Token::special(ids[0]));
        e.finish_sequence(0, 0, 0, 0);
        e.push_token(Token::special(ids[1]));
        e.push_token(Token::special(ids[2]).of_type(1));
        e.finish_sequence(1, 0, 4, 1);
        e
    }

    #[test]
    fn chunks_append_to_what_one_pass_would_give() {
        let mut a = two([1, 2, 3]);
        a.append(two([4, 5, 6]), 2);
        assert!(a.is_consistent());
        assert_eq!(a.cu_seqlens, [0, 1, 3, 4, 6]);
        assert_eq!(a.example, [0, 1, 2, 3]);
        assert_eq!(a.range(3), 4..6);
        assert_eq!(a.n_truncated, [0, 4, 0, 4]);
    }

    #[test]
    fn a_column_of_the_wrong_length_is_noticed() {
        let mut e = two([1, 2, 3]);
        e.word_ids.pop();
        assert!(!e.is_consistent());
    }
}
