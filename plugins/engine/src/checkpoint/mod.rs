//! Weights on disk or in memory: where they come from, what they are called, whether they fit.

mod legacy;
mod load;
mod map;
mod names;
mod pickle;
mod safetensors;
mod source;
mod unpickle;

pub use load::{LoadReport, NewHead, Place, load};
pub use source::Checkpoint;
