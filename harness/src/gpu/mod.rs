//! What the harness knows of GPUs: which ones a run may use, what a plugin says of its device, what NVML says of
//! it while a cell runs, and what it could do at its best.
//!
//! The harness never computes on one; that is a plugin's affair.

mod list;
mod mfu;
mod nvml;
mod peak;
mod recorder;
mod stats;
mod summary;

pub use list::{Devices, DevicesError};
pub use mfu::{TRAINING_PASSES, Work, utilisation};
pub use peak::peak_flops;
pub use recorder::Recorder;
pub use stats::{DeviceStats, Flops};
