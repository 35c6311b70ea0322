//! Weights on disk or in memory: where they come from, what they are called, whether they fit.

mod fit;
mod index;
mod legacy;
mod load;
mod map;
mod names;
mod report;
mod safetensors;
mod source;
mod torch;
mod unpickle;
mod view;
mod write;
mod zip;

pub use fit::{NewHead, Place};
pub use load::check;
pub(crate) use load::{Landing, from_scratch, load};
pub use report::{LoadReport, WeightsFile};
pub use source::{Checkpoint, Format};
pub use write::{SaveDtype, Tensor, write_atomically, write_safetensors};
