//! Causal self-attention of a decoder over a packed projection: grouped heads, a soft cap of the
//! scores, a sliding window.
//!
//! Query i of a sequence sees the keys j with i - window < j <= i: its own and the window - 1
//! before it. With s = q k^T * scale, scores are cap * tanh(s / cap) where there is a cap. Gemma
//! Team 2024; grouped heads: Ainslie et al. 2023; order of operations as Hugging Face's
//! `eager_attention_forward` of Gemma-2.
//!
//! A unit of work is one query head of one sequence, walked in blocks of query rows against the
//! keys that some row of the block sees, so that at most `[QUERY_BLOCK, window + QUERY_BLOCK]`
//! scores exist at a time.

use std::cell::RefCell;

use crate::kernels::gemm::{MatRef, Write, gemm, gemm_into};
use crate::kernels::tile::{Rows, par_tiles};
use crate::kernels::{isa::vectorised, math, reduce};

/// Query rows whose scores exist at the same time.
const QUERY_BLOCK: usize = 64;

/// Sizes and constants of an attention over a packed batch.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Cumulative lengths, `[B + 1]`.
    pub cu_seqlens: &'a [u32],
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads that follow one another.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Factor of the products.
    pub scale: f32,
    /// Bound of the scores.
    pub soft_cap: Option<f32>,
    /// Keys that a query sees, its own included; none: all up to its own.
    pub window: Option<usize>,
}

impl Shape<'_> {
    /// Columns of the packed projection.
    pub fn width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    /// The keys that query `i` sees.
    fn seen(&self, i: usize) -> std::ops::Range<usize> {
        self.window.map_or(0, |window| (i + 1).saturating_sub(window))..i + 1
    }
}

thread_local! {
    /// Scores of one query block; grows to the longest sequence seen and stays.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

vectorised! {
    /// Replaces scores before the cap by probabilities.
    fn probabilities<'a>(row: &'a mut [f32], cap: Option<f32>) {
        if let Some(cap) = cap {
            for value in row.iter_mut() {
                *value = math::soft_cap(*value, cap);
            }
        }
        let max = reduce::max(row);
        for value in row.iter_mut() {
            *value = math::exp(*value - max);
        }
        let inverse = 1.0 / reduce::sum(row);
        for value in row {
            *value *= inverse;
        }
    }
}

/// out `[T, heads * head_dim]` = attention over qkv `[T, (heads + 2 kv_heads) head_dim]`, whose
/// rows hold all query heads, then all key heads, then all value heads.
///
/// # Panics
/// When the slices' sizes contradict the shape.
pub fn forward(shape: Shape<'_>, qkv: &[f32], out: &mut [f32]) {
    let Shape { heads, kv_heads, head_dim: dim, .. } = shape;
    let tokens = shape.cu_seqlens.last().map_or(0, |&t| t as usize);
    let (width, hidden) = (shape.width(), heads * dim);
    assert!(qkv.len() == tokens * width && out.len() == tokens * hidden);
    assert!(kv_heads > 0 && heads.is_multiple_of(kv_heads) && shape.window != Some(0));
    let cut = Rows::Sequences(shape.cu_seqlens);
    par_tiles::<1>(out, (tokens, hidden), cut, dim, |_, head, [mut out]| {
        let (start, length) = (out.row0, out.rows);
        let kv = head / (heads / kv_heads);
        let panel = |column: usize, from: usize, rows: usize| {
            MatRef::new(&qkv[(start + from) * width + column * dim..], rows, dim, width)
        };
        SCRATCH.with_borrow_mut(|scratch| {
            for from in (0..length).step_by(QUERY_BLOCK) {
                let rows = QUERY_BLOCK.min(length - from);
                let first = shape.seen(from).start;
                let keys = from + rows - first;
                if scratch.len() < rows * keys {
                    scratch.resize(rows * keys, 0.0);
                }
                let scores = &mut scratch[..rows * keys];
                let q = panel(head, from, rows);
                let k = panel(heads + kv, first, keys);
                gemm_into(scores, q, k.t(), shape.scale, Write::Replace);
                for (r, row) in scores.chunks_exact_mut(keys).enumerate() {
                    let seen = shape.seen(from + r);
                    row[..seen.start - first].fill(0.0);
                    row[seen.end - first..].fill(0.0);
                    probabilities(&mut row[seen.start - first..seen.end - first], shape.soft_cap);
                }
                let p = MatRef::new(scores, rows, keys, keys);
                let v = panel(heads + kv_heads + kv, first, keys);
                gemm(&mut out.rows(from, rows), p, v, 1.0, Write::Replace);
            }
        });
    });
}
