//! SentencePiece's `precompiled_charsmap`: which characters are replaced by what.
//!
//! The blob is the size of a Darts double array in bytes (u32), the array (u32 units, little-endian),
//! and the replacements, each ended by a NUL. The value of a key is where its replacement begins.
//! (The `tokenizers` crate's `Precompiled` takes the shortest rule that matches, grapheme by
//! grapheme; SentencePiece takes the longest one, wherever it stands.)

/// The rules of a normaliser.
#[derive(Debug, Default)]
pub(super) struct Charsmap {
    units: Vec<u32>,
    replacements: String,
    /// For each byte whether a key begins with it.
    begins: Vec<bool>,
}

/// Rules that match at one place and are looked at (`Normalizer::kMaxTrieResultsSize`).
const MAX_MATCHES: usize = 32;

impl Charsmap {
    /// Parses a blob; an empty one has no rules.
    pub(super) fn parse(blob: &[u8]) -> Result<Self, String> {
        if blob.is_empty() {
            return Ok(Self::default());
        }
        let damaged = |what: &str| format!("the normaliser's character map is damaged: {what}");
        let (size, rest) = blob
            .split_first_chunk::<4>()
            .ok_or_else(|| damaged("it is shorter than its own header"))?;
        let size = u32::from_le_bytes(*size) as usize;
        if size >= rest.len() || !size.is_multiple_of(4) {
            return Err(damaged("its parts do not add up"));
        }
        let (trie, replacements) = rest.split_at(size);
        let units = trie
            .chunks_exact(4)
            .map(|unit| u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]]))
            .collect();
        let replacements = std::str::from_utf8(replacements)
            .map_err(|_| damaged("its replacements are not UTF-8"))?
            .to_owned();
        let mut map = Self { units, replacements, begins: Vec::new() };
        map.begins = (0..=u8::MAX)
            .map(|byte| {
                map.units.first().is_some_and(|&root| map.step(offset(root), byte).is_some())
            })
            .collect();
        Ok(map)
    }

    /// The longest rule that the text begins with: how many bytes it takes, and what for.
    pub(super) fn longest_rule(&self, text: &str) -> Option<(usize, &str)> {
        let bytes = text.as_bytes();
        if !self.begins.get(usize::from(*bytes.first()?)).is_some_and(|&begins| begins) {
            return None;
        }
        let mut at = offset(*self.units.first()?);
        let mut longest = None;
        let mut matches = 0;
        for (length, &byte) in (1..).zip(bytes) {
            let Some((unit, next)) = self.step(at, byte) else { break };
            at = next;
            if (unit >> 8) & 1 == 1 {
                let Some(&leaf) = self.units.get(at) else { break };
                longest = Some((length, (leaf & 0x7fff_ffff) as usize));
                matches += 1;
                if matches == MAX_MATCHES {
                    break;
                }
            }
        }
        let (length, value) = longest?;
        let rest = self.replacements.get(value..)?;
        // A damaged map may point into the middle of a character.
        text.is_char_boundary(length).then(|| (length, rest.split('\0').next().unwrap_or(rest)))
    }

    /// One byte further in the double array: the unit and the base of its children.
    fn step(&self, base: usize, byte: u8) -> Option<(u32, usize)> {
        let at = base ^ usize::from(byte);
        let &unit = self.units.get(at)?;
        // A leaf has bit 31 set, which no byte has.
        (unit & 0x8000_00ff == u32::from(byte)).then(|| (unit, at ^ offset(unit)))
    }
}

/// Where the children of a unit are, relative to it.
fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Charsmap;

    proptest! {
        #[test]
        fn no_blob_makes_it_panic(
            units in proptest::collection::vec(any::<u32>(), 0..64),
            tail in "[a\u{ac00}\0]{0,9}",
            text in "\\PC{0,8}",
        ) {
            let mut blob = (units.len() as u32 * 4).to_le_bytes().to_vec();
            blob.extend(units.iter().flat_map(|u| u.to_le_bytes()));
            blob.extend(tail.as_bytes());
            if let Ok(map) = Charsmap::parse(&blob) {
                for (at, _) in text.char_indices() {
                    if let Some((length, _)) = map.longest_rule(&text[at..]) {
                        prop_assert!(text.is_char_boundary(at + length));
                    }
                }
            }
        }
    }
}
