//! Attention in f64.

/// softmax(q k^T / sqrt d) v within each sequence and head: `qkv` `[T, 3 heads head_dim]` (all q,
/// then all k, then all v in a row), `cu_seqlens` `[B + 1]`; returns `[T, heads head_dim]`.
pub fn attention(qkv: &[f64], cu_seqlens: &[u32], heads: usize, head_dim: usize) -> Vec<f64> {
    let hidden = heads * head_dim;
    let at = |panel: usize, token: usize, head: usize| {
        let start = token * 3 * hidden + panel * hidden + head * head_dim;
        &qkv[start..start + head_dim]
    };
    let mut out = vec![0.0; qkv.len() / 3];
    for span in cu_seqlens.windows(2) {
        let tokens = span[0] as usize..span[1] as usize;
        for head in 0..heads {
            for i in tokens.clone() {
                let score = |j: usize| {
                    let dot: f64 =
                        at(0, i, head).iter().zip(at(1, j, head)).map(|(q, k)| q * k).sum();
                    dot / (head_dim as f64).sqrt()
                };
                let max = tokens.clone().map(score).fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = tokens.clone().map(|j| (score(j) - max).exp()).sum();
                for j in tokens.clone() {
                    let p = (score(j) - max).exp() / total;
                    let start = i * hidden + head * head_dim;
                    for (o, v) in out[start..start + head_dim].iter_mut().zip(at(2, j, head)) {
                        *o += p * v;
                    }
                }
            }
        }
    }
    out
}
