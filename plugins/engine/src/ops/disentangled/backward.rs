//! The gradient of disentangled attention.
//!
//! With ds the gradient of the scaled scores (as in [`attention::backward`]), t = row(i - j) and
//! everything times `scale`:
//!
//! ```text
//! dq_i = sum_j ds_ij (k_j + kr_t)        dkr_t = sum_{ij: row(i - j) = t} ds_ij q_i
//! dk_j = sum_i ds_ij (q_i + qr_t)        dqr_t = sum_{ij: row(i - j) = t} ds_ij k_j
//! ```
//!
//! The sums over one row t of the table are gathered first, c2p's in `[QUERY_BLOCK, rows]` and p2c's in
//! `[L, rows]`, the mirror images of the products that the forward pass reads by index; the rest
//! are matrix products.
//!
//! [`attention::backward`]: super::super::attention::backward

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::super::attention::{
    Head, QUERY_BLOCK, Shape, dropout_row, grown, masked, max_seqlen, probabilities, score_gradient,
};
use super::{Dropout, KEY_BLOCK, Met, Pass, Positions, SCRATCH};
use crate::kernels::gemm::{MatRef, PackedMatrix, Right, Write, gemm, product};
use crate::kernels::isa::vectorised;
use crate::kernels::tile::{Rows, TileMut, par_tiles};

/// Where the results of [`backward`] go.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// `[T, 3 hidden]`, laid out as qkv.
    pub dqkv: &'a mut [f32],
    /// Of [`Positions::projected`], in its layout; empty without positions.
    pub dprojected: &'a mut [f32],
}

thread_local! {
    static GATHERED: RefCell<Gathered> = RefCell::new(Gathered {
        dp: Vec::new(),
        c2p: Vec::new(),
        p2c: Vec::new(),
        keys: PackedMatrix::empty(),
        values_t: PackedMatrix::empty(),
    });
}

/// Memory of one thread; grows to the longest sequence seen and stays.
struct Gathered {
    /// Gradients of one query block's probabilities and then of its scores, `[QUERY_BLOCK, L]`.
    dp: Vec<f32>,
    /// Sums of ds over the keys at one row of the table, `[QUERY_BLOCK, rows]`.
    c2p: Vec<f32>,
    /// Sums of ds over the queries at one row, `[L, rows]`.
    p2c: Vec<f32>,
    /// The keys of one head of a sequence, and the values, transposed.
    keys: PackedMatrix,
    values_t: PackedMatrix,
}

/// Gradient of [`super::forward`] from `dout` `[T, hidden]`, the saved `qkv`, `out` and `lse`, and
/// the same positions, scale and dropout.
///
/// A unit of work is one head, whose sequences add to the gradients of the positions in their order,
/// so that the sums do not depend on threads.
///
/// # Panics
/// When the slices' sizes contradict the shape.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    shape: Shape<'_>,
    qkv: &[f32],
    positions: Option<Positions<'_>>,
    scale: f32,
    dropout: Dropout,
    out: &[f32],
    lse: &[f32],
    dout: &[f32],
    gradients: Gradients<'_>,
) {
    let Gradients { dqkv, dprojected } = gradients;
    let (hidden, tokens, dim) = (shape.hidden(), shape.tokens(), shape.head_dim);
    assert!(qkv.len() == tokens * 3 * hidden && dqkv.len() == qkv.len());
    assert!(out.len() == tokens * hidden && dout.len() == out.len());
    assert_eq!(lse.len(), shape.heads * tokens);
    let positions = positions.filter(|p| p.c2p || p.p2c);
    if let Some(positions) = positions {
        positions.check(shape);
    }
    assert_eq!(dprojected.len(), positions.map_or(0, |p| p.projected.len()));
    let longest = max_seqlen(shape.cu_seqlens);
    // Head after head `[rows, panels dim]`, so that each unit has a slice of its own.
    let mut by_head = vec![0.0; dprojected.len()];
    let size = (dprojected.len() / shape.heads).max(1);
    let parts: Vec<_> = by_head.chunks_exact_mut(size).map(Mutex::new).collect();
    let whole = Rows::Blocks(tokens.max(1));
    par_tiles::<3>(dqkv, (tokens, 3 * hidden), whole, dim, |_, head, [mut dq, mut dk, mut dv]| {
        let column = head * dim;
        let mut lock = parts.get(head).map(|p| p.lock().unwrap_or_else(PoisonError::into_inner));
        let dpositions: &mut [f32] = lock.as_mut().map_or(&mut [], |part| part);
        for span in shape.cu_seqlens.windows(2).filter(|span| span[1] > span[0]) {
            let (start, length) = (span[0] as usize, (span[1] - span[0]) as usize);
            let view = Head { qkv, hidden, dim, start, column };
            let unit = Unit {
                pass: Pass::new(view, positions, length, scale),
                out: &out[start * hidden + column..],
                dout: &dout[start * hidden + column..],
                lse: &lse[head * tokens + start..][..length],
                dropout,
                first_dropout_row: |query| dropout_row(shape, head, start + query, longest),
            };
            let tiles = [&mut dq, &mut dk, &mut dv].map(|tile| tile.rows(start, length));
            unit.backward(tiles, dpositions);
        }
    });
    drop(parts);
    if let Some(positions) = positions {
        let panels = positions.panels();
        dprojected.par_chunks_exact_mut(panels * hidden).enumerate().for_each(|(row, to)| {
            for (piece, to) in to.chunks_exact_mut(dim).enumerate() {
                let (panel, head) = (piece / shape.heads, piece % shape.heads);
                let from = head * size + (row * panels + panel) * dim;
                to.copy_from_slice(&by_head[from..from + dim]);
            }
        });
    }
}

