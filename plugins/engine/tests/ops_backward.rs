//! Every operation's backward pass against central differences of its f64 reference.

mod common;

use common::{distance, f64s, finite_differences, normal};
use kobench_engine::ops::activation::Activation;
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::ops::norm::{Kept, LayerNorm};
use kobench_engine::ops::{attention, embedding, linear, loss, norm};
use kobench_engine::reference;
use kobench_engine::rng::Stream;

#[test]
fn linear() {
    for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (7, 4, 9)] {
        for act in [Activation::Identity, Activation::Gelu, Activation::GeluTanh, Activation::Tanh]
        {
            let x = normal(1, rows * inputs, 1.0);
            let w = normal(2, outputs * inputs, 0.7);
            let b = normal(3, outputs, 1.0);
            let weights = normal(4, rows * outputs, 1.0);
            let shape = linear::Shape { rows, inputs, outputs };
            let (mut y, mut pre) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
            linear::forward(shape, &x, &w, &b, act, &mut y, Some(&mut pre));
            let (mut dx, mut dw, mut db) =
                (vec![f32::NAN; x.len()], vec![f32::NAN; w.len()], vec![f32::NAN; b.len()]);
            let mut dy = weights.clone();
            linear::backward(shape, &x, &w, act, &pre, &mut dy, Some(&mut dx), &mut dw, &mut db);
            let (x, w, b) = (f64s(&x), f64s(&w), f64s(&b));
            let by =
                |f: &dyn Fn(&[f64]) -> Vec<f64>, at: &[f64]| finite_differences(at, &weights, f);
            let near = 5e-6;
            assert!(distance(&dx, &by(&|x| reference::linear(x, &w, &b, act), &x)) < near);
            assert!(distance(&dw, &by(&|w| reference::linear(&x, w, &b, act), &w)) < near);
            assert!(distance(&db, &by(&|b| reference::linear(&x, &w, b, act), &b)) < near);
        }
    }
}

#[test]
fn attention() {
    for (cu, heads, head_dim) in [(vec![0, 1], 1, 1), (vec![0, 3, 4, 9], 2, 5), (vec![0, 70], 1, 3)]
    {
        let tokens = *cu.last().unwrap() as usize;
        let qkv = normal(1, tokens * 3 * heads * head_dim, 1.0);
        let dout = normal(2, tokens * heads * head_dim, 1.0);
        let shape = attention::Shape { cu_seqlens: &cu, heads, head_dim };
        let (mut out, mut lse) = (vec![0.0; dout.len()], vec![0.0; heads * tokens]);
        attention::forward(shape, &qkv, Dropout::off(), &mut out, Some(&mut lse));
        let mut dqkv = vec![f32::NAN; qkv.len()];
        attention::backward(shape, &qkv, Dropout::off(), &out, &lse, &dout, &mut dqkv);
        let expected = finite_differences(&f64s(&qkv), &dout, |qkv| {
            reference::attention(qkv, &cu, heads, head_dim)
        });
        assert!(distance(&dqkv, &expected) < 2e-5);
    }
}

