//! Benchmark harness for Korean language models.

pub mod data;
pub mod digest;
pub mod hint;
pub mod metrics;
pub mod record;
pub mod stats;
pub mod suggest;
pub mod task;
