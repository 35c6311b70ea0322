//! Modules: parameters together with the operation that they take part in.
//!
//! Each has `forward(&self, ctx, .., saved)` and `backward(&self, ctx, .., saved, sink)`; the
//! backward pass pops from `saved` what the forward pass pushed, in reverse.

mod linear;
mod norm;

pub use linear::Linear;
pub use norm::Norm;
