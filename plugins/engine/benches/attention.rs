//! The three attentions on two threads, on 100 sequences of 20 tokens and 4 of 512:
//! `cargo bench -p kobench-engine --bench attention [-- FILTER]`.
//!
//! Reported in Gelem/s, which are GFLOP/s of the products of queries, keys, values and probabilities alone; what is
//! computed beside them (positions, softmax) is not counted, nor is that a causal one needs only half of them.

mod common;

use common::{context, numbers};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
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

fn absolute(c: &mut Criterion) {
    let mut group = c.benchmark_group("attention");
    let threads = context(Precision::F32).threads();
    let off = Dropout::off();
    for batch in BATCHES {
        let (cu, length) = (cu_seqlens(batch), batch.1);
        let tokens = batch.0 * length;
        let shape = Shape { cu_seqlens: &cu, heads: HEADS, head_dim: HEAD_DIM };
        let (qkv, dout) = (numbers(tokens * 3 * HIDDEN, 0), numbers(tokens * HIDDEN, 1));
        let (mut out, mut lse) = (vec![0.0; tokens * HIDDEN], vec![0.0; HEADS * tokens]);
        let mut dqkv = vec![0.0; qkv.len()];
        group.throughput(Throughput::Elements(forward_flops(batch)));
        group.bench_function(BenchmarkId::new("forward", length), |b| {
            let mut run = || attention::forward(shape, &qkv, off, &mut out, None);
            b.iter(|| threads.install(&mut run));
        });
        threads.install(|| attention::forward(shape, &qkv, off, &mut out, Some(&mut lse)));
        group.throughput(Throughput::Elements(5 * forward_flops(batch) / 2));
        group.bench_function(BenchmarkId::new("backward", length), |b| {
            let mut run = || attention::backward(shape, &qkv, off, &out, &lse, &dout, &mut dqkv);
            b.iter(|| threads.install(&mut run));
        });
    }
    group.finish();
}

/// With the positions of mDeBERTa-v3.
fn disentangled(c: &mut Criterion) {
    let mut group = c.benchmark_group("disentangled");
    let threads = context(Precision::F32).threads();
    let off = Dropout::off();
    let scale = 1.0 / (3.0 * HEAD_DIM as f32).sqrt();
    let relative = RelativePositions { position_buckets: 256, max_relative_positions: 512 };
    for batch in BATCHES {
        let (cu, length) = (cu_seqlens(batch), batch.1);
        let tokens = batch.0 * length;
        let shape = Shape { cu_seqlens: &cu, heads: HEADS, head_dim: HEAD_DIM };
        let (qkv, dout) = (numbers(tokens * 3 * HIDDEN, 0), numbers(tokens * HIDDEN, 1));
        let (mut out, mut lse) = (vec![0.0; tokens * HIDDEN], vec![0.0; HEADS * tokens]);
        let mut dqkv = vec![0.0; qkv.len()];
        let distances = DistanceTable::new(relative, length);
        let projected = numbers(distances.rows().len() * 2 * HIDDEN, 2);
        let mut dprojected = vec![0.0; projected.len()];
        let positions =
            Some(Positions { projected: &projected, distances: &distances, c2p: true, p2c: true });
        group.throughput(Throughput::Elements(forward_flops(batch)));
        group.bench_function(BenchmarkId::new("forward", length), |b| {
            let mut run =
                || disentangled::forward(shape, &qkv, positions, scale, off, &mut out, None);
            b.iter(|| threads.install(&mut run));
        });
        threads.install(|| {
            disentangled::forward(shape, &qkv, positions, scale, off, &mut out, Some(&mut lse));
        });
        group.throughput(Throughput::Elements(5 * forward_flops(batch) / 2));
        group.bench_function(BenchmarkId::new("backward", length), |b| {
            let mut run = || {
                let gradients = Gradients { dqkv: &mut dqkv, dprojected: &mut dprojected };
                disentangled::backward(
                    shape, &qkv, positions, scale, off, &out, &lse, &dout, gradients,
                );
            };
            b.iter(|| threads.install(&mut run));
        });
    }
    group.finish();
}

/// With groups of two query heads and a soft cap, as Gemma-2 has them.
fn causal(c: &mut Criterion) {
    let mut group = c.benchmark_group("causal");
    let threads = context(Precision::F32).threads();
    let off = Dropout::off();
    for batch in BATCHES {
        let (cu, length) = (cu_seqlens(batch), batch.1);
        let tokens = batch.0 * length;
        let shape = causal::Shape {
            cu_seqlens: &cu,
            heads: HEADS,
            kv_heads: HEADS / 2,
            head_dim: HEAD_DIM,
            scale: 0.125,
            soft_cap: Some(50.0),
            window: None,
        };
        let (qkv, dout) = (numbers(tokens * shape.width(), 0), numbers(tokens * HIDDEN, 1));
        let (mut out, mut lse) = (vec![0.0; tokens * HIDDEN], vec![0.0; HEADS * tokens]);
        let mut dqkv = vec![0.0; qkv.len()];
        group.throughput(Throughput::Elements(forward_flops(batch)));
        group.bench_function(BenchmarkId::new("forward", length), |b| {
            let mut run = || causal::forward(shape, &qkv, off, &mut out, None);
            b.iter(|| threads.install(&mut run));
        });
        threads.install(|| causal::forward(shape, &qkv, off, &mut out, Some(&mut lse)));
        group.throughput(Throughput::Elements(5 * forward_flops(batch) / 2));
        group.bench_function(BenchmarkId::new("backward", length), |b| {
            let mut run = || causal::backward(shape, &qkv, off, &out, &lse, &dout, &mut dqkv);
            b.iter(|| threads.install(&mut run));
        });
    }
    group.finish();
}

criterion_group!(attentions, absolute, disentangled, causal);
criterion_main!(attentions);
