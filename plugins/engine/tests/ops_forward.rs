//! Every operation's forward pass against its plain f64 reference, over odd shapes.

mod common;

use common::{distance, f64s, normal, with_threads};
use kobench_engine::ops::activation::Activation;
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::ops::embedding::Lookup;
use kobench_engine::ops::norm::LayerNorm;
use kobench_engine::ops::{attention, embedding, linear, loss, norm};
use kobench_engine::reference;
use proptest::prelude::*;

fn any_activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(vec![
        Activation::Identity,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Relu,
        Activation::Tanh,
    ])
}

fn cu_seqlens(lengths: &[u32]) -> Vec<u32> {
    let mut cu = vec![0];
    cu.extend(lengths.iter().scan(0, |end, &n| {
        *end += n;
        Some(*end)
    }));
    cu
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn linear_equals_its_reference(
        rows in prop::sample::select(vec![1_usize, 2, 3, 7, 17, 64, 515]),
        inputs in 1..70_usize,
        outputs in prop::sample::select(vec![1_usize, 2, 3, 15, 33, 256, 259]),
        act in any_activation(),
        seed: u64,
    ) {
        let x = normal(seed, rows * inputs, 1.0);
        let w = normal(seed + 1, outputs * inputs, 1.0 / (inputs as f32).sqrt());
        let b = normal(seed + 2, outputs, 1.0);
        let expected = reference::linear(&f64s(&x), &f64s(&w), &f64s(&b), act);
        let shape = linear::Shape { rows, inputs, outputs };
        let mut y = vec![f32::NAN; rows * outputs];
        linear::forward(shape, &x, &w, &b, act, &mut y, None);
        prop_assert!(distance(&y, &expected) < 5e-6);
        let (mut again, mut pre) = (vec![f32::NAN; y.len()], vec![f32::NAN; y.len()]);
        linear::forward(shape, &x, &w, &b, act, &mut again, Some(&mut pre));
        prop_assert!(distance(&again, &expected) < 5e-6);
        let plain = reference::linear(&f64s(&x), &f64s(&w), &f64s(&b), Activation::Identity);
        prop_assert!(distance(&pre, &plain) < 5e-6);
    }

    #[test]
    fn attention_equals_its_reference(
        lengths in prop::collection::vec(prop::sample::select(vec![1_u32, 2, 3, 9, 31, 64, 65, 130]), 1..4),
        heads in 1..4_usize,
        head_dim in prop::sample::select(vec![1_usize, 3, 8, 33, 64]),
        seed: u64,
    ) {
        let cu = cu_seqlens(&lengths);
        let tokens = *cu.last().unwrap() as usize;
        let qkv = normal(seed, tokens * 3 * heads * head_dim, 1.5);
        let shape = attention::Shape { cu_seqlens: &cu, heads, head_dim };
        let mut out = vec![f32::NAN; tokens * heads * head_dim];
        attention::forward(shape, &qkv, Dropout::off(), &mut out, None);
        let expected = reference::attention(&f64s(&qkv), &cu, heads, head_dim);
        prop_assert!(distance(&out, &expected) < 2e-5);
    }

    #[test]
    fn norm_equals_its_reference(rows in 1..70_usize, hidden in 1..90_usize, seed: u64) {
        let x = normal(seed, rows * hidden, 2.0);
        let residual = normal(seed + 1, rows * hidden, 2.0);
        let (gamma, beta) = (normal(seed + 2, hidden, 1.0), normal(seed + 3, hidden, 1.0));
        let eps = 1e-3;
        let mut y = x.clone();
        let layer = LayerNorm { gamma: &gamma, beta: &beta, eps };
        norm::forward(&mut y, &residual, layer, Dropout::off(), None);
        let expected = reference::layer_norm(
            &f64s(&x), &f64s(&residual), &f64s(&gamma), &f64s(&beta), f64::from(eps),
        );
        prop_assert!(distance(&y, &expected) < 1e-4);
    }

    #[test]
    fn embedding_equals_its_reference(
        ids in prop::collection::vec(0..20_u32, 1..80), hidden in 1..50_usize, seed: u64,
    ) {
        let (word, kind) = (normal(seed, 20 * hidden, 1.0), normal(seed + 1, 2 * hidden, 1.0));
        let kinds: Vec<u32> = ids.iter().map(|id| id % 2).collect();
        let (gamma, beta) = (normal(seed + 2, hidden, 1.0), normal(seed + 3, hidden, 1.0));
        let lookups = [Lookup { table: &word, ids: &ids }, Lookup { table: &kind, ids: &kinds }];
        let layer = LayerNorm { gamma: &gamma, beta: &beta, eps: 1e-3 };
        let mut y = vec![f32::NAN; ids.len() * hidden];
        embedding::forward(&lookups, layer, Dropout::off(), &mut y, None);
        let (word, kind) = (f64s(&word), f64s(&kind));
        let lookups: [(&[f64], &[u32]); 2] = [(&word, &ids), (&kind, &kinds)];
        let eps = f64::from(1e-3_f32);
        let expected = reference::embedding(&lookups, &f64s(&gamma), &f64s(&beta), eps);
        prop_assert!(distance(&y, &expected) < 1e-4);
    }

    #[test]
    fn cross_entropy_equals_its_reference(rows in 1..20_usize, classes in 1..8_usize, seed: u64) {
        let logits = normal(seed, rows * classes, 3.0);
        let targets: Vec<i64> = (0..rows)
            .map(|r| if r % 5 == 4 { loss::IGNORE } else { (r * 7 % classes) as i64 })
            .collect();
        let mut d = vec![f32::NAN; logits.len()];
        let value = loss::cross_entropy(&logits, &targets, &mut d);
        let expected = reference::cross_entropy(&f64s(&logits), &targets);
        prop_assert!((value - expected).abs() < 1e-9);
    }
}

