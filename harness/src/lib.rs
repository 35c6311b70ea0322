//! Benchmark harness for Korean language models.

pub mod digest;
pub mod hint;
pub mod record;
