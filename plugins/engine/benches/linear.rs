//! Linear layers on two threads: `cargo bench -p kobench-engine --bench linear [-- FILTER]`.
//!
//! Reported in Gelem/s, which are GFLOP/s: a multiplication and an addition are two.

mod common;

use common::{context, numbers};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kobench_engine::Precision;
use kobench_engine::ops::activation::Activation;
use kobench_engine::ops::linear::{self, PackedWeights, Shape};

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

criterion_group!(linear, linear_forward, linear_backward);
criterion_main!(linear);
