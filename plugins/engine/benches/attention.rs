//! The three attentions on two threads, on 100 sequences of 20 tokens and 4 of 512:
//! `cargo bench -p kobench-engine --bench attention [-- FILTER]`.
//!
//! Reported in Gelem/s, which are GFLOP/s of the products of queries, keys, values and probabilities alone; what is
//! computed beside them (positions, softmax) is not counted, nor is that a causal one needs only half of them.

mod common;

use common::{context, numbers};
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use kobench_engine::Precision;
use kobench_engine::ops::attention::{self, Shape};
use kobench_engine::ops::causal;
use kobench_engine::ops::disentangled::{self, Gradients, Positions};
use kobench_engine::ops::distance::{DistanceTable, RelativePositions};
use kobench_engine::ops::dropout::Dropout;

const HEADS: usize = 12;
const HEAD_DIM: usize = 64;
const HIDDEN: usize = HEADS * HEAD_DIM;

/// Sequences, and the length of each.
const BATCHES: [(usize, usize); 2] = [(100, 20), (4, 512)];

fn cu_seqlens((sequences, length): (usize, usize)) -> Vec<u32> {
    (0..=sequences).map(|s| (s * length) as u32).collect()
}

/// Of the two products of a forward pass; a backward pass has five.
fn forward_flops((sequences, length): (usize, usize)) -> u64 {
    4 * (sequences * length * length * HIDDEN) as u64
}

/// Measures `forward(out, lse)` and `backward(out, lse, dout)`.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    batch: (usize, usize),
    forward: impl Fn(&mut [f32], Option<&mut [f32]>) + Sync,
    mut backward: impl FnMut(&[f32], &[f32], &[f32]) + Send,
) {
    let threads = context(Precision::F32).threads();
    let (tokens, length) = (batch.0 * batch.1, batch.1);
    let dout = numbers(tokens * HIDDEN, 1);
    let (mut out, mut lse) = (vec![0.0; tokens * HIDDEN], vec![0.0; HEADS * tokens]);
    group.throughput(Throughput::Elements(forward_flops(batch)));
    group.bench_function(BenchmarkId::new("forward", length), |b| {
        b.iter(|| threads.install(|| forward(&mut out, None)));
    });
    threads.install(|| forward(&mut out, Some(&mut lse)));
    group.throughput(Throughput::Elements(5 * forward_flops(batch) / 2));
    group.bench_function(BenchmarkId::new("backward", length), |b| {
        b.iter(|| threads.install(|| backward(&out, &lse, &dout)));
    });
}

fn absolute(c: &mut Criterion) {
    let mut group = c.benchmark_group("attention");
    let off = Dropout::off();
    for batch in BATCHES {
        let cu = cu_seqlens(batch);
        let shape = Shape { cu_seqlens: &cu, heads: HEADS, head_dim: HEAD_DIM };
        let qkv = numbers(batch.0 * batch.1 * 3 * HIDDEN, 0);
        let mut dqkv = vec![0.0; qkv.len()];
        measure(
            &mut group,
            batch,
            |out, lse| attention::forward(shape, &qkv, off, out, lse),
            |out, lse, dout| attention::backward(shape, &qkv, off, out, lse, dout, &mut dqkv),
        );
    }
    group.finish();
}

/// With the positions of mDeBERTa-v3.
fn disentangled(c: &mut Criterion) {
    let mut group = c.benchmark_group("disentangled");
    let off = Dropout::off();
    let scale = 1.0 / (3.0 * HEAD_DIM as f32).sqrt();
    let relative = RelativePositions { position_buckets: 256, max_relative_positions: 512 };
    for batch in BATCHES {
        let cu = cu_seqlens(batch);
        let shape = Shape { cu_seqlens: &cu, heads: HEADS, head_dim: HEAD_DIM };
        let qkv = numbers(batch.0 * batch.1 * 3 * HIDDEN, 0);
        let mut dqkv = vec![0.0; qkv.len()];
        let distances = DistanceTable::new(relative, batch.1);
        let projected = numbers(distances.rows().len() * 2 * HIDDEN, 2);
        let mut dprojected = vec![0.0; projected.len()];
        let at =
            Some(Positions { projected: &projected, distances: &distances, c2p: true, p2c: true });
        measure(
            &mut group,
            batch,
            |out, lse| disentangled::forward(shape, &qkv, at, scale, off, out, lse),
            |out, lse, dout| {
                let to = Gradients { dqkv: &mut dqkv, dprojected: &mut dprojected };
                disentangled::backward(shape, &qkv, at, scale, off, out, lse, dout, to);
            },
        );
    }
    group.finish();
}

/// With groups of two query heads and a soft cap, as Gemma-2 has them.
fn causal(c: &mut Criterion) {
    let mut group = c.benchmark_group("causal");
    let off = Dropout::off();
    for batch in BATCHES {
        let cu = cu_seqlens(batch);
        let shape = causal::Shape {
            cu_seqlens: &cu,
            heads: HEADS,
            kv_heads: HEADS / 2,
            head_dim: HEAD_DIM,
            scale: 0.125,
            soft_cap: Some(50.0),
            window: None,
        };
        let qkv = numbers(batch.0 * batch.1 * shape.width(), 0);
        let mut dqkv = vec![0.0; qkv.len()];
        measure(
            &mut group,
            batch,
            |out, lse| causal::forward(shape, &qkv, off, out, lse),
            |out, lse, dout| causal::backward(shape, &qkv, off, out, lse, dout, &mut dqkv),
        );
    }
    group.finish();
}

criterion_group!(attentions, absolute, disentangled, causal);
criterion_main!(attentions);
