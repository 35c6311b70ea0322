//! SentencePiece's normaliser: replaced characters, escaped spaces, and where each came from.
//!
//! Source: `Normalizer::Normalize` in SentencePiece's normalizer.cc.

use super::super::trie::Trie;
use super::charsmap::Charsmap;

/// What a space is written as.
pub(in crate::tokenizer) const SPACE: char = '\u{2581}';

/// A normalised text.
#[derive(Debug, Default)]
pub(in crate::tokenizer) struct Normalized {
    text: String,
    /// For each byte of the text the bytes of the original that it stands for.
    spans: Vec<(u32, u32)>,
}

impl Normalized {
    fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    fn push(&mut self, c: char, from: usize, to: usize) {
        self.text.push(c);
        let span = (narrow(from), narrow(to));
        self.spans.extend(std::iter::repeat_n(span, c.len_utf8()));
    }

    /// The text, with [`SPACE`] for spaces.
    pub(in crate::tokenizer) fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of the original that a part of the text came from, spaces at either end left out. A
    /// part that is spaces only keeps them; one that is the dummy prefix has no bytes and lies
    /// where the text begins.
    pub(in crate::tokenizer) fn source(&self, from: usize, to: usize) -> (u32, u32) {
        let part = &self.text[from..to];
        let inner = part.trim_matches(SPACE);
        let (from, to) = if inner.is_empty() {
            (from, to)
        } else {
            let from = to - part.trim_start_matches(SPACE).len();
            (from, from + inner.len())
        };
        (self.spans[from].0, self.spans[to - 1].1)
    }
}

/// The normaliser of a model.
#[derive(Debug)]
pub(super) struct Normalizer {
    pub(super) charsmap: Charsmap,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
}

impl Normalizer {
    /// Normalises a text; user-defined pieces stay as they are.
    pub(super) fn normalize(&self, text: &str, user_defined: &Trie, out: &mut Normalized) {
        out.clear();
        let mut at = 0;
        if self.remove_extra_whitespaces {
            while at < text.len() {
                let (replaced, length) = self.prefix(&text[at..], user_defined);
                if replaced != " " {
                    break;
                }
                at += length;
            }
        }
        if at == text.len() {
            return;
        }
        if self.add_dummy_prefix {
            out.push(SPACE, at, at);
        }
        let mut after_space = self.remove_extra_whitespaces;
        while at < text.len() {
            let (mut replaced, length) = self.prefix(&text[at..], user_defined);
            if after_space {
                replaced = replaced.trim_start_matches(' ');
            }
            if !replaced.is_empty() {
                for c in replaced.chars() {
                    out.push(if c == ' ' { SPACE } else { c }, at, at + length);
                }
                after_space = self.remove_extra_whitespaces && replaced.ends_with(' ');
            }
            at += length;
        }
        if self.remove_extra_whitespaces {
            let kept = out.text.trim_end_matches(SPACE).len();
            out.text.truncate(kept);
            out.spans.truncate(kept);
        }
    }

    /// What the text begins with, and how many bytes of it that is.
    fn prefix<'a>(&'a self, text: &'a str, user_defined: &Trie) -> (&'a str, usize) {
        if !user_defined.is_empty()
            && let Some((_, length)) = user_defined.longest_prefix(text.as_bytes())
        {
            return (&text[..length], length);
        }
        if let Some((length, replaced)) = self.charsmap.longest_rule(text) {
            return (replaced, length);
        }
        let length = text.chars().next().map_or(0, char::len_utf8);
        (&text[..length], length)
    }
}

/// Offsets are 32 bits wide; a text beyond 4 GiB saturates.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