/// One head of one sequence.
struct Unit<'a, F> {
    pass: Pass<'a>,
    /// From the sequence's first row and the head's first column on, rows `hidden` apart.
    out: &'a [f32],
    dout: &'a [f32],
    lse: &'a [f32],
    dropout: Dropout,
    /// Number of the dropout block of a query's probabilities.
    first_dropout_row: F,
}

impl<F: Fn(usize) -> u64> Unit<'_, F> {
    /// Fills dq, dk and dv `[L, dim]`, and adds to the gradients of the positions
    /// `[rows, panels dim]`.
    fn backward(&self, [mut dq, mut dk, mut dv]: [TileMut<'_>; 3], dpositions: &mut [f32]) {
        let Pass { ref view, positions, length, scale, stride } = self.pass;
        let (c2p, p2c) = (positions.filter(|p| p.c2p), positions.filter(|p| p.p2c));
        let (dim, hidden) = (view.dim, view.hidden);
        let (k, v) = (view.panel(1, 0, length), view.panel(2, 0, length));
        SCRATCH.with_borrow_mut(|scratch| {
            GATHERED.with_borrow_mut(|gathered| {
                self.pass.prepare(scratch);
                let Gathered { dp, c2p: c2p_sums, p2c: p2c_sums, keys, values_t } = gathered;
                keys.refill(k);
                values_t.refill(v.t());
                let p2c_sums = grown(p2c_sums, p2c.map_or(0, |_| length * stride));
                p2c_sums.fill(0.0);
                for from in (0..length).step_by(QUERY_BLOCK) {
                    let rows = QUERY_BLOCK.min(length - from);
                    let write = if from == 0 { Write::Replace } else { Write::Add };
                    let p = self.pass.scores(from, rows, scratch);
                    probabilities(p, length, &self.lse[from..from + rows]);
                    let q = view.panel(0, from, rows);
                    let d = MatRef::new(&self.dout[from * hidden..], rows, dim, hidden);
                    self.add_dv(from, p, d, &mut dv, write);

                    let ds = grown(dp, rows * length);
                    let mut tile = TileMut::whole(ds, rows, length);
                    product(&mut tile, d, Right::Packed(values_t, 0), 1.0, Write::Replace);
                    for (r, (ds, p)) in
                        ds.chunks_exact_mut(length).zip(p.chunks_exact(length)).enumerate()
                    {
                        self.dropout.apply(ds, (self.first_dropout_row)(from + r));
                        let at = (from + r) * hidden;
                        score_gradient(ds, p, &self.out[at..at + dim], &self.dout[at..at + dim]);
                    }
                    let ds = &*ds;
                    let matrix = MatRef::new(ds, rows, length, length);
                    let mut dq = dq.rows(from, rows);
                    product(&mut dq, matrix, Right::Packed(keys, 0), scale, Write::Replace);
                    gemm(&mut dk, matrix.t(), q, scale, write);
                    if let Some(positions) = c2p {
                        let met = self.pass.met_by_queries(positions, from, rows);
                        let width = met.width();
                        let sums = grown(c2p_sums, rows * width);
                        sums.fill(0.0);
                        gather_c2p(sums, ds, length, met, from, positions.distances.linear());
                        let sums = MatRef::new(sums, rows, width, width);
                        let panel = usize::from(positions.p2c);
                        let kr = positions.panel(view, panel, met);
                        gemm(&mut dq, sums, kr, scale, Write::Add);
                        let mut dkr = dpanel(dpositions, positions, panel, dim, met);
                        gemm(&mut dkr, sums.t(), q, scale, Write::Add);
                    }
                    if let Some(positions) = p2c {
                        for key in (0..length).step_by(KEY_BLOCK) {
                            let keys = KEY_BLOCK.min(length - key);
                            let met = self.pass.met_by_keys(positions, key, keys);
                            let sums = &mut p2c_sums[key * stride..(key + keys) * stride];
                            gather_p2c(sums, stride, ds, length, (from, key), met);
                        }
                    }
                }
                let Some(positions) = p2c else { return };
                for key in (0..length).step_by(KEY_BLOCK) {
                    let keys = KEY_BLOCK.min(length - key);
                    let met = self.pass.met_by_keys(positions, key, keys);
                    let sums = &p2c_sums[key * stride..(key + keys) * stride];
                    let sums = MatRef::new(sums, keys, met.width(), stride);
                    let qr = positions.panel(view, 0, met);
                    gemm(&mut dk.rows(key, keys), sums, qr, scale, Write::Add);
                    let mut dqr = dpanel(dpositions, positions, 0, dim, met);
                    gemm(&mut dqr, sums.t(), view.panel(1, key, keys), scale, Write::Add);
                }
            });
        });
    }

    /// dv (+)= (probabilities after dropout)^T dout.
    fn add_dv(&self, from: usize, p: &[f32], d: MatRef<'_>, dv: &mut TileMut<'_>, write: Write) {
        let length = self.pass.length;
        let rows = p.len() / length;
        if self.dropout.is_off() {
            return gemm(dv, MatRef::new(p, rows, length, length).t(), d, 1.0, write);
        }
        masked(length, p, |p| {
            for (r, row) in p.chunks_exact_mut(length).enumerate() {
                self.dropout.apply(row, (self.first_dropout_row)(from + r));
            }
            gemm(dv, MatRef::new(p, rows, length, length).t(), d, 1.0, write);
        });
    }
}

