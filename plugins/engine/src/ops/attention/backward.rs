//! The gradient of self-attention: with p the probabilities, m the dropout mask, D = sum(dout out) of a row,
//! dv = (m p)^T dout, dp = m (dout v^T), ds = p (dp - D), dq = ds k, dk = ds^T q, both scaled.

use std::cell::RefCell;

use super::super::dropout::Dropout;
use super::{
    Head, QUERY_BLOCK, Shape, dropout_row, grown, max_seqlen, probabilities, score_gradient,
};
use crate::kernels::gemm::{MatRef, PackedMatrix, Right, Write, gemm, product};
use crate::kernels::tile::{Rows, TileMut, par_tiles};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        p: Vec::new(),
        dp: Vec::new(),
        keys_t: PackedMatrix::empty(),
        keys: PackedMatrix::empty(),
        values_t: PackedMatrix::empty(),
    });
}

/// Memory of one thread; grows to the longest sequence seen and stays.
struct Scratch {
    /// Probabilities of one query block, `[QUERY_BLOCK, L]`.
    p: Vec<f32>,
    /// Gradients of its probabilities and then of its scores.
    dp: Vec<f32>,
    /// The keys of one head of a sequence, transposed and as they are, and the values, transposed.
    keys_t: PackedMatrix,
    keys: PackedMatrix,
    values_t: PackedMatrix,
}

/// Gradient of [`super::forward`]: `dqkv` `[T, 3 hidden]` from `dout` `[T, hidden]`, the saved `qkv`, `out`
/// and `lse`, and the same dropout.
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
    let (hidden, tokens, dim) = (shape.hidden(), shape.tokens(), shape.head_dim);
    assert!(qkv.len() == tokens * 3 * hidden && dqkv.len() == qkv.len());
    assert!(out.len() == tokens * hidden && dout.len() == out.len());
    assert_eq!(lse.len(), shape.heads * tokens);
    let scale = 1.0 / (dim as f32).sqrt();
    let longest = max_seqlen(shape.cu_seqlens);
    let cut = Rows::Sequences(shape.cu_seqlens);
    par_tiles::<3>(dqkv, (tokens, 3 * hidden), cut, dim, |_, head, [mut dq, mut dk, mut dv]| {
        let (start, length) = (dq.row0, dq.rows);
        let column = head * dim;
        let view = Head { qkv, hidden, dim, start, column };
        let row_of = |matrix: &[f32], r: usize| {
            let offset = (start + r) * hidden + column;
            offset..(offset + dim).min(matrix.len())
        };
        SCRATCH.with_borrow_mut(|scratch| {
            let Scratch { p, dp, keys_t, keys, values_t } = scratch;
            let (k, v) = (view.panel(1, 0, length), view.panel(2, 0, length));
            keys_t.refill(k.t());
            keys.refill(k);
            values_t.refill(v.t());
            for from in (0..length).step_by(QUERY_BLOCK) {
                let rows = QUERY_BLOCK.min(length - from);
                let write = if from == 0 { Write::Replace } else { Write::Add };
                let (p, dp) = (grown(p, rows * length), grown(dp, rows * length));
                let q = view.panel(0, from, rows);
                let offset = (start + from) * hidden + column;
                let d = MatRef::new(&dout[offset..], rows, dim, hidden);
                let mut tile = TileMut::whole(p, rows, length);
                product(&mut tile, q, Right::Packed(keys_t, 0), scale, Write::Replace);
                let mut tile = TileMut::whole(dp, rows, length);
                product(&mut tile, d, Right::Packed(values_t, 0), 1.0, Write::Replace);
                let first = head * tokens + start + from;
                probabilities(p, length, &lse[first..first + rows]);
                // dv takes the probabilities after dropout, ds those before it.
                let number = |r: usize| dropout_row(shape, head, start + from + r, longest);
                if dropout.is_off() {
                    let p = MatRef::new(p, rows, length, length);
                    gemm(&mut dv, p.t(), d, 1.0, write);
                } else {
                    masked(length, p, |masked| {
                        for (r, row) in masked.chunks_exact_mut(length).enumerate() {
                            dropout.apply(row, number(r));
                        }
                        let p = MatRef::new(masked, rows, length, length);
                        gemm(&mut dv, p.t(), d, 1.0, write);
                    });
                }
                for (r, (p, dp)) in
                    p.chunks_exact(length).zip(dp.chunks_exact_mut(length)).enumerate()
                {
                    dropout.apply(dp, number(r));
                    let span = row_of(out, from + r);
                    score_gradient(dp, p, &out[span.clone()], &dout[span]);
                }
                let ds = MatRef::new(dp, rows, length, length);
                let mut dq = dq.rows(from, rows);
                product(&mut dq, ds, Right::Packed(keys, 0), scale, Write::Replace);
                gemm(&mut dk, ds.t(), q, scale, write);
            }
        });
    });
}

thread_local! {
    static MASKED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with a copy of the probabilities of one query block.
pub(in crate::ops) fn masked(length: usize, p: &[f32], f: impl FnOnce(&mut [f32])) {
    MASKED.with_borrow_mut(|copy| {
        copy.clear();
        copy.reserve(QUERY_BLOCK * length);
        copy.extend_from_slice(p);
        f(copy);
    });
}
