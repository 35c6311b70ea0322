//! Heads: hidden states to logits.

mod sequence;

pub use sequence::SequenceHead;
