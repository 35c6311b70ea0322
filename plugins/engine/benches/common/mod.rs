//! What the benches share, and the test program that `tests/speed` runs beside other libraries.
#![allow(dead_code, unreachable_pub, reason = "each bench uses its own part")]
#![allow(clippy::allow_attributes, reason = "whether dead_code fires differs from bench to bench")]

use kobench_engine::Device;
use kobench_engine::rng::Stream;
use kobench_engine::{Context, PackedBatch, Precision};

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

/// Sequences of these lengths, whose tokens are as different as those of texts. tests/speed/peer.py makes the same ones.
pub fn pack(lengths: &[usize]) -> PackedBatch {
    let mut batch = PackedBatch::default();
    for (row, &length) in lengths.iter().enumerate() {
        let ids: Vec<u32> =
            (0..length).map(|i| 5 + ((row * 131 + i * 7919) % 4999) as u32).collect();
        batch.push(&ids, &vec![0; length]).unwrap();
    }
    batch
}
