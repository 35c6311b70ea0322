//! What reads and writes memory, on activations of 2048 tokens and two threads:
//! `cargo bench -p kobench-engine --bench rows [-- FILTER]`.
//!
//! Reported in GiB/s of memory that has to be read and written.

mod common;

use common::{context, numbers};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kobench_engine::Precision;
use kobench_engine::ops::activation::Activation;
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::ops::embedding::{self, Lookup};
use kobench_engine::ops::gated;
use kobench_engine::ops::linear::{self, Shape};
use kobench_engine::ops::loss::cross_entropy;
use kobench_engine::ops::norm::{self, Kept, LayerNorm};
use kobench_engine::ops::rms_norm::{self, RmsNorm};
use kobench_engine::ops::rope::{self, Angles};
use kobench_engine::rng::Stream;

const TOKENS: usize = 2048;
const HIDDEN: usize = 768;

/// So many times the activations.
fn passes(count: usize) -> Throughput {
    Throughput::Bytes((4 * count * TOKENS * HIDDEN) as u64)
}

fn norms(c: &mut Criterion) {
    let mut group = c.benchmark_group("norm");
    let threads = context(Precision::F32).threads();
    let (x, residual) = (numbers(TOKENS * HIDDEN, 0), numbers(TOKENS * HIDDEN, 1));
    let (gamma, beta) = (numbers(HIDDEN, 2), numbers(HIDDEN, 3));
    let layer = LayerNorm { gamma: &gamma, beta: &beta, eps: 1e-12 };
    group.throughput(passes(3));
    group.bench_function("residual and layer norm", |b| {
        let run = |x: &mut Vec<f32>| {
            threads.install(|| norm::forward(x, &residual, layer, Dropout::off(), None));
        };
        b.iter_batched_ref(|| x.clone(), run, BatchSize::LargeInput);
    });
    let (mut normalised, mut rstd) = (vec![0.0; x.len()], vec![0.0; TOKENS]);
    threads.install(|| {
        let kept = Kept { normalised: &mut normalised, rstd: &mut rstd };
        norm::forward(&mut x.clone(), &residual, layer, Dropout::off(), Some(kept));
    });
    let (mut dgamma, mut dbeta) = (vec![0.0; HIDDEN], vec![0.0; HIDDEN]);
    group.bench_function("residual and layer norm, backward", |b| {
        let mut run = |dy: &mut Vec<f32>| {
            let off = Dropout::off();
            threads.install(|| {
                norm::backward(dy, &normalised, &rstd, &gamma, off, None, &mut dgamma, &mut dbeta);
            });
        };
        b.iter_batched_ref(|| x.clone(), &mut run, BatchSize::LargeInput);
    });
    let mut y = vec![0.0; x.len()];
    group.throughput(passes(2));
    group.bench_function("rms norm", |b| {
        let norm = RmsNorm { weight: &gamma, eps: 1e-6 };
        b.iter(|| threads.install(|| rms_norm::forward(&x, norm, &mut y)));
    });
    group.finish();
}

fn elements(c: &mut Criterion) {
    let mut group = c.benchmark_group("elements");
    let threads = context(Precision::F32).threads();
    let x = numbers(TOKENS * HIDDEN, 0);
    group.throughput(passes(2));
    group.bench_function("dropout", |b| {
        let dropout = Dropout::new(0.1, Stream::new(1, [2, 3]));
        let run = |x: &mut Vec<f32>| threads.install(|| dropout.apply_all(x));
        b.iter_batched_ref(|| x.clone(), run, BatchSize::LargeInput);
    });
    group.bench_function("rotary positions", |b| {
        let frequencies = rope::frequencies(10_000.0, 64);
        let (mut cos, mut sin) = (vec![0.0; 512 * 32], vec![0.0; 512 * 32]);
        rope::angles(&frequencies, &mut cos, &mut sin);
        let positions: Vec<u32> = (0..TOKENS as u32).map(|t| t % 512).collect();
        let run = |x: &mut Vec<f32>| {
            let angles = Angles { cos: &cos, sin: &sin };
            threads.install(|| rope::forward(x, HIDDEN, (12, 64), &positions, angles));
        };
        b.iter_batched_ref(|| x.clone(), run, BatchSize::LargeInput);
    });
    // One input, so that most of the time is the activation's.
    let shape = Shape { rows: TOKENS, inputs: 1, outputs: HIDDEN };
    let (w, bias) = (numbers(HIDDEN, 4), numbers(HIDDEN, 5));
    let (one, mut y) = (numbers(shape.rows, 6), vec![0.0; TOKENS * HIDDEN]);
    group.throughput(passes(1));
    for act in [Activation::Identity, Activation::Gelu, Activation::GeluTanh, Activation::Tanh] {
        group.bench_function(format!("{act:?}"), |b| {
            let mut run = || linear::forward(shape, &one, &w, &bias, act, &mut y, None);
            b.iter(|| threads.install(&mut run));
        });
    }
    let gate_up = numbers(2 * TOKENS * HIDDEN, 7);
    group.throughput(passes(3));
    group.bench_function("gated GeluTanh", |b| {
        let mut run = || gated::forward(&gate_up, HIDDEN, Activation::GeluTanh, &mut y);
        b.iter(|| threads.install(&mut run));
    });
    group.finish();
}

/// A vocabulary of 30,000, and as many texts as give all tokens; logits of 188 classes.
fn ends(c: &mut Criterion) {
    const VOCABULARY: usize = 30_000;
    const CLASSES: usize = 188;
    let mut group = c.benchmark_group("ends");
    let threads = context(Precision::F32).threads();
    let table = numbers(VOCABULARY * HIDDEN, 0);
    let ids: Vec<u32> = (0..TOKENS).map(|t| ((t * 7919) % VOCABULARY) as u32).collect();
    let mut y = vec![0.0; TOKENS * HIDDEN];
    group.throughput(passes(2));
    group.bench_function("embedding", |b| {
        let lookups = [Lookup { table: &table, ids: &ids }];
        b.iter(|| threads.install(|| embedding::sum(&lookups, HIDDEN, &mut y)));
    });
    group.bench_function("embedding, backward", |b| {
        b.iter(|| threads.install(|| embedding::backward(&table[..TOKENS * HIDDEN], &ids, HIDDEN)));
    });
    let logits = numbers(TOKENS * CLASSES, 1);
    let targets: Vec<i64> = (0..TOKENS as i64).map(|t| t % CLASSES as i64).collect();
    let mut dlogits = vec![0.0; logits.len()];
    group.throughput(Throughput::Bytes((8 * logits.len()) as u64));
    group.bench_function("cross-entropy", |b| {
        b.iter(|| threads.install(|| cross_entropy(&logits, &targets, &mut dlogits)));
    });
    group.finish();
}

criterion_group!(rows, norms, elements, ends);
criterion_main!(rows);
