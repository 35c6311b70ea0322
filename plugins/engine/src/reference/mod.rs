//! Plain f64 forms of the operations: no blocking, no threads, no tricks.
//!
//! They are what kernels of any device or precision are tested against; gradients are checked by
//! central differences of them.

mod attention;
mod decoder;
mod disentangled;
mod pointwise;
mod rows;

pub use attention::attention;
pub use decoder::{Causal, causal_attention, gated, rms_norm, rope};
pub use disentangled::{Disentangled, disentangled_attention};
pub use pointwise::{activation, gelu, gelu_tanh};
pub use rows::{cross_entropy, embedding, layer_norm, linear};
