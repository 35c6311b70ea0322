//! Tokenisers: text to packed ids with offsets into the text as it was given.
//!
//! A [`Tokenizer`] is an [`Algorithm`], which splits one text, with a [`Template`] of special tokens
//! around texts, truncation, windows and threads. [`TokenizerKind`] names the families whose files it
//! opens; each gives the ids that transformers' slow (pure Python) tokeniser of the family gives, for
//! those made the published numbers.
//!
//! # Offsets
//!
//! A token has the bytes of the text from the beginning of the first character that it stands for to
//! the end of the last one. Characters that normalisation drops between tokens are in none; whitespace
//! at a token's ends (`SentencePiece` joins a space to what follows) is left out, unless the token is
//! nothing else. Tokens that share a character (the bytes of an emoji in Gemma, parts of `㎏`) all have
//! all of it. Offsets therefore lie on boundaries of characters, and never decrease. `SentencePiece`'s
//! dummy prefix has no bytes: where a token is the prefix alone, `start == end`.

mod added;
mod algorithm;
mod aligned;
mod base64;
mod basic;
mod encode;
mod families;
mod files;
mod json;
mod kind;
mod kobert;
mod sentencepiece;
mod settings;
mod subword;
mod template;

mod trie;
mod truncate;
mod unified;
mod vocab;
mod wordpiece;

pub use algorithm::{Algorithm, Piece, Scratch, number_words};
pub use aligned::Aligned;
pub use basic::is_ideograph;
pub use files::Place;
pub use kind::TokenizerKind;
pub use template::{SpecialToken, Template};
pub use unified::{Preprocess, Tokenizer};
pub use vocab::WordPieceVocab;
