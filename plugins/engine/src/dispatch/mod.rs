//! The operations of [`crate::ops`] on [`Buffer`](crate::Buffer)s, wherever a context's device keeps them.
//!
//! A function here has a CPU arm, which hands slices to the operation of the same name, and, with the feature `cuda`, an
//! arm that launches its kernels. Modules and trunks call these and nothing below them, so that a model is written once.
//! Lists of numbers (ids, lengths) are slices of the host; a device reads the copies that were staged before the pass
//! ([`crate::stage`]), under the name that comes with them.

pub mod attention;
pub mod causal;
pub mod conv;
pub mod disentangled;
pub mod embedding;
pub mod gated;
pub mod linear;
pub mod norm;
pub mod pick;
pub mod pointwise;
pub mod rms_norm;
pub mod rope;
