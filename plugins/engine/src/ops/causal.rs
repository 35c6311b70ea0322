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

mod backward;

use std::cell::RefCell;

use super::attention::{LseParts, max_seqlen};
use super::dropout::Dropout;
use crate::kernels::gemm::{MatRef, Write, gemm, gemm_into};
use crate::kernels::tile::{Rows, par_tiles};
use crate::kernels::{isa::vectorised, math, reduce};

pub use backward::backward;

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
    /// Replaces scores before the cap by probabilities; `lse` receives their log-sum-exp.
    fn probabilities<'a>(row: &'a mut [f32], cap: Option<f32>, lse: &'a mut f32) {
        if let Some(cap) = cap {
            for value in row.iter_mut() {
                *value = math::soft_cap(*value, cap);
            }
        }
        let max = reduce::max(row);
        for value in row.iter_mut() {
            *value = math::exp(*value - max);
        }
        let sum = reduce::sum(row);
        *lse = max + sum.ln();
        let inverse = 1.0 / sum;
        for value in row {
            *value *= inverse;
        }
    }
}

impl Shape<'_> {
    fn tokens(&self) -> usize {
        self.cu_seqlens.last().map_or(0, |&t| t as usize)
    }

    /// Query heads that share a key head.
    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    fn check(&self, qkv: &[f32], out: &[f32]) {
        let tokens = self.tokens();
        assert_eq!(qkv.len(), tokens * self.width());
        assert_eq!(out.len(), tokens * self.heads * self.head_dim);
        assert!(self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads));
        assert!(self.window != Some(0));
    }

    /// Number of the dropout block of a row of probabilities: rows do not share random words, and a
    /// key's element is its number in the sequence.
    fn dropout_row(&self, head: usize, token: usize, longest: usize) -> u64 {
        let width = longest.next_multiple_of(4) as u64;
        (head as u64 * self.tokens() as u64 + token as u64) * width
    }
}

/// The packed projection, from the first row of a sequence on.
#[derive(Clone, Copy)]
struct Packed<'a> {
    qkv: &'a [f32],
    width: usize,
    dim: usize,
}

impl<'a> Packed<'a> {
    /// `rows` rows from row `from` of the sequence on, of one head (queries, then keys, then values).
    fn head(self, head: usize, from: usize, rows: usize) -> MatRef<'a> {
        let offset = from * self.width + head * self.dim;
        MatRef::new(&self.qkv[offset..], rows, self.dim, self.width)
    }
}

/// out `[T, heads * head_dim]` = attention over qkv `[T, (heads + 2 kv_heads) head_dim]`, whose
/// rows hold all query heads, then all key heads, then all value heads.
///
/// `lse`, `[heads, T]`, receives each row's log-sum-exp of the scores behind the cap when the backward
/// pass will need it. Dropout acts on the probabilities.
///
/// # Panics
/// When the slices' sizes contradict the shape.
pub fn forward(
    shape: Shape<'_>,
    qkv: &[f32],
    dropout: Dropout,
    out: &mut [f32],
    lse: Option<&mut [f32]>,
) {
    shape.check(qkv, out);
    let Shape { heads, kv_heads, head_dim: dim, .. } = shape;
    let (tokens, width) = (shape.tokens(), shape.width());
    let longest = max_seqlen(shape.cu_seqlens);
    let cut = Rows::Sequences(shape.cu_seqlens);
    let lse = lse.map(|lse| LseParts::new(lse, heads, shape.cu_seqlens));
    par_tiles::<1>(out, (tokens, heads * dim), cut, dim, |sequence, head, [mut out]| {
        let (start, length) = (out.row0, out.rows);
        let kv = head / shape.group();
        let packed = Packed { qkv: &qkv[start * width..], width, dim };
        SCRATCH.with_borrow_mut(|scratch| {
            for from in (0..length).step_by(QUERY_BLOCK) {
                let rows = QUERY_BLOCK.min(length - from);
                let first = shape.seen(from).start;
                let keys = from + rows - first;
                if scratch.len() < rows * keys {
                    scratch.resize(rows * keys, 0.0);
                }
                let scores = &mut scratch[..rows * keys];
                let (q, k) = (packed.head(head, from, rows), packed.head(heads + kv, first, keys));
                gemm_into(scores, q, k.t(), shape.scale, Write::Replace);
                let mut row_lse = [0.0; QUERY_BLOCK];
                let each = scores.chunks_exact_mut(keys).zip(&mut row_lse).enumerate();
                for (r, (row, lse)) in each {
                    let seen = shape.seen(from + r);
                    row[..seen.start - first].fill(0.0);
                    row[seen.end - first..].fill(0.0);
                    let row = &mut row[seen.start - first..seen.end - first];
                    probabilities(row, shape.soft_cap, lse);
                    let number = shape.dropout_row(head, start + from + r, longest);
                    dropout.apply(row, number + seen.start as u64);
                }
                if let Some(lse) = &lse {
                    lse.write(head, sequence, from, &row_lse[..rows]);
                }
                let p = MatRef::new(scores, rows, keys, keys);
                let v = packed.head(heads + kv_heads + kv, first, keys);
                gemm(&mut out.rows(from, rows), p, v, 1.0, Write::Replace);
            }
        });
    });
}
