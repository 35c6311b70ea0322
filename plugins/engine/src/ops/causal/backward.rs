//! The gradient of causal attention with grouped heads.
//!
//! As in [`attention::backward`], with one factor more: with c = cap tanh(s / cap), dc/ds =
//! 1 - (c / cap)^2. The query heads of a group add to the gradients of their key and value head one
//! after the other, so that the sums do not depend on threads.
//!
//! [`attention::backward`]: super::super::attention::backward

use std::cell::RefCell;

use super::super::attention::{masked, max_seqlen};
use super::super::dropout::Dropout;
use super::{Packed, QUERY_BLOCK, Shape};
use crate::kernels::gemm::{MatRef, Write, gemm, gemm_into};
use crate::kernels::tile::{Panel, Rows, TileMut, par_panels};
use crate::kernels::{isa::vectorised, math, reduce};

thread_local! {
    /// Scores (then their slopes), probabilities, and gradients of one query block; they grow to
    /// the longest sequence seen and stay.
    static SCRATCH: RefCell<[Vec<f32>; 3]> =
        const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

vectorised! {
    /// From a row of scores before the cap: probabilities, and in place of the scores the slope of the
    /// cap.
    fn probabilities<'a>(scores: &'a mut [f32], p: &'a mut [f32], cap: Option<f32>, lse: f32) {
        match cap {
            None => {
                for (s, p) in scores.iter_mut().zip(p) {
                    *p = math::exp(*s - lse);
                    *s = 1.0;
                }
            }
            Some(cap) => {
                let inverse = 1.0 / cap;
                for (s, p) in scores.iter_mut().zip(p) {
                    let capped = math::soft_cap(*s, cap);
                    *p = math::exp(capped - lse);
                    let t = capped * inverse;
                    *s = (-t).mul_add(t, 1.0);
                }
            }
        }
    }

    /// ds = p (dp - sum(out dout)) slope of one row, in place of dp.
    fn score_gradient<'a>(
        dp: &'a mut [f32], p: &'a [f32], slope: &'a [f32], out: &'a [f32], dout: &'a [f32],
    ) {
        let delta = reduce::dot(out, dout);
        for (ds, (p, slope)) in dp.iter_mut().zip(p.iter().zip(slope)) {
            *ds = p * (*ds - delta) * slope;
        }
    }
}

/// Gradient of [`super::forward`]: `dqkv`, laid out as `qkv`, from `dout` `[T, heads head_dim]`, the
/// saved `qkv`, `out` and `lse`, and the same dropout.
///
/// # Panics
/// When the slices' sizes contradict the shape.
pub fn backward(
    shape: Shape<'_>,
    qkv: &[f32],
    dropout: Dropout,
    out: &[f32],
    lse: &[f32],
    dout: &[f32],
    dqkv: &mut [f32],
) {
    shape.check(qkv, out);
    assert!(dqkv.len() == qkv.len() && dout.len() == out.len());
    let Shape { heads, kv_heads, head_dim: dim, .. } = shape;
    let (tokens, width, hidden) = (shape.tokens(), shape.width(), heads * dim);
    assert_eq!(lse.len(), heads * tokens);
    let longest = max_seqlen(shape.cu_seqlens);
    let group = shape.group();
    let kv_panel = |first: usize| Panel { col0: first * dim, cols: kv_heads * dim, step: dim };
    let panels = [
        Panel { col0: 0, cols: hidden, step: group * dim },
        kv_panel(heads),
        kv_panel(heads + kv_heads),
    ];
    let cut = Rows::Sequences(shape.cu_seqlens);
    par_panels(dqkv, (tokens, width), cut, panels, |_, kv, [mut dq, mut dk, mut dv]| {
        let (start, length) = (dq.row0, dq.rows);
        for r in 0..length {
            dk.row_mut(r).fill(0.0);
            dv.row_mut(r).fill(0.0);
        }
        for member in 0..group {
            let head = kv * group + member;
            let unit = Unit {
                shape,
                packed: Packed { qkv: &qkv[start * width..], width, dim },
                head,
                length,
                out: &out[start * hidden + head * dim..],
                dout: &dout[start * hidden + head * dim..],
                lse: &lse[head * tokens + start..][..length],
                dropout,
                first_dropout_row: |query| shape.dropout_row(head, start + query, longest),
            };
            unit.backward(dq.columns(member * dim, dim), &mut dk, &mut dv);
        }
    });
}

