//! The few, coarse operations that models are made of.
//!
//! Each file holds the CPU f32 forward and backward of one operation as plain functions over
//! slices. They run on the rayon pool that they are called from, and give the same bits on any
//! number of threads. Shapes are contracts between the engine's own modules: a violation panics.

pub mod activation;
pub mod attention;
pub mod causal;
pub mod conv;
pub mod disentangled;
pub mod distance;
pub mod dropout;
pub mod embedding;
pub mod gated;
pub mod linear;
pub mod loss;
pub mod norm;
pub mod residual;
pub mod rms_norm;
pub mod rope;

/// Rows in one unit of parallel work of the row-wise operations.
pub(crate) const ROW_BLOCK: usize = 32;
