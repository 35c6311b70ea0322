//! The texts of tokens, end to end in one string.

use serde::{Deserialize, Serialize};

/// The texts of tokens in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    text: String,
    /// `[len]`: where each ends in `text`.
    ends: Vec<u32>,
}

impl Pieces {
    /// Adds one.
    pub fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// Number of pieces.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The piece at `index`; empty beyond the last.
    pub fn get(&self, index: usize) -> &str {
        let end = |i: usize| self.ends.get(i).map(|&end| end as usize);
        let start = index.checked_sub(1).map_or(Some(0), end);
        let range = start.zip(end(index)).map(|(start, end)| start..end);
        range.and_then(|range| self.text.get(range)).unwrap_or_default()
    }

    /// All pieces.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl<'a> FromIterator<&'a str> for Pieces {
    fn from_iter<I: IntoIterator<Item = &'a str>>(pieces: I) -> Self {
        let mut all = Self::default();
        pieces.into_iter().for_each(|piece| all.push(piece));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;

    #[test]
    fn pieces_come_back_as_they_went_in() {
        let all = ["한국", "", "##어", "[UNK]"];
        let pieces: Pieces = all.into_iter().collect();
        assert!(pieces.iter().eq(all));
        assert_eq!((pieces.len(), pieces.get(4)), (4, ""));
        assert!(Pieces::default().is_empty());
    }
}
