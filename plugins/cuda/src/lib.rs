//! CUDA for the kobench engine: a device with one stream, device memory, matrix products through cuBLASLt, captured
//! graphs, and the engine's own kernels with typed functions that launch them ([`ops`]).
//!
//! Nothing here knows of models. The libraries of CUDA are loaded when a device is opened ([`Gpu::open`]), so that a
//! program with this crate in it starts on any machine, and says why where there is no device.
//!
//! `kernels` holds the device code, `emulator` a device in software that runs it on the host, for tests.

pub mod blas;
mod device;
mod error;
mod graph;
mod launch;
mod memory;
mod module;
pub mod ops;
mod pinned;
mod slice;
mod step;
mod unavailable;

pub use device::{Facts, Gpu};
pub use error::{CudaError, Result};
pub use graph::Graph;
pub use launch::Launch;
pub use memory::{DeviceBuffer, Plain};
pub use module::Module;
pub use pinned::{Pinned, bytes_of};
pub use slice::{DType, Ids, Slice, SliceMut};
pub use step::{Dropout, StepState};
