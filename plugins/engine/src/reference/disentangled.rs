//! Disentangled attention in f64, step by step as Hugging Face's `DisentangledSelfAttention` has it.

use crate::ops::distance::RelativePositions;

/// The relative positions of a layer, after projection.
#[derive(Debug, Clone, Copy)]
pub struct Disentangled<'a> {
    /// Buckets of distances, and the span of the table (Hugging Face's `att_span`).
    pub relative: RelativePositions,
    /// Projected by the positions' key projection, `[2 span, heads head_dim]`, for c2p.
    pub keys: Option<&'a [f64]>,
    /// Projected by the positions' query projection, `[2 span, heads head_dim]`, for p2c.
    pub queries: Option<&'a [f64]>,
}

/// Attention whose scores are (q k^T + c2p + p2c) / sqrt(head_dim (1 + terms)): `qkv`
/// `[T, 3 heads head_dim]`, `cu_seqlens` `[B + 1]`; returns `[T, heads head_dim]`.
///
/// c2p(i, j) is q_i . kr at bucket(i - j) + span. p2c is made with keys as rows, k_j . qr at
/// -bucket(j - i) + span, and then transposed. Both indices are limited to the table.
pub fn disentangled_attention(
    qkv: &[f64],
    cu_seqlens: &[u32],
    (heads, head_dim): (usize, usize),
    positions: Disentangled<'_>,
) -> Vec<f64> {
    let hidden = heads * head_dim;
    let terms = usize::from(positions.keys.is_some()) + usize::from(positions.queries.is_some());
    let scale = ((head_dim * (1 + terms)) as f64).sqrt();
    let limit = |index: isize| -> usize {
        let span = positions.relative.span() as isize;
        (index + span).clamp(0, 2 * span - 1) as usize
    };
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let mut out = vec![0.0; qkv.len() / 3];
    for span in cu_seqlens.windows(2) {
        let (start, length) = (span[0] as usize, (span[1] - span[0]) as usize);
        for head in 0..heads {
            let column = head * head_dim;
            let at = |panel: usize, token: usize| {
                let from = (start + token) * 3 * hidden + panel * hidden + column;
                &qkv[from..from + head_dim]
            };
            let of = |table: &[f64], row: usize| -> Vec<f64> {
                table[row * hidden + column..row * hidden + column + head_dim].to_vec()
            };
            let distance = |a: usize, b: usize| positions.relative.bucket(a as isize - b as isize);
            let c2p = |query: usize, key: usize| match positions.keys {
                Some(keys) => dot(at(0, query), &of(keys, limit(distance(query, key)))),
                None => 0.0,
            };
            // A matrix [key, query].
            let p2c = |key: usize, query: usize| match positions.queries {
                Some(queries) => dot(at(1, key), &of(queries, limit(-distance(key, query)))),
                None => 0.0,
            };
            let score =
                |i: usize, j: usize| (dot(at(0, i), at(1, j)) + c2p(i, j) + p2c(j, i)) / scale;
            for i in 0..length {
                let row: Vec<f64> = (0..length).map(|j| score(i, j)).collect();
                let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = row.iter().map(|s| (s - max).exp()).sum();
                let to = (start + i) * hidden + column;
                for (j, score) in row.iter().enumerate() {
                    let p = (score - max).exp() / total;
                    for (o, v) in out[to..to + head_dim].iter_mut().zip(at(2, j)) {
                        *o += p * v;
                    }
                }
            }
        }
    }
    out
}
