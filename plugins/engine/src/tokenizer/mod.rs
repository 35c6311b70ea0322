//! Tokenisers: text to packed ids with offsets into the text as it was given.

mod aligned;
mod basic;
mod encode;
mod truncate;
mod vocab;
mod wordpiece;

pub use aligned::Aligned;
pub use wordpiece::{Preprocess, WordPieceTokenizer};