/// One query head of one sequence.
struct Unit<'a, F> {
    shape: Shape<'a>,
    packed: Packed<'a>,
    head: usize,
    length: usize,
    /// From the sequence's first row and the head's first column on, rows `hidden` apart.
    out: &'a [f32],
    dout: &'a [f32],
    lse: &'a [f32],
    dropout: Dropout,
    /// Number of the dropout block of a query's probabilities.
    first_dropout_row: F,
}

impl<F: Fn(usize) -> u64> Unit<'_, F> {
    /// Fills dq `[L, dim]`, and adds to dk and dv `[L, dim]`.
    fn backward(&self, mut dq: TileMut<'_>, dk: &mut TileMut<'_>, dv: &mut TileMut<'_>) {
        let Self { shape, packed, head, length, .. } = *self;
        let Shape { heads, kv_heads, head_dim: dim, scale, .. } = shape;
        let (hidden, kv) = (heads * dim, head / shape.group());
        SCRATCH.with_borrow_mut(|[scores, p, dp]| {
            for from in (0..length).step_by(QUERY_BLOCK) {
                let rows = QUERY_BLOCK.min(length - from);
                let first = shape.seen(from).start;
                let keys = from + rows - first;
                for scratch in [&mut *scores, &mut *p, &mut *dp] {
                    if scratch.len() < rows * keys {
                        scratch.resize(rows * keys, 0.0);
                    }
                }
                let area = rows * keys;
                let (slope, p, ds) = (&mut scores[..area], &mut p[..area], &mut dp[..area]);
                let q = packed.head(head, from, rows);
                let k = packed.head(heads + kv, first, keys);
                let v = packed.head(heads + kv_heads + kv, first, keys);
                let d = MatRef::new(&self.dout[from * hidden..], rows, dim, hidden);
                gemm_into(slope, q, k.t(), scale, Write::Replace);
                gemm_into(ds, d, v.t(), 1.0, Write::Replace);
                for r in 0..rows {
                    let row = r * keys..(r + 1) * keys;
                    let (slope, p, ds) =
                        (&mut slope[row.clone()], &mut p[row.clone()], &mut ds[row]);
                    let seen = shape.seen(from + r);
                    let number = (self.first_dropout_row)(from + r) + seen.start as u64;
                    let seen = seen.start - first..seen.end - first;
                    for hidden in [0..seen.start, seen.end..keys] {
                        p[hidden.clone()].fill(0.0);
                        ds[hidden].fill(0.0);
                    }
                    let (slope, p, ds) =
                        (&mut slope[seen.clone()], &mut p[seen.clone()], &mut ds[seen]);
                    probabilities(slope, p, shape.soft_cap, self.lse[from + r]);
                    self.dropout.apply(ds, number);
                    let at = (from + r) * hidden;
                    let (out, dout) = (&self.out[at..at + dim], &self.dout[at..at + dim]);
                    score_gradient(ds, p, slope, out, dout);
                }
                let ds = MatRef::new(ds, rows, keys, keys);
                gemm(&mut dq.rows(from, rows), ds, k, scale, Write::Replace);
                gemm(&mut dk.rows(first, keys), ds.t(), q, scale, Write::Add);
                self.add_dv(from, first, p, d, dv);
            }
        });
    }

    /// dv += (probabilities after dropout)^T dout, at the keys from `first` on.
    fn add_dv(&self, from: usize, first: usize, p: &[f32], d: MatRef<'_>, dv: &mut TileMut<'_>) {
        let rows = QUERY_BLOCK.min(self.length - from);
        let keys = p.len() / rows;
        let mut dv = dv.rows(first, keys);
        if self.dropout.is_off() {
            return gemm(&mut dv, MatRef::new(p, rows, keys, keys).t(), d, 1.0, Write::Add);
        }
        masked(keys, p, |p| {
            for (r, row) in p.chunks_exact_mut(keys).enumerate() {
                let number = (self.first_dropout_row)(from + r) + first as u64;
                self.dropout.apply(row, number);
            }
            gemm(&mut dv, MatRef::new(p, rows, keys, keys).t(), d, 1.0, Write::Add);
        });
    }
}
