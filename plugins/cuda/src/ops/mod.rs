//! The engine's operations on the device, a file each; what they compute is said at the CPU's, of the same names, in
//! `kobench-engine`.

pub mod activation;
pub mod adalomo;
pub mod adamw;
pub mod attention;
pub mod cast;
pub mod causal;
pub mod columns;
pub mod conv;
pub mod disentangled;
pub mod dropout;
pub mod embedding;
pub mod gated;
pub mod gradient;
pub mod loss;
pub mod norm;
pub mod pick;
pub mod residual;
pub mod rms_norm;
pub mod rope;
mod teams;
