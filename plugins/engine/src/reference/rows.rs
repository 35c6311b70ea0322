//! Row-wise operations in f64.

use super::activation;
use crate::ops::activation::Activation;

/// act(x W^T + b): x `[rows, inputs]`, w `[outputs, inputs]`, b `[outputs]`.
pub fn linear(x: &[f64], w: &[f64], b: &[f64], act: Activation) -> Vec<f64> {
    let inputs = w.len() / b.len();
    let row = |x: &[f64]| -> Vec<f64> {
        let dot = |w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
        w.chunks(inputs).zip(b).map(|(w, b)| activation(act, dot(w) + b)).collect()
    };
    x.chunks(inputs).flat_map(row).collect()
}

/// LayerNorm(x + residual): rows of `gamma.len()` elements, biased variance.
pub fn layer_norm(x: &[f64], residual: &[f64], gamma: &[f64], beta: &[f64], eps: f64) -> Vec<f64> {
    let hidden = gamma.len();
    let row = |(x, r): (&[f64], &[f64])| -> Vec<f64> {
        let s: Vec<f64> = x.iter().zip(r).map(|(x, r)| x + r).collect();
        let mean = s.iter().sum::<f64>() / hidden as f64;
        let var = s.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / hidden as f64;
        let each = s.iter().zip(gamma.iter().zip(beta));
        each.map(|(v, (g, b))| (v - mean) / (var + eps).sqrt() * g + b).collect()
    };
    x.chunks(hidden).zip(residual.chunks(hidden)).flat_map(row).collect()
}

/// Sum of the rows that each (table, ids) names, then layer norm.
pub fn embedding(lookups: &[(&[f64], &[u32])], gamma: &[f64], beta: &[f64], eps: f64) -> Vec<f64> {
    let hidden = gamma.len();
    let tokens = lookups.first().map_or(0, |(_, ids)| ids.len());
    let mut sum = vec![0.0; tokens * hidden];
    for (table, ids) in lookups {
        for (row, &id) in sum.chunks_mut(hidden).zip(*ids) {
            for (s, v) in row.iter_mut().zip(&table[id as usize * hidden..]) {
                *s += v;
            }
        }
    }
    layer_norm(&sum, &vec![0.0; sum.len()], gamma, beta, eps)
}

/// Mean over the rows whose target is not -100 of log sum exp(z) - z_target.
pub fn cross_entropy(logits: &[f64], targets: &[i64]) -> f64 {
    let classes = logits.len() / targets.len();
    let losses: Vec<f64> = logits
        .chunks(classes)
        .zip(targets)
        .filter_map(|(z, &t)| Some((z, usize::try_from(t).ok()?)))
        .map(|(z, t)| z.iter().map(|v| v.exp()).sum::<f64>().ln() - z[t])
        .collect();
    if losses.is_empty() { 0.0 } else { losses.iter().sum::<f64>() / losses.len() as f64 }
}
