//! Each loss and its gradient against PyTorch's (tests/goldens/make_optimizers.py), and at the edges.

use kobench_engine::ops::loss::{self, CrossEntropy, Focal, FocalMean, FocalReading, IGNORE};
use serde::Deserialize;
use serde_json::Value;

use crate::common::{distance, finite_differences, goldens};

#[derive(Deserialize)]
struct Goldens {
    logits: Vec<f32>,
    targets: Vec<i64>,
    cases: Vec<Case>,
    span: Span,
    mse: Mse,
}

#[derive(Deserialize)]
struct Case {
    settings: Value,
    loss: f64,
    gradient: Vec<f64>,
}

#[derive(Deserialize)]
struct Span {
    logits: Vec<f32>,
    cu_seqlens: Vec<u32>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    loss: f64,
    gradient: Vec<f64>,
}

#[derive(Deserialize)]
struct Mse {
    logits: Vec<f32>,
    targets: Vec<f32>,
    loss: f64,
    gradient: Vec<f64>,
}

fn read() -> Goldens {
    let text = std::fs::read(goldens("optimizers/losses.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Loss of a case of the goldens.
fn evaluate(settings: &Value, logits: &[f32], targets: &[i64], dlogits: &mut [f32]) -> f64 {
    let number = |key: &str| settings[key].as_f64();
    if settings["name"] == "cross_entropy" {
        let weights: Option<Vec<f32>> = settings["class_weights"]
            .as_array()
            .map(|w| w.iter().map(|w| w.as_f64().unwrap() as f32).collect());
        let own = CrossEntropy {
            class_weights: weights.as_deref(),
            label_smoothing: number("label_smoothing").unwrap(),
        };
        return own.mean(logits, targets, dlogits);
    }
    let focal = Focal {
        reading: match settings["reading"].as_str().unwrap() {
            "softmax" => FocalReading::Softmax,
            _ => FocalReading::Sigmoid,
        },
        gamma: number("gamma").unwrap(),
        alpha: number("alpha"),
        mean: match settings["mean"].as_str().unwrap() {
            "rows" => FocalMean::Rows,
            _ => FocalMean::Elements,
        },
    };
    focal.mean(logits, targets, dlogits)
}

fn same(what: &str, found: (f64, &[f32]), loss: f64, gradient: &[f64]) {
    let far = (found.0 - loss).abs() / loss.abs();
    let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    let gradients = distance(found.1, gradient) / largest;
    assert!(far < 1e-12 && gradients < 1e-6, "{what}: {far:e}, {gradients:e}");
}

#[test]
fn losses_and_gradients_are_those_of_torch() {
    let goldens = read();
    assert!(goldens.cases.len() >= 16);
    let mut d = vec![f32::NAN; goldens.logits.len()];
    for case in &goldens.cases {
        let loss = evaluate(&case.settings, &goldens.logits, &goldens.targets, &mut d);
        same(&case.settings.to_string(), (loss, &d), case.loss, &case.gradient);
    }
    let Span { logits, cu_seqlens, starts, ends, loss, gradient } = goldens.span;
    let mut d = vec![f32::NAN; logits.len()];
    let found = loss::span(&logits, &cu_seqlens, &starts, &ends, &mut d);
    same("span", (found, &d), loss, &gradient);
    let Mse { logits, targets, loss, gradient } = goldens.mse;
    let mut d = vec![f32::NAN; logits.len()];
    let found = loss::mse(&logits, &targets, &mut d);
    same("mse", (found, &d), loss, &gradient);
}

/// Gradients against slopes of the losses themselves, which the goldens tie to torch's.
#[test]
fn gradients_are_slopes() {
    let goldens = read();
    let z: Vec<f64> = goldens.logits.iter().map(|&v| v.into()).collect();
    for case in &goldens.cases {
        // Logits are f32, so that a difference in them is exact only where it is a power of two.
        let h = 1.0 / 256.0;
        let mut unused = vec![0.0; z.len()];
        let mut at = |i: usize, by: f32| {
            let mut moved = goldens.logits.clone();
            moved[i] += by;
            evaluate(&case.settings, &moved, &goldens.targets, &mut unused)
        };
        for (i, gradient) in case.gradient.iter().enumerate() {
            let slope = (at(i, h) - at(i, -h)) / f64::from(2.0 * h);
            assert!((slope - gradient).abs() < 2e-4, "{} [{i}]: {slope} {gradient}", case.settings);
        }
    }
    let check = finite_differences(&[0.5], &[1.0], |z| vec![z[0] * z[0]]);
    assert!((check[0] - 1.0).abs() < 1e-6);
}

#[test]
fn rows_without_targets_have_no_loss_and_sure_rows_no_nan() {
    let focal = |reading, gamma| Focal { reading, gamma, alpha: Some(0.25), mean: FocalMean::Rows };
    let mut d = vec![f32::NAN; 6];
    assert_eq!(loss::cross_entropy(&[1.0; 6], &[IGNORE; 2], &mut d), 0.0);
    assert_eq!(d, [0.0; 6]);
    for reading in [FocalReading::Softmax, FocalReading::Sigmoid] {
        d.fill(f32::NAN);
        assert_eq!(focal(reading, 2.0).mean(&[1.0; 6], &[IGNORE; 2], &mut d), 0.0);
        assert_eq!(d, [0.0; 6]);
        // The first row is right beyond any doubt, the second as wrong.
        let logits = [800.0, -800.0, -800.0, 800.0, -800.0, -800.0];
        for gamma in [0.0, 0.5, 1.0, 2.0] {
            let loss = focal(reading, gamma).mean(&logits, &[0, 1], &mut d);
            assert!(loss.is_finite() && d.iter().all(|d| d.is_finite()), "{gamma}: {loss} {d:?}");
            assert!(d[..3].iter().all(|&d| d == 0.0) && d[4] < 0.0, "{gamma}: {d:?}");
        }
    }
}
