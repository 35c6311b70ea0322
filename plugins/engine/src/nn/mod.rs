//! Modules: parameters together with the operation that they take part in.
//!
//! Each has `forward(&self, ctx, .., saved)` and `backward(&self, ctx, .., saved, sink)`; the
//! backward pass pops from `saved` what the forward pass pushed, in reverse.

mod feed_forward;
mod linear;
mod norm;
mod rms_norm;

pub use feed_forward::{FeedForward, FeedForwardNames};
pub(crate) use linear::Columns;
pub use linear::Linear;
pub use norm::Norm;
pub use rms_norm::RmsNorm;
