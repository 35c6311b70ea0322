//! Variable-length self-attention over a packed projection: softmax(q k^T / sqrt d) v, within each
//! sequence and head. Vaswani et al. 2017.
//!
//! A unit of work is one head of one sequence, walked in blocks of query rows, so that at most
//! `[QUERY_BLOCK, L]` scores exist at a time and nothing of size `[L, L]` is kept for the backward
//! pass, which recomputes the probabilities from each row's log-sum-exp (Dao et al. 2022).

mod backward;

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use super::dropout::Dropout;
use crate::kernels::gemm::{MatRef, PackedMatrix, Right, Write, product};
use crate::kernels::tile::{Rows, TileMut, par_tiles};
use crate::kernels::{isa::vectorised, math, reduce};

pub use backward::backward;
pub(super) use backward::masked;

/// Query rows whose scores exist at the same time.
pub(super) const QUERY_BLOCK: usize = 64;

/// Sizes of an attention over a packed batch.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Cumulative lengths, `[B + 1]`.
    pub cu_seqlens: &'a [u32],
    /// Number of heads.
    pub heads: usize,
    /// Width of a head.
    pub head_dim: usize,
}

impl Shape<'_> {
    pub(super) fn hidden(self) -> usize {
        self.heads * self.head_dim
    }

    pub(super) fn tokens(self) -> usize {
        self.cu_seqlens.last().map_or(0, |&t| t as usize)
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        scores: Vec::new(),
        keys: PackedMatrix::empty(),
        values: PackedMatrix::empty(),
    });
}

/// Memory of one thread; grows to the longest sequence seen and stays.
struct Scratch {
    /// Scores of one query block, `[QUERY_BLOCK, L]`.
    scores: Vec<f32>,
    /// The keys, transposed, and the values of one head of a sequence, which all query blocks meet.
    keys: PackedMatrix,
    values: PackedMatrix,
}

/// The query, key and value rows of one head of one sequence.
pub(super) struct Head<'a> {
    pub(super) qkv: &'a [f32],
    pub(super) hidden: usize,
    pub(super) dim: usize,
    pub(super) start: usize,
    pub(super) column: usize,
}

impl<'a> Head<'a> {
    /// `rows` rows of panel `panel` (0 q, 1 k, 2 v) from row `from` of the sequence, `[rows, dim]`.
    pub(super) fn panel(&self, panel: usize, from: usize, rows: usize) -> MatRef<'a> {
        let stride = 3 * self.hidden;
        let offset = (self.start + from) * stride + panel * self.hidden + self.column;
        MatRef::new(&self.qkv[offset..], rows, self.dim, stride)
    }
}

/// Number of the dropout block of one row of probabilities: rows do not share random words.
pub(super) fn dropout_row(shape: Shape<'_>, head: usize, token: usize, max_seqlen: usize) -> u64 {
    let width = max_seqlen.next_multiple_of(4) as u64;
    (head as u64 * shape.tokens() as u64 + token as u64) * width
}

pub(super) fn max_seqlen(cu_seqlens: &[u32]) -> usize {
    cu_seqlens.windows(2).map(|w| (w[1] - w[0]) as usize).max().unwrap_or(0)
}

/// out `[T, hidden]` = attention over qkv `[T, 3 hidden]` (all q, then all k, then all v in a row).
///
/// `lse`, `[heads, T]`, receives each row's log-sum-exp of the scaled scores when the backward pass
/// will need it. Dropout acts on the probabilities.
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
    let (hidden, tokens, dim) = (shape.hidden(), shape.tokens(), shape.head_dim);
    assert!(qkv.len() == tokens * 3 * hidden && out.len() == tokens * hidden);
    let scale = 1.0 / (dim as f32).sqrt();
    let ending = Ending::new(shape, dropout, lse);
    let cut = Rows::Sequences(shape.cu_seqlens);
    par_tiles::<1>(out, (tokens, hidden), cut, dim, |sequence, head, [mut out]| {
        let (start, length) = (out.row0, out.rows);
        let view = Head { qkv, hidden, dim, start, column: head * dim };
        SCRATCH.with_borrow_mut(|Scratch { scores, keys, values }| {
            keys.refill(view.panel(1, 0, length).t());
            values.refill(view.panel(2, 0, length));
            for from in (0..length).step_by(QUERY_BLOCK) {
                let rows = QUERY_BLOCK.min(length - from);
                let scores = grown(scores, rows * length);
                let mut tile = TileMut::whole(scores, rows, length);
                let (q, keys) = (view.panel(0, from, rows), Right::Packed(keys, 0));
                product(&mut tile, q, keys, scale, Write::Replace);
                ending.apply((sequence, head), from, scores, values, &mut out);
            }
        });
    });
}

