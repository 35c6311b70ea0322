//! Disentangled self-attention over a packed projection, within each sequence and head
//! (He et al. 2021; `DisentangledSelfAttention` of Hugging Face's modeling_deberta_v2.py):
//!
//! ```text
//! score(i, j) = (q_i . k_j + q_i . kr_t + k_j . qr_t) scale,   t = row(i - j)
//! ```
//!
//! kr and qr are projections of the table of relative positions: the second term is "content to
//! position" (c2p), the third "position to content" (p2c), and either may be absent.
//!
//! Work is divided as in [`super::attention`]. A query block's product with the rows of kr that it
//! can meet has `[QUERY_BLOCK, rows]` elements; the keys' product with qr, which all blocks of one
//! sequence and head share, has `[L, rows]`. Both are read by index when scores are added up, so
//! nothing is gathered into memory, and nothing of size `[L, L]` exists.

mod backward;

use std::cell::RefCell;

use super::attention::{Ending, Head, QUERY_BLOCK, Shape, grown, max_seqlen};
use super::distance::DistanceTable;
use super::dropout::Dropout;
use crate::kernels::gemm::{MatRef, PackedMatrix, Right, Write, gemm, gemm_into, product};
use crate::kernels::isa::vectorised;
use crate::kernels::tile::{Rows, TileMut, par_tiles};

pub use backward::{Gradients, backward};

/// Keys whose products with qr cover the same rows, those that all queries can meet.
const KEY_BLOCK: usize = 64;

/// The projected relative positions of a layer.
#[derive(Debug, Clone, Copy)]
pub struct Positions<'a> {
    /// The table's rows that `distances` says occur, after projection, `[rows, panels hidden]`: the
    /// panel of qr if `p2c`, then that of kr if `c2p`.
    pub projected: &'a [f32],
    /// The table's row for each distance.
    pub distances: &'a DistanceTable,
    /// Whether queries attend to positions.
    pub c2p: bool,
    /// Whether positions attend to keys.
    pub p2c: bool,
}

impl<'a> Positions<'a> {
    fn panels(self) -> usize {
        usize::from(self.c2p) + usize::from(self.p2c)
    }

    /// The rows that some distances met, of one head of a panel, `[rows, dim]`.
    fn panel(self, view: &Head<'_>, panel: usize, met: Met<'_>) -> MatRef<'a> {
        let stride = self.panels() * view.hidden;
        let row = met.rows[0] as usize - self.distances.rows().start;
        let offset = row * stride + panel * view.hidden + view.column;
        MatRef::new(&self.projected[offset..], met.width(), view.dim, stride)
    }

    fn check(self, shape: Shape<'_>) {
        assert!(max_seqlen(shape.cu_seqlens) <= self.distances.longest());
        let rows = self.distances.rows().len();
        assert_eq!(self.projected.len(), rows * self.panels() * shape.hidden());
    }
}

/// Rows of the table for successive distances, ascending.
#[derive(Clone, Copy)]
struct Met<'a> {
    rows: &'a [u32],
}

impl Met<'_> {
    /// Number of rows from the first to the last.
    #[inline(always)]
    fn width(self) -> usize {
        (self.rows[self.rows.len() - 1] - self.rows[0]) as usize + 1
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        scores: Vec::new(),
        c2p: Vec::new(),
        p2c: Vec::new(),
        keys: PackedMatrix::empty(),
    });

    /// The values of one head of a sequence, which all query blocks meet.
    static VALUES: RefCell<PackedMatrix> = RefCell::new(PackedMatrix::empty());
}

/// Memory of one thread; grows to the longest sequence seen and stays.
struct Scratch {
    /// Scores of one query block, `[QUERY_BLOCK, L]`.
    scores: Vec<f32>,
    /// Its products with kr, `[QUERY_BLOCK, rows]`.
    c2p: Vec<f32>,
    /// Products of all keys of the sequence with qr, `[L, rows]`.
    p2c: Vec<f32>,
    /// The keys of one head of a sequence, transposed, which all query blocks meet.
    keys: PackedMatrix,
}

