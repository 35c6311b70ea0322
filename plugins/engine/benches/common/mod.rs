//! What the benches of single operations share.
#![allow(dead_code, unreachable_pub, reason = "each bench uses its own part")]
#![allow(clippy::allow_attributes, reason = "whether dead_code fires differs from bench to bench")]

use candle_core::Device;
use kobench_engine::rng::Stream;
use kobench_engine::{Context, Precision};

/// Threads of every bench.
pub const THREADS: usize = 2;

/// Normal numbers that follow from a seed.
pub fn numbers(count: usize, stream: u32) -> Vec<f32> {
    let mut values = vec![0.0; count];
    Stream::new(1, [stream, 0]).fill_normal(&mut values, 1.0);
    values
}

/// A context of [`THREADS`] threads.
pub fn context(precision: Precision) -> Context {
    Context::new(Device::Cpu, precision, THREADS).unwrap()
}
