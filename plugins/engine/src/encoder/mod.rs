//! Encoders: token ids to hidden states.

mod bert;
mod config;
mod embeddings;
mod layer;

pub use bert::Encoder;
pub use config::{Architecture, EncoderConfig};
