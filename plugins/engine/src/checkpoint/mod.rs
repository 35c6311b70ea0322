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
mod zip;

pub use fit::{NewHead, Place};
pub use load::{check, load};
pub use report::{LoadReport, WeightsFile};
pub use source::{Checkpoint, Format};
