//! Gradients of a decoder's operations against central differences of their f64 references.

mod common;

use common::{distance, f64s, finite_differences, normal, with_threads};
use kobench_engine::ops::activation::Activation;
use kobench_engine::ops::causal::{self, Shape};
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::ops::gated;
use kobench_engine::ops::rms_norm::{self, RmsNorm};
use kobench_engine::ops::rope::{self, Angles};
use kobench_engine::reference;
use kobench_engine::rng::Stream;

/// Output and gradient of qkv of one attention.
fn attend(shape: Shape<'_>, qkv: &[f32], dropout: Dropout, dout: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let tokens = dout.len() / (shape.heads * shape.head_dim);
    let (mut out, mut lse) = (vec![f32::NAN; dout.len()], vec![f32::NAN; tokens * shape.heads]);
    causal::forward(shape, qkv, dropout, &mut out, Some(&mut lse));
    let mut dqkv = vec![f32::NAN; qkv.len()];
    causal::backward(shape, qkv, dropout, &out, &lse, dout, &mut dqkv);
    (out, dqkv)
}

#[test]
fn causal_attention() {
    let mut seed = 0;
    for (cu, heads, kv_heads, head_dim, soft_cap, window) in [
        (vec![0, 1], 1, 1, 1, None, None),
        (vec![0, 1, 4, 11], 4, 2, 3, Some(0.7), Some(3)),
        (vec![0, 6, 6, 8], 3, 1, 4, Some(50.0), None),
        (vec![0, 5], 6, 3, 2, None, Some(1)),
        // More than one block of queries, and a window that ends inside one.
        (vec![0, 70], 2, 1, 2, Some(2.0), Some(9)),
        (vec![0, 2, 135], 1, 1, 1, Some(3.0), None),
    ] {
        seed += 1;
        let tokens = *cu.last().unwrap() as usize;
        let scale = 0.6;
        let shape = Shape { cu_seqlens: &cu, heads, kv_heads, head_dim, scale, soft_cap, window };
        let qkv = normal(seed, tokens * shape.width(), 1.3);
        let dout = normal(seed + 100, tokens * heads * head_dim, 1.0);
        let (_, dqkv) = attend(shape, &qkv, Dropout::off(), &dout);
        let of = reference::Causal {
            heads,
            kv_heads,
            head_dim,
            window,
            scale: f64::from(scale),
            soft_cap: soft_cap.map(f64::from),
        };
        let expected =
            finite_differences(&f64s(&qkv), &dout, |qkv| reference::causal_attention(of, qkv, &cu));
        let off = distance(&dqkv, &expected);
        assert!(off < 3e-5, "{cu:?} {heads} {kv_heads}: {off:e}");
        let alone = with_threads(1, || attend(shape, &qkv, Dropout::off(), &dout));
        let three = with_threads(3, || attend(shape, &qkv, Dropout::off(), &dout));
        assert!(alone == three && alone.1 == dqkv, "threads change no bit");
    }
}

/// With dropout the op is still a smooth function of its input (the mask is fixed), so its own f32
/// forward pass can be differenced, with a coarser step.
#[test]
fn causal_attention_with_dropout() {
    let cu = [0, 5, 12];
    let shape = Shape {
        cu_seqlens: &cu,
        heads: 4,
        kv_heads: 2,
        head_dim: 4,
        scale: 0.5,
        soft_cap: Some(2.0),
        window: Some(4),
    };
    let dropout = Dropout::new(0.4, Stream::new(3, [7, 1]));
    let qkv = normal(1, 12 * shape.width(), 1.0);
    let dout = normal(2, 12 * 16, 1.0);
    let (out, dqkv) = attend(shape, &qkv, dropout, &dout);
    assert!(out != attend(shape, &qkv, Dropout::off(), &dout).0);
    for (i, d) in dqkv.iter().enumerate() {
        let h = 1e-2;
        let moved = |by: f32| -> f64 {
            let mut qkv = qkv.clone();
            qkv[i] += by;
            let mut out = vec![0.0; dout.len()];
            causal::forward(shape, &qkv, dropout, &mut out, None);
            out.iter().zip(&dout).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let slope = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
        assert!((f64::from(*d) - slope).abs() < 2e-3, "{i}: {d} against {slope}");
    }
}

#[test]
fn rms_norm() {
    for (rows, hidden) in [(1, 1), (3, 7), (40, 5), (2, 33)] {
        let (x, weight) = (normal(1, rows * hidden, 1.0), normal(2, hidden, 0.7));
        let dy = normal(3, rows * hidden, 1.0);
        let norm = RmsNorm { weight: &weight, eps: 0.1 };
        let (mut kept, mut dx, mut dweight) =
            (x.clone(), vec![f32::NAN; x.len()], vec![f32::NAN; hidden]);
        rms_norm::backward(&mut kept, norm, &dy, &mut dx, &mut dweight);
        let (x, w, eps) = (f64s(&x), f64s(&weight), f64::from(0.1_f32));
        let by_x = finite_differences(&x, &dy, |x| reference::rms_norm(x, &w, eps));
        let by_weight = finite_differences(&w, &dy, |w| reference::rms_norm(&x, w, eps));
        assert!(distance(&dx, &by_x) < 5e-6 && distance(&dweight, &by_weight) < 2e-5);
    }
}

#[test]
fn gate() {
    for (rows, width) in [(1, 1), (3, 7), (2, 300)] {
        for act in [Activation::Gelu, Activation::GeluTanh, Activation::Tanh, Activation::Identity]
        {
            let gate_up = normal(1, rows * 2 * width, 1.5);
            let dy = normal(2, rows * width, 1.0);
            let mut dgate_up = vec![f32::NAN; gate_up.len()];
            gated::backward(&gate_up, width, act, &dy, &mut dgate_up);
            let expected = finite_differences(&f64s(&gate_up), &dy, |gate_up| {
                reference::gated(gate_up, width, act)
            });
            assert!(distance(&dgate_up, &expected) < 2e-5);
        }
    }
}

#[test]
fn rope() {
    let (heads, dim, theta, positions) = (3, 6, 100.0, [0_u32, 5, 1, 40]);
    // A column that belongs to no head does not turn.
    let width = heads * dim + 1;
    let frequencies = rope::frequencies(theta, dim);
    let (mut cos, mut sin) = (vec![0.0; 41 * dim / 2], vec![0.0; 41 * dim / 2]);
    rope::angles(&frequencies, &mut cos, &mut sin);
    let angles = Angles { cos: &cos, sin: &sin };
    let (x, dy) = (normal(1, 4 * width, 1.0), normal(2, 4 * width, 1.0));
    let mut dx = dy.clone();
    rope::backward(&mut dx, width, (heads, dim), &positions, angles);
    let turned = |x: &[f64]| -> Vec<f64> {
        let rows = x.chunks(width).zip(&positions);
        rows.flat_map(|(row, &position)| {
            let (of_heads, rest) = row.split_at(heads * dim);
            let turned = of_heads.chunks(dim);
            let turned = turned.flat_map(|head| reference::rope(head, position as usize, theta));
            turned.chain(rest.iter().copied()).collect::<Vec<f64>>()
        })
        .collect()
    };
    assert!(distance(&dx, &finite_differences(&f64s(&x), &dy, turned)) < 2e-5);
    // A turn and back again is nothing.
    let mut again = x.clone();
    rope::forward(&mut again, width, (heads, dim), &positions, angles);
    assert!(distance(&again, &f64s(&x)) > 0.1);
    rope::backward(&mut again, width, (heads, dim), &positions, angles);
    assert!(distance(&again, &f64s(&x)) < 1e-6);
}
