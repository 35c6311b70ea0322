//! The engine's operations on two threads, each by itself.
//!
//! `cargo bench -p kobench-engine --bench kernels [-- FILTER]`. Products are reported in Gelem/s, which are GFLOP/s
//! (a multiplication and an addition are two), everything else in GiB/s of memory read and written.

use candle_core::Device;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kobench_engine::ops::activation::Activation;
use kobench_engine::ops::attention;
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::ops::linear::{self, PackedWeights, Shape};
use kobench_engine::ops::norm::{self, LayerNorm};
use kobench_engine::rng::Stream;
use kobench_engine::{Context, Precision};

const THREADS: usize = 2;

fn numbers(count: usize, stream: u32) -> Vec<f32> {
    let mut values = vec![0.0; count];
    Stream::new(1, [stream, 0]).fill_normal(&mut values, 1.0);
    values
}

fn context(precision: Precision) -> Context {
    Context::new(Device::Cpu, precision, THREADS).unwrap()
}

fn flops(Shape { rows, inputs, outputs }: Shape) -> Throughput {
    Throughput::Elements(2 * (rows * inputs * outputs) as u64)
}

fn name(Shape { rows, inputs, outputs }: Shape) -> String {
    format!("{rows}x{inputs}x{outputs}")
}

/// Layers of a base model, for a batch of 2048 tokens and for one review.
fn linear_forward(c: &mut Criterion) {
    let mut group = c.benchmark_group("linear");
    let act = Activation::Identity;
    for (rows, inputs, outputs) in
        [(2048, 768, 3072), (2048, 3072, 768), (2048, 768, 2304), (2048, 768, 768), (20, 768, 3072)]
    {
        let shape = Shape { rows, inputs, outputs };
        let (x, w, bias) =
            (numbers(rows * inputs, 0), numbers(outputs * inputs, 1), numbers(outputs, 2));
        let mut y = vec![0.0; rows * outputs];
        group.throughput(flops(shape));
        for precision in [Precision::F32, Precision::Bf16] {
            let ctx = context(precision);
            let threads = ctx.threads();
            let packed = PackedWeights::new(&ctx, &w, (outputs, inputs)).unwrap();
            let label = |what: &str| {
                BenchmarkId::new(format!("{what} {} {}", precision.name(), ctx.isa()), name(shape))
            };
            group.bench_function(label("packed"), |b| {
                let mut run = || linear::forward(shape, &x, &packed, &bias, act, &mut y, None);
                b.iter(|| threads.install(&mut run));
            });
            group.bench_function(label("plain"), |b| {
                let mut run = || linear::forward(shape, &x, &w, &bias, act, &mut y, None);
                b.iter(|| threads.install(&mut run));
            });
        }
    }
    group.finish();
}

/// A step of 32 reviews.
fn linear_backward(c: &mut Criterion) {
    let mut group = c.benchmark_group("linear-backward");
    let act = Activation::Identity;
    for (rows, inputs, outputs) in [(640, 768, 3072), (640, 3072, 768), (640, 256, 1024)] {
        let shape = Shape { rows, inputs, outputs };
        let (x, w, mut dy) =
            (numbers(rows * inputs, 0), numbers(outputs * inputs, 1), numbers(rows * outputs, 2));
        let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; outputs]);
        group.throughput(Throughput::Elements(4 * (rows * inputs * outputs) as u64));
        let ctx = context(Precision::F32);
        let threads = ctx.threads();
        group.bench_function(BenchmarkId::new(ctx.isa(), name(shape)), |b| {
            let mut run = || {
                let dx = Some(dx.as_mut_slice());
                linear::backward(shape, &x, &w, act, &[], &mut dy, dx, &mut dw, &mut db);
            };
            b.iter(|| threads.install(&mut run));
        });
    }
    group.finish();
}

/// 100 sequences of 20 tokens, and 4 of 512.
fn attention(c: &mut Criterion) {
    let mut group = c.benchmark_group("attention");
    let (heads, head_dim) = (12, 64);
    let hidden = heads * head_dim;
    for (sequences, length) in [(100, 20), (4, 512)] {
        let tokens = sequences * length;
        let cu_seqlens: Vec<u32> = (0..=sequences).map(|s| (s * length) as u32).collect();
        let shape = attention::Shape { cu_seqlens: &cu_seqlens, heads, head_dim };
        let (qkv, dout) = (numbers(tokens * 3 * hidden, 0), numbers(tokens * hidden, 1));
        let (mut out, mut lse) = (vec![0.0; tokens * hidden], vec![0.0; heads * tokens]);
        let mut dqkv = vec![0.0; qkv.len()];
        let threads = context(Precision::F32).threads();
        let off = Dropout::off();
        let one = 4 * (tokens * length * hidden) as u64;
        group.throughput(Throughput::Elements(one));
        group.bench_function(BenchmarkId::new("forward", length), |b| {
            let mut run = || attention::forward(shape, &qkv, off, &mut out, None);
            b.iter(|| threads.install(&mut run));
        });
        threads.install(|| attention::forward(shape, &qkv, off, &mut out, Some(&mut lse)));
        group.throughput(Throughput::Elements(5 * one / 2));
        group.bench_function(BenchmarkId::new("backward", length), |b| {
            let mut run = || attention::backward(shape, &qkv, off, &out, &lse, &dout, &mut dqkv);
            b.iter(|| threads.install(&mut run));
        });
    }
    group.finish();
}

/// What reads and writes memory, on activations of 2048 tokens.
fn rows(c: &mut Criterion) {
    let mut group = c.benchmark_group("rows");
    let (tokens, hidden) = (2048, 768);
    let (x, residual) = (numbers(tokens * hidden, 0), numbers(tokens * hidden, 1));
    let (gamma, beta) = (numbers(hidden, 2), numbers(hidden, 3));
    let bytes = |passes: usize| Throughput::Bytes((4 * passes * tokens * hidden) as u64);
    let threads = context(Precision::F32).threads();
    group.throughput(bytes(3));
    group.bench_function("residual and layer norm", |b| {
        let layer = LayerNorm { gamma: &gamma, beta: &beta, eps: 1e-12 };
        let run = |x: &mut Vec<f32>| {
            threads.install(|| norm::forward(x, &residual, layer, Dropout::off(), None));
        };
        b.iter_batched_ref(|| x.clone(), run, BatchSize::LargeInput);
    });
    group.throughput(bytes(2));
    group.bench_function("dropout", |b| {
        let dropout = Dropout::new(0.1, Stream::new(1, [2, 3]));
        let run = |x: &mut Vec<f32>| threads.install(|| dropout.apply_all(x));
        b.iter_batched_ref(|| x.clone(), run, BatchSize::LargeInput);
    });
    // One input, so that most of the time is the activation's.
    let shape = Shape { rows: tokens * hidden / 768, inputs: 1, outputs: 768 };
    let (w, bias) = (numbers(768, 4), numbers(768, 5));
    let (x, mut y) = (numbers(shape.rows, 6), vec![0.0; tokens * hidden]);
    group.throughput(bytes(1));
    for act in [Activation::Identity, Activation::Gelu, Activation::GeluTanh, Activation::Tanh] {
        group.bench_function(format!("{act:?}"), |b| {
            let mut run = || linear::forward(shape, &x, &w, &bias, act, &mut y, None);
            b.iter(|| threads.install(&mut run));
        });
    }
    group.finish();
}

criterion_group!(kernels, linear_forward, linear_backward, attention, rows);
criterion_main!(kernels);
