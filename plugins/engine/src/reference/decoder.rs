//! A decoder's operations in f64.

use super::activation;
use crate::ops::activation::Activation;

/// x / sqrt(mean(x^2) + eps) * (1 + weight), rows of `weight.len()` elements.
pub fn rms_norm(x: &[f64], weight: &[f64], eps: f64) -> Vec<f64> {
    let row = |x: &[f64]| -> Vec<f64> {
        let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        x.iter().zip(weight).map(|(v, w)| v / (mean + eps).sqrt() * (1.0 + w)).collect()
    };
    x.chunks(weight.len()).flat_map(row).collect()
}

/// act(gate) * up: `gate_up` `[rows, 2 width]`, the gate first; returns `[rows, width]`.
pub fn gated(gate_up: &[f64], width: usize, act: Activation) -> Vec<f64> {
    let rows = gate_up.chunks(2 * width);
    rows.flat_map(|row| (0..width).map(move |i| activation(act, row[i]) * row[width + i])).collect()
}

/// One head at a position: pairs (i, i + dim / 2) turn by position * theta^(-2i / dim).
pub fn rope(head: &[f64], position: usize, theta: f64) -> Vec<f64> {
    let half = head.len() / 2;
    let turned = |i: usize| {
        let pair = i % half;
        let angle = position as f64 * theta.powf(-((2 * pair) as f64) / head.len() as f64);
        let (a, b) = (head[pair], head[pair + half]);
        if i < half { a * angle.cos() - b * angle.sin() } else { b * angle.cos() + a * angle.sin() }
    };
    (0..head.len()).map(turned).collect()
}

/// What a causal attention is, beside its input.
#[derive(Debug, Clone, Copy)]
pub struct Causal {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Factor of the products.
    pub scale: f64,
    /// Bound of the scores.
    pub soft_cap: Option<f64>,
    /// Keys that a query sees, its own included.
    pub window: Option<usize>,
}

/// Attention of each query to its own key and those before it, within each sequence: `qkv`
/// `[T, (heads + 2 kv_heads) head_dim]`, `cu_seqlens` `[B + 1]`; returns `[T, heads head_dim]`.
pub fn causal_attention(of: Causal, qkv: &[f64], cu_seqlens: &[u32]) -> Vec<f64> {
    let Causal { heads, kv_heads, head_dim, .. } = of;
    let width = (heads + 2 * kv_heads) * head_dim;
    let at = |token: usize, column: usize| &qkv[token * width + column * head_dim..][..head_dim];
    let mut out = Vec::new();
    for span in cu_seqlens.windows(2) {
        for i in span[0] as usize..span[1] as usize {
            for head in 0..heads {
                let kv = head * kv_heads / heads;
                let seen = (span[0] as usize..=i).filter(|j| of.window.is_none_or(|w| i - j < w));
                let score = |j: usize| {
                    let products = at(i, head).iter().zip(at(j, heads + kv)).map(|(q, k)| q * k);
                    let s = products.sum::<f64>() * of.scale;
                    of.soft_cap.map_or(s, |cap| cap * (s / cap).tanh()).exp()
                };
                let total: f64 = seen.clone().map(score).sum();
                let mut row = vec![0.0; head_dim];
                for j in seen {
                    for (o, v) in row.iter_mut().zip(at(j, heads + kv_heads + kv)) {
                        *o += score(j) / total * v;
                    }
                }
                out.extend(row);
            }
        }
    }
    out
}