/// What becomes of the scores in a forward pass, however they were computed.
pub(super) struct Ending<'a> {
    shape: Shape<'a>,
    dropout: Dropout,
    longest: usize,
    lse: Option<LseParts<'a>>,
}

impl<'a> Ending<'a> {
    /// `lse`, `[heads, T]`, as of [`forward`].
    pub(super) fn new(shape: Shape<'a>, dropout: Dropout, lse: Option<&'a mut [f32]>) -> Self {
        let lse = lse.map(|lse| LseParts::new(lse, shape.heads, shape.cu_seqlens));
        Self { shape, dropout, longest: max_seqlen(shape.cu_seqlens), lse }
    }

    /// Computes the outputs of the queries from `from` on, at most [`QUERY_BLOCK`], of one head of one sequence from
    /// their scores `[rows, L]`, which become probabilities. `out` is all of the sequence and head, `[L, dim]`.
    pub(super) fn apply(
        &self,
        (sequence, head): (usize, usize),
        from: usize,
        scores: &mut [f32],
        values: &PackedMatrix,
        out: &mut TileMut<'_>,
    ) {
        let (start, length) = (out.row0, out.rows);
        let rows = scores.len() / length;
        let mut row_lse = [0.0; QUERY_BLOCK];
        softmax(scores, length, &mut row_lse[..rows]);
        if let Some(lse) = &self.lse {
            lse.write(head, sequence, from, &row_lse[..rows]);
        }
        if !self.dropout.is_off() {
            for (r, row) in scores.chunks_exact_mut(length).enumerate() {
                let number = dropout_row(self.shape, head, start + from + r, self.longest);
                self.dropout.apply(row, number);
            }
        }
        let p = MatRef::new(scores, rows, length, length);
        let values = Right::Packed(values, 0);
        product(&mut out.rows(from, rows), p, values, 1.0, Write::Replace);
    }
}

/// The first `size` elements of memory that grows to the longest sequence seen and stays.
pub(super) fn grown(scratch: &mut Vec<f32>, size: usize) -> &mut [f32] {
    if scratch.len() < size {
        scratch.resize(size, 0.0);
    }
    &mut scratch[..size]
}

/// Log-sum-exps `[heads, T]`, each head of each sequence written by the thread that computes it.
pub(super) struct LseParts<'a> {
    /// Head after head; the locks are never waited for.
    parts: Vec<Mutex<&'a mut [f32]>>,
    sequences: usize,
}

impl<'a> LseParts<'a> {
    pub(super) fn new(lse: &'a mut [f32], heads: usize, cu_seqlens: &[u32]) -> Self {
        let tokens = cu_seqlens.last().map_or(0, |&t| t as usize);
        assert_eq!(lse.len(), heads * tokens);
        let mut parts = Vec::with_capacity(heads * cu_seqlens.len());
        let mut rest = lse;
        for _ in 0..heads {
            for span in cu_seqlens.windows(2) {
                let (part, behind) = rest.split_at_mut((span[1] - span[0]) as usize);
                parts.push(Mutex::new(part));
                rest = behind;
            }
        }
        Self { parts, sequences: cu_seqlens.len().saturating_sub(1) }
    }

    /// Writes those of the queries from `from` on.
    pub(super) fn write(&self, head: usize, sequence: usize, from: usize, values: &[f32]) {
        let part = self.parts[head * self.sequences + sequence].lock();
        part.unwrap_or_else(PoisonError::into_inner)[from..from + values.len()]
            .copy_from_slice(values);
    }
}

vectorised! {
    /// Replaces each row by its softmax; `lse` receives each row's log-sum-exp.
    fn softmax<'a>(scores: &'a mut [f32], length: usize, lse: &'a mut [f32]) {
        for (row, lse) in scores.chunks_exact_mut(length).zip(lse) {
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

    /// Turns scores into probabilities, given each row's log-sum-exp.
    pub(super) fn probabilities<'a>(scores: &'a mut [f32], length: usize, lse: &'a [f32]) {
        for (row, lse) in scores.chunks_exact_mut(length).zip(lse) {
            for value in row {
                *value = math::exp(*value - lse);
            }
        }
    }

    /// ds = p (dp - sum(out dout)) of one row, in place of dp.
    pub(super) fn score_gradient<'a>(dp: &'a mut [f32], p: &'a [f32], out: &'a [f32], dout: &'a [f32]) {
        let delta = reduce::dot(out, dout);
        for (ds, p) in dp.iter_mut().zip(p) {
            *ds = p * (*ds - delta);
        }
    }
}