/// With dropout the op is still a smooth function of its input (the mask is fixed), so its own
/// f32 forward pass can be differenced, with a coarser step.
#[test]
fn attention_with_dropout() {
    let cu = [0, 5, 12];
    let shape = attention::Shape { cu_seqlens: &cu, heads: 2, head_dim: 4 };
    let dropout = Dropout::new(0.4, Stream::new(3, [7, 1]));
    let qkv = normal(1, 12 * 24, 1.0);
    let dout = normal(2, 12 * 8, 1.0);
    let value = |qkv: &[f32]| -> f64 {
        let mut out = vec![0.0; 12 * 8];
        attention::forward(shape, qkv, dropout, &mut out, None);
        out.iter().zip(&dout).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let (mut out, mut lse) = (vec![0.0; 12 * 8], vec![0.0; 24]);
    attention::forward(shape, &qkv, dropout, &mut out, Some(&mut lse));
    let mut dqkv = vec![f32::NAN; qkv.len()];
    attention::backward(shape, &qkv, dropout, &out, &lse, &dout, &mut dqkv);
    for (i, d) in dqkv.iter().enumerate() {
        let h = 1e-2;
        let moved = |by: f32| {
            let mut qkv = qkv.clone();
            qkv[i] += by;
            value(&qkv)
        };
        let slope = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
        assert!((f64::from(*d) - slope).abs() < 2e-3, "{i}: {d} against {slope}");
    }
}

#[test]
fn norm() {
    for (rows, hidden) in [(1, 2), (3, 7), (40, 5)] {
        let (x, residual) = (normal(1, rows * hidden, 1.0), normal(2, rows * hidden, 1.0));
        let (gamma, beta) = (normal(3, hidden, 1.0), normal(4, hidden, 1.0));
        let weights = normal(5, rows * hidden, 1.0);
        let layer = LayerNorm { gamma: &gamma, beta: &beta, eps: 0.1 };
        let (mut y, mut normalised, mut rstd) =
            (x.clone(), vec![0.0; rows * hidden], vec![0.0; rows]);
        let kept = Kept { normalised: &mut normalised, rstd: &mut rstd };
        norm::forward(&mut y, &residual, layer, Dropout::off(), Some(kept));
        let mut d = weights.clone();
        let (mut dx, mut dgamma, mut dbeta) =
            (vec![f32::NAN; d.len()], vec![f32::NAN; hidden], vec![f32::NAN; hidden]);
        let off = Dropout::off();
        norm::backward(
            &mut d,
            &normalised,
            &rstd,
            &gamma,
            off,
            Some(&mut dx),
            &mut dgamma,
            &mut dbeta,
        );
        let (x, r, g, b) = (f64s(&x), f64s(&residual), f64s(&gamma), f64s(&beta));
        let eps = f64::from(0.1_f32);
        let by = |f: &dyn Fn(&[f64]) -> Vec<f64>, at: &[f64]| finite_differences(at, &weights, f);
        let expected = by(&|x| reference::layer_norm(x, &r, &g, &b, eps), &x);
        assert!(distance(&dx, &expected) < 1e-5 && distance(&d, &expected) < 1e-5);
        assert!(distance(&dgamma, &by(&|g| reference::layer_norm(&x, &r, g, &b, eps), &g)) < 2e-5);
        assert!(distance(&dbeta, &by(&|b| reference::layer_norm(&x, &r, &g, b, eps), &b)) < 2e-5);
    }
}

#[test]
fn dropout_reaches_the_input_and_not_the_residual() {
    let dropout = Dropout::new(0.5, Stream::new(1, [2, 3]));
    let (rows, hidden) = (40, 6);
    let gamma = vec![1.0; hidden];
    let (normalised, rstd) = (normal(1, rows * hidden, 1.0), vec![1.0; rows]);
    let mut d = normal(2, rows * hidden, 1.0);
    let mut dx = vec![0.0; d.len()];
    let (mut dgamma, mut dbeta) = (vec![0.0; hidden], vec![0.0; hidden]);
    norm::backward(
        &mut d,
        &normalised,
        &rstd,
        &gamma,
        dropout,
        Some(&mut dx),
        &mut dgamma,
        &mut dbeta,
    );
    let mut expected = d.clone();
    dropout.apply(&mut expected, 0);
    assert_eq!(dx, expected);
    assert!(dx.contains(&0.0) && !d.contains(&0.0));
}

#[test]
fn embedding() {
    let (hidden, ids) = (3, [4_u32, 0, 4, 2, 4]);
    let d = normal(1, ids.len() * hidden, 1.0);
    let sparse = embedding::backward(&d, &ids, hidden);
    assert_eq!(sparse.rows, [0, 2, 4]);
    for (row, grad) in sparse.rows.iter().zip(sparse.grad.chunks(hidden)) {
        for (c, g) in grad.iter().enumerate() {
            let tokens = (0..ids.len()).filter(|&t| ids[t] == *row);
            let expected: f32 = tokens.map(|t| d[t * hidden + c]).sum();
            assert!((g - expected).abs() < 1e-6);
        }
    }
    // The padding token's row is not trained.
    let (rows, grad) = (sparse.rows.clone(), sparse.grad.clone());
    let without = sparse.without(Some(2));
    assert_eq!(without.rows, [0, 4]);
    assert_eq!(without.grad, [&grad[..hidden], &grad[2 * hidden..]].concat());
    assert_eq!(without.without(Some(3)).rows.len() + 1, rows.len());
}

#[test]
fn cross_entropy() {
    let (rows, classes) = (6, 4);
    let logits = normal(1, rows * classes, 2.0);
    let targets = [0, 3, loss::IGNORE, 1, 1, 2];
    let mut d = vec![f32::NAN; logits.len()];
    loss::cross_entropy(&logits, &targets, &mut d);
    let expected =
        finite_differences(&f64s(&logits), &[1.0], |z| vec![reference::cross_entropy(z, &targets)]);
    assert!(distance(&d, &expected) < 1e-7);
}
