//! Special and added tokens that are written out in a text.
//!
//! Source: `PreTrainedTokenizer.tokenize` and `Trie.split` in transformers' tokenization_utils.py:
//! the tokens are cut out first, leftmost and longest first, and each stretch of text between them is
//! tokenised alone.

use super::algorithm::is_space;
use super::trie::Trie;
use crate::error::{EngineError, Result};

/// Ids that added tokens may leave unused before them.
const MAX_GAP: usize = 4096;

/// A token that is cut out of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AddedToken {
    pub(super) content: String,
    pub(super) id: u32,
    /// Whether whitespace before it goes.
    pub(super) lstrip: bool,
    /// Whether whitespace after it goes.
    pub(super) rstrip: bool,
}

impl AddedToken {
    pub(super) fn new(content: &str, id: u32) -> Self {
        Self { content: content.to_owned(), id, lstrip: false, rstrip: false }
    }
}

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stretch {
    /// The bytes from `start` to `end` are ordinary text.
    Text { start: usize, end: usize },
    /// These bytes are an added token.
    Token { id: u32, start: usize, end: usize },
}

/// The added tokens of a tokeniser.
#[derive(Debug)]
pub(super) struct AddedTokens {
    tokens: Vec<AddedToken>,
    trie: Trie,
}

impl AddedTokens {
    pub(super) fn new(tokens: Vec<AddedToken>) -> Self {
        let trie = Trie::new(tokens.iter().map(|t| t.content.as_bytes()).zip(0..));
        Self { tokens, trie }
    }

    /// The id of an added token.
    pub(super) fn id(&self, content: &str) -> Option<u32> {
        self.trie.get(content.as_bytes()).map(|at| self.tokens[at as usize].id)
    }

    /// Calls `emit` with each stretch of a text; none is empty.
    pub(super) fn split(&self, text: &str, mut emit: impl FnMut(Stretch)) {
        let bytes = text.as_bytes();
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() {
            let Some((token, length)) = self.trie.longest_prefix(&bytes[at..]) else {
                at += 1;
                continue;
            };
            let AddedToken { id, lstrip, rstrip, .. } = self.tokens[token as usize];
            let before = &text[start..at];
            let kept = if lstrip { before.trim_end_matches(is_space) } else { before };
            if !kept.is_empty() {
                emit(Stretch::Text { start, end: start + kept.len() });
            }
            emit(Stretch::Token { id, start: at, end: at + length });
            at += length;
            if rstrip {
                at = text.len() - text[at..].trim_start_matches(is_space).len();
            }
            start = at;
        }
        if start < text.len() {
            emit(Stretch::Text { start, end: text.len() });
        }
    }
}

/// Gives added tokens beyond the vocabulary their place in it, and checks the others.
pub(super) fn name_added(
    origin: &str,
    names: &mut Vec<String>,
    tokens: &[AddedToken],
) -> Result<()> {
    let limit = names.len() + tokens.len() + MAX_GAP;
    for AddedToken { content, id, .. } in tokens {
        let at = *id as usize;
        if at >= limit {
            return Err(EngineError::tokenizer(
                origin,
                format!(
                    "the added token \"{content}\" has the id {id}, far beyond the {} pieces: the files \
                 belong to different models",
                    names.len()
                ),
            ));
        }
        if at >= names.len() {
            names.resize(at + 1, String::new());
        }
        if names[at].is_empty() {
            names[at].clone_from(content);
        } else if names[at] != *content {
            return Err(EngineError::tokenizer(
                origin,
                format!(
                    "the id {id} is \"{}\", but tokenizer_config.json or added_tokens.json says it is \
                 \"{content}\": the files belong to different models",
                    names[at]
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{AddedToken, AddedTokens, Stretch};

    #[test]
    fn tokens_are_cut_out_leftmost_and_longest() {
        let added = AddedTokens::new(vec![
            AddedToken::new("<s>", 0),
            AddedToken::new("<s>a", 1),
            AddedToken { lstrip: true, rstrip: true, ..AddedToken::new("<mask>", 2) },
        ]);
        let split = |text: &str| {
            let mut stretches = Vec::new();
            added.split(text, |s| stretches.push(s));
            stretches
        };
        let text = |start, end| Stretch::Text { start, end };
        let token = |id, start, end| Stretch::Token { id, start, end };
        assert_eq!(split(""), []);
        assert_eq!(split("가<<s>a<s>"), [text(0, 4), token(1, 4, 8), token(0, 8, 11)]);
        assert_eq!(split("a \u{3000}<mask>\t b"), [text(0, 1), token(2, 5, 11), text(13, 14)]);
        assert_eq!(split(" <mask> <s>"), [token(2, 1, 7), token(0, 8, 11)]);
        assert_eq!((added.id("<s>"), added.id("<s")), (Some(0), None));
    }
}