/// One head of one sequence.
struct Pass<'a> {
    view: Head<'a>,
    positions: Option<Positions<'a>>,
    length: usize,
    scale: f32,
    /// Columns of the p2c scratch: rows of the table that a block of keys can meet, at most.
    stride: usize,
}

impl<'a> Pass<'a> {
    fn new(view: Head<'a>, positions: Option<Positions<'a>>, length: usize, scale: f32) -> Self {
        let mut pass = Self { view, positions, length, scale, stride: 0 };
        if let Some(positions) = positions.filter(|p| p.p2c) {
            for from in (0..length).step_by(KEY_BLOCK) {
                let keys = KEY_BLOCK.min(length - from);
                pass.stride = pass.stride.max(pass.met_by_keys(positions, from, keys).width());
            }
        }
        pass
    }

    /// Fills the products of keys and qr; to be called before [`Pass::scores`].
    fn prepare(&self, scratch: &mut Scratch) {
        scratch.keys.refill(self.view.panel(1, 0, self.length).t());
        let Some(positions) = self.positions.filter(|p| p.p2c) else { return };
        let p2c = grown(&mut scratch.p2c, self.length * self.stride);
        for from in (0..self.length).step_by(KEY_BLOCK) {
            let keys = KEY_BLOCK.min(self.length - from);
            let met = self.met_by_keys(positions, from, keys);
            let out = &mut p2c[from * self.stride..(from + keys) * self.stride];
            let mut out = TileMut::left_columns(out, keys, met.width(), self.stride);
            let qr = positions.panel(&self.view, 0, met);
            gemm(&mut out, self.view.panel(1, from, keys), qr.t(), self.scale, Write::Replace);
        }
    }

    /// Distances from any query to the keys `from..from + keys`, from query 0 and the last key on.
    fn met_by_keys(&self, positions: Positions<'a>, from: usize, keys: usize) -> Met<'a> {
        let to = self.length.cast_signed() - 1 - from.cast_signed();
        Met { rows: positions.distances.between(1 - (from + keys).cast_signed(), to) }
    }

    /// Distances from the queries `from..from + rows` to any key, from the first query and the last
    /// key on.
    fn met_by_queries(&self, positions: Positions<'a>, from: usize, rows: usize) -> Met<'a> {
        let least = from.cast_signed() + 1 - self.length.cast_signed();
        let most = (from + rows).cast_signed() - 1;
        Met { rows: positions.distances.between(least, most) }
    }

    /// Scores `[rows, L]` of the queries `from..from + rows`.
    fn scores<'s>(&self, from: usize, rows: usize, scratch: &'s mut Scratch) -> &'s mut [f32] {
        let length = self.length;
        let scores = grown(&mut scratch.scores, rows * length);
        let q = self.view.panel(0, from, rows);
        let mut tile = TileMut::whole(scores, rows, length);
        product(&mut tile, q, Right::Packed(&scratch.keys, 0), self.scale, Write::Replace);
        let Some(positions) = self.positions else { return scores };
        if positions.c2p {
            let met = self.met_by_queries(positions, from, rows);
            let c2p = grown(&mut scratch.c2p, rows * met.width());
            let kr = positions.panel(&self.view, usize::from(positions.p2c), met);
            gemm_into(c2p, q, kr.t(), self.scale, Write::Replace);
            add_c2p(scores, length, c2p, met, from, positions.distances.linear());
        }
        if positions.p2c {
            for key in (0..length).step_by(KEY_BLOCK) {
                let keys = KEY_BLOCK.min(length - key);
                let met = self.met_by_keys(positions, key, keys);
                let p2c = &scratch.p2c[key * self.stride..(key + keys) * self.stride];
                add_p2c(scores, length, (from, key), p2c, self.stride, met);
            }
        }
        scores
    }
}