/// The rows that some distances met, of one panel of one head's gradient `[rows, panels dim]`.
fn dpanel<'a>(
    dpositions: &'a mut [f32],
    positions: Positions<'_>,
    panel: usize,
    dim: usize,
    met: Met<'_>,
) -> TileMut<'a> {
    let stride = positions.panels() * dim;
    let row = met.rows[0] as usize - positions.distances.rows().start;
    let rows = &mut dpositions[row * stride..(row + met.width()) * stride];
    TileMut::columns_of(rows, met.width(), panel * dim..(panel + 1) * dim, stride)
}

vectorised! {
    /// Adds each ds (r, j) to `sums[r, t]`, t being the row for i - j, i = `from` + r: the mirror image
    /// of `add_c2p`.
    fn gather_c2p<'a>(
        sums: &'a mut [f32],
        ds: &'a [f32],
        length: usize,
        met: Met<'a>,
        from: usize,
        linear: (usize, usize),
    ) {
        let first = met.rows[0];
        let queries = ds.chunks_exact(length).zip(sums.chunks_exact_mut(met.width()));
        for (r, (row, sums)) in queries.enumerate() {
            let index = &met.rows[r..r + length];
            let i = from + r;
            // Keys begin..end are those at distances -before..=after.
            let begin = i.saturating_sub(linear.1);
            let end = (i + linear.0 + 1).min(length);
            let start = (index[length - end] - first) as usize;
            for (sum, value) in
                sums[start..start + (end - begin)].iter_mut().zip(row[begin..end].iter().rev())
            {
                *sum += value;
            }
            for (value, &t) in row[end..].iter().rev().zip(index) {
                sums[(t - first) as usize] += value;
            }
            for (value, &t) in row[..begin].iter().rev().zip(&index[length - begin..]) {
                sums[(t - first) as usize] += value;
            }
        }
    }

    /// Adds each ds (i, j) of a block of queries and one of keys, which begin at `at`, to
    /// `sums[j, t]`; t is the row for i - j. The mirror image of `add_p2c`.
    fn gather_p2c<'a>(
        sums: &'a mut [f32],
        stride: usize,
        ds: &'a [f32],
        length: usize,
        at: (usize, usize),
        met: Met<'a>,
    ) {
        let (first, keys) = (met.rows[0], sums.len() / stride);
        for (r, row) in ds.chunks_exact(length).enumerate() {
            let index = &met.rows[at.0 + r..at.0 + r + keys];
            let row = row[at.1..at.1 + keys].iter().rev();
            let sums = sums.chunks_exact_mut(stride).rev();
            for ((value, sums), &t) in row.zip(sums).zip(index) {
                sums[(t - first) as usize] += value;
            }
        }
    }
}
