//! A decoder's operations against their plain f64 references, over odd shapes.

mod common;

use common::{distance, f64s, normal, with_threads};
use kobench_engine::ops::activation::Activation;
use kobench_engine::ops::causal::{self, Shape};
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::ops::embedding::{self, Lookup};
use kobench_engine::ops::gated;
use kobench_engine::ops::rms_norm::{self, RmsNorm};
use kobench_engine::ops::rope::{self, Angles};
use kobench_engine::reference;
use proptest::prelude::*;

fn cu_seqlens(lengths: &[u32]) -> Vec<u32> {
    let ends = lengths.iter().scan(0, |end, &n| {
        *end += n;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn causal_attention_equals_its_reference(
        lengths in prop::collection::vec(prop::sample::select(vec![1_u32, 2, 5, 63, 64, 65, 130, 200]), 1..4),
        (heads, kv_heads) in prop::sample::select(vec![(1, 1), (2, 1), (3, 3), (4, 2), (6, 2)]),
        head_dim in prop::sample::select(vec![1_usize, 2, 6, 10, 33]),
        soft_cap in prop::sample::select(vec![None, Some(0.5_f32), Some(3.0), Some(50.0)]),
        window in prop::sample::select(vec![None, Some(1_usize), Some(2), Some(4), Some(63), Some(64), Some(65), Some(4096)]),
        seed: u64,
    ) {
        let cu = cu_seqlens(&lengths);
        let tokens = *cu.last().unwrap() as usize;
        let scale = 0.37;
        let shape = Shape { cu_seqlens: &cu, heads, kv_heads, head_dim, scale, soft_cap, window };
        let qkv = normal(seed, tokens * shape.width(), 1.5);
        let mut out = vec![f32::NAN; tokens * heads * head_dim];
        causal::forward(shape, &qkv, Dropout::off(), &mut out, None);
        let of = reference::Causal {
            heads, kv_heads, head_dim, window,
            scale: f64::from(scale), soft_cap: soft_cap.map(f64::from),
        };
        let expected = reference::causal_attention(of, &f64s(&qkv), &cu);
        prop_assert!(distance(&out, &expected) < 2e-5);
        let alone = with_threads(1, || {
            let mut out = vec![f32::NAN; out.len()];
            causal::forward(shape, &qkv, Dropout::off(), &mut out, None);
            out
        });
        prop_assert!(out == alone, "threads change no bit");
    }

    #[test]
    fn rms_norm_equals_its_reference(rows in 1..70_usize, hidden in 1..90_usize, seed: u64) {
        let (x, weight) = (normal(seed, rows * hidden, 2.0), normal(seed + 1, hidden, 0.5));
        let norm = RmsNorm { weight: &weight, eps: 1e-3 };
        let expected = reference::rms_norm(&f64s(&x), &f64s(&weight), f64::from(1e-3_f32));
        let mut y = vec![f32::NAN; x.len()];
        rms_norm::forward(&x, norm, &mut y);
        prop_assert!(distance(&y, &expected) < 1e-5);
        let residual = normal(seed + 2, x.len(), 1.0);
        let mut sum = residual.clone();
        rms_norm::add(&x, norm, &mut sum);
        let expected: Vec<f64> = expected.iter().zip(f64s(&residual)).map(|(a, b)| a + b).collect();
        prop_assert!(distance(&sum, &expected) < 1e-5);
    }

    #[test]
    fn the_gate_equals_its_reference(
        rows in 1..70_usize, width in prop::sample::select(vec![1_usize, 7, 255, 256, 300]), seed: u64,
    ) {
        let gate_up = normal(seed, rows * 2 * width, 2.0);
        for act in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
            let mut y = vec![f32::NAN; rows * width];
            gated::forward(&gate_up, width, act, &mut y);
            prop_assert!(distance(&y, &reference::gated(&f64s(&gate_up), width, act)) < 2e-5);
        }
    }

    #[test]
    fn rotary_positions_equal_their_reference(
        tokens in 1..70_usize, heads in 1..4_usize, half in 1..17_usize, seed: u64,
    ) {
        let (dim, theta) = (2 * half, 300.0);
        // One more column, which must not turn.
        let width = heads * dim + 1;
        let x = normal(seed, tokens * width, 1.0);
        let positions: Vec<u32> = (0..tokens as u32).rev().collect();
        let frequencies = rope::frequencies(theta, dim);
        let (mut cos, mut sin) = (vec![0.0; tokens * half], vec![0.0; tokens * half]);
        rope::angles(&frequencies, &mut cos, &mut sin);
        let mut y = x.clone();
        let angles = Angles { cos: &cos, sin: &sin };
        rope::forward(&mut y, width, (heads, dim), &positions, angles);
        let row = |(row, &position): (&[f32], &u32)| {
            let row = f64s(row);
            let (heads, rest) = row.split_at(heads * dim);
            let turned = heads.chunks(dim).flat_map(|h| reference::rope(h, position as usize, theta));
            turned.chain(rest.iter().copied()).collect::<Vec<f64>>()
        };
        let expected: Vec<f64> = x.chunks(width).zip(&positions).flat_map(row).collect();
        prop_assert!(distance(&y, &expected) < 2e-5);
    }
}

#[test]
fn embeddings_are_scaled() {
    let table = [1.0, 2.0, 3.0, 4.0];
    let mut y = [0.0; 6];
    embedding::scaled(Lookup { table: &table, ids: &[1, 0, 1] }, 1.5, 2, &mut y);
    assert_eq!(y, [4.5, 6.0, 1.5, 3.0, 4.5, 6.0]);
}

#[test]
fn nan_is_not_hidden() {
    let shape = Shape {
        cu_seqlens: &[0, 2],
        heads: 1,
        kv_heads: 1,
        head_dim: 1,
        scale: 1.0,
        soft_cap: Some(5.0),
        window: None,
    };
    let mut out = [0.0; 2];
    causal::forward(shape, &[1.0, 1.0, 1.0, f32::NAN, 1.0, 1.0], Dropout::off(), &mut out, None);
    assert!(out[0].is_finite() && out[1].is_nan());
    let mut y = [0.0; 2];
    rms_norm::forward(&[f32::NAN, 1.0], RmsNorm { weight: &[0.0; 2], eps: 1e-6 }, &mut y);
    assert!(y.iter().all(|v| v.is_nan()));
}