#[test]
fn no_target_means_no_loss() {
    let mut d = [f32::NAN; 4];
    assert_eq!(loss::cross_entropy(&[1.0; 4], &[loss::IGNORE; 2], &mut d), 0.0);
    assert_eq!(d, [0.0; 4]);
}

#[test]
fn nan_and_infinity_are_not_hidden() {
    let shape = linear::Shape { rows: 1, inputs: 2, outputs: 1 };
    for act in [Activation::Gelu, Activation::Relu, Activation::Tanh, Activation::GeluTanh] {
        let mut y = [0.0];
        linear::forward(shape, &[f32::NAN, 1.0], &[1.0, 1.0], &[0.0], act, &mut y, None);
        assert!(y[0].is_nan(), "{act:?}");
    }
    let shape = attention::Shape { cu_seqlens: &[0, 2], heads: 1, head_dim: 1 };
    let mut out = [0.0; 2];
    attention::forward(shape, &[f32::NAN, 1.0, 1.0, 1.0, 1.0, 1.0], Dropout::off(), &mut out, None);
    assert!(out[0].is_nan() && out[1].is_finite());
}

/// The same bits on one and on three threads, dropout and backward passes included.
#[test]
fn threads_do_not_change_a_bit() {
    let run = || {
        let shape = linear::Shape { rows: 700, inputs: 96, outputs: 300 };
        let (x, w, b) = (normal(1, 700 * 96, 1.0), normal(2, 300 * 96, 0.1), normal(3, 300, 1.0));
        let mut y = vec![0.0; 700 * 300];
        linear::forward(shape, &x, &w, &b, Activation::Gelu, &mut y, None);
        let mut dy = normal(4, y.len(), 1.0);
        let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; 300]);
        let id = Activation::Identity;
        linear::backward(shape, &x, &w, id, &[], &mut dy, Some(&mut dx), &mut dw, &mut db);
        let cu = [0, 100, 101, 170];
        let shape = attention::Shape { cu_seqlens: &cu, heads: 4, head_dim: 16 };
        let qkv = normal(5, 170 * 192, 1.0);
        let stream = kobench_engine::rng::Stream::new(9, [1, 2]);
        let dropout = Dropout::new(0.1, stream);
        let (mut out, mut lse) = (vec![0.0; 170 * 64], vec![0.0; 4 * 170]);
        attention::forward(shape, &qkv, dropout, &mut out, Some(&mut lse));
        let mut dqkv = vec![0.0; qkv.len()];
        let dout = normal(6, out.len(), 1.0);
        attention::backward(shape, &qkv, dropout, &out, &lse, &dout, &mut dqkv);
        let all = [y, dx, dw, db, out, lse, dqkv].concat();
        all.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    assert!(with_threads(1, run) == with_threads(3, run));
}