vectorised! {
    /// Adds `c2p[r, t]` to each score (r, j), t being the row for i - j, i = `from` + r.
    ///
    /// Rows of one query are L successive ones of `met`, last key first. Where they follow one another
    /// like distances, no index is needed.
    fn add_c2p<'a>(
        scores: &'a mut [f32],
        length: usize,
        c2p: &'a [f32],
        met: Met<'a>,
        from: usize,
        linear: (usize, usize),
    ) {
        let first = met.rows[0];
        let queries = scores.chunks_exact_mut(length).zip(c2p.chunks_exact(met.width()));
        for (r, (row, c2p)) in queries.enumerate() {
            let index = &met.rows[r..r + length];
            let i = from + r;
            // Keys begin..end are those at distances -before..=after.
            let begin = i.saturating_sub(linear.1);
            let end = (i + linear.0 + 1).min(length);
            let start = (index[length - end] - first) as usize;
            let near = &c2p[start..start + (end - begin)];
            for (score, value) in row[begin..end].iter_mut().rev().zip(near) {
                *score += value;
            }
            for (score, &t) in row[end..].iter_mut().rev().zip(index) {
                *score += c2p[(t - first) as usize];
            }
            for (score, &t) in row[..begin].iter_mut().rev().zip(&index[length - begin..]) {
                *score += c2p[(t - first) as usize];
            }
        }
    }

    /// Adds `p2c[j, t]` to each score (i, j) of a block of queries and one of keys, which begin at
    /// `at`; t is the row for i - j.
    ///
    /// What one query reads lies a row apart, and what the next query reads right behind it, so a
    /// block of keys is short enough for the cache.
    fn add_p2c<'a>(
        scores: &'a mut [f32],
        length: usize,
        at: (usize, usize),
        p2c: &'a [f32],
        stride: usize,
        met: Met<'a>,
    ) {
        let (first, keys) = (met.rows[0], p2c.len() / stride);
        for (r, row) in scores.chunks_exact_mut(length).enumerate() {
            let index = &met.rows[at.0 + r..at.0 + r + keys];
            let products = p2c.chunks_exact(stride).rev();
            let row = row[at.1..at.1 + keys].iter_mut().rev();
            for ((score, p2c), &t) in row.zip(products).zip(index) {
                *score += p2c[(t - first) as usize];
            }
        }
    }
}

/// out `[T, hidden]` = disentangled attention over qkv `[T, 3 hidden]` (all q, then all k, then all
/// v in a row), with scores times `scale`: 1 / sqrt(head_dim (1 + number of position terms)).
///
/// `lse`, `[heads, T]`, receives each row's log-sum-exp of the scaled scores when the backward pass
/// will need it. Dropout acts on the probabilities.
///
/// # Panics
/// When the slices' sizes contradict the shape, or a sequence is longer than the table of distances.
pub fn forward(
    shape: Shape<'_>,
    qkv: &[f32],
    positions: Option<Positions<'_>>,
    scale: f32,
    dropout: Dropout,
    out: &mut [f32],
    lse: Option<&mut [f32]>,
) {
    let (hidden, tokens, dim) = (shape.hidden(), shape.tokens(), shape.head_dim);
    assert!(qkv.len() == tokens * 3 * hidden && out.len() == tokens * hidden);
    let positions = positions.filter(|p| p.c2p || p.p2c);
    if let Some(positions) = positions {
        positions.check(shape);
    }
    let ending = Ending::new(shape, dropout, lse);
    let cut = Rows::Sequences(shape.cu_seqlens);
    par_tiles::<1>(out, (tokens, hidden), cut, dim, |sequence, head, [mut out]| {
        let (start, length) = (out.row0, out.rows);
        let view = Head { qkv, hidden, dim, start, column: head * dim };
        let v = view.panel(2, 0, length);
        let pass = Pass::new(view, positions, length, scale);
        VALUES.with_borrow_mut(|values| {
            values.refill(v);
            pass.each_block(|from, scores| {
                ending.apply((sequence, head), from, scores, values, &mut out);
            });
        });
    });
}

impl Pass<'_> {
    /// Calls `f` with the first query and the scores of each query block.
    fn each_block(&self, mut f: impl FnMut(usize, &mut [f32])) {
        SCRATCH.with_borrow_mut(|scratch| {
            self.prepare(scratch);
            for from in (0..self.length).step_by(QUERY_BLOCK) {
                let rows = QUERY_BLOCK.min(self.length - from);
                f(from, self.scores(from, rows, scratch));
            }
        });
    }
}
