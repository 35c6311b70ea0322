//! Model engine of the bundled kobench plugins: tokenisers, encoders, heads, packed ops.
//!
//! From the bottom up: [`kernels`] are inner loops, [`ops`] the few coarse operations on slices of host memory,
//! [`dispatch`] the same operations on buffers, wherever they are, [`nn`] modules with parameters, [`trunk`] and [`head`] what models are made of, [`model`] a whole
//! model as its [`config`] says, with its weights from a [`checkpoint`]; [`train`] changes them. [`tokenizer`] turns text into packed ids, and
//! [`plugin`] makes all of it a plugin.
//! [`reference`](mod@reference) holds plain f64 forms of the operations, which kernels are tested against;
//! [`selftest`] tests them where they run.
//!
//! There is no tape: each module has `forward(.., saved)`, which pushes onto [`Saved`] what its
//! `backward(.., saved, sink)` will pop; gradients go to a [`GradSink`] as they are made.

mod batch;
mod buffer;
pub mod checkpoint;
pub mod config;
mod context;
mod cost;
mod device;
pub mod dispatch;
mod error;
mod grad;
pub mod head;
pub mod kernels;
mod memory;
pub mod model;
pub mod nn;
pub mod ops;
mod param;
pub mod plugin;
pub mod reference;
pub mod rng;
mod saved;
pub mod selftest;
pub mod stage;
pub mod tokenizer;
pub mod train;
pub mod trunk;

pub use batch::PackedBatch;
pub use buffer::{Buffer, Element};
pub use context::{Context, Precision};
pub use cost::Flops;
pub use device::Device;
pub use error::{EngineError, Result};
pub use grad::{Accumulate, GradSink, TableGradient};
pub use param::{Init, ParamId, ParamStore, Parameter, Part};
pub use saved::Saved;
