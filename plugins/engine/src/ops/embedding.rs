//! Sum of table rows followed by layer norm and dropout: the input of an encoder.

use rayon::prelude::*;

use super::ROW_BLOCK;
use super::dropout::Dropout;
use super::norm::{Kept, LayerNorm, normalise};

/// One embedding table and which of its rows each token takes.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// The table, `[entries, hidden]`.
    pub table: &'a [f32],
    /// A row number for each token, `[T]`; the caller has checked that they are in range.
    pub ids: &'a [u32],
}

/// y `[T, width]`, the sum of the rows that the lookups name.
///
/// # Panics
/// When a row number is out of range or the slices' sizes contradict each other.
pub fn sum(lookups: &[Lookup<'_>], width: usize, y: &mut [f32]) {
    assert!(lookups.iter().all(|l| l.ids.len() * width == y.len()));
    y.par_chunks_mut(ROW_BLOCK * width).enumerate().for_each(|(b, rows)| {
        for (r, row) in rows.chunks_exact_mut(width).enumerate() {
            sum_rows(lookups, b * ROW_BLOCK + r, row);
        }
    });
}

/// Sets a row to the sum of the rows that the lookups name for a token.
fn sum_rows(lookups: &[Lookup<'_>], token: usize, row: &mut [f32]) {
    row.fill(0.0);
    for lookup in lookups {
        let start = lookup.ids[token] as usize * row.len();
        let entry = &lookup.table[start..start + row.len()];
        for (value, entry) in row.iter_mut().zip(entry) {
            *value += entry;
        }
    }
}

/// y = dropout(LayerNorm(sum of the rows that the lookups name)), y `[T, hidden]`.
///
/// # Panics
/// When a row number is out of range or the slices' sizes contradict each other.
pub fn forward(
    lookups: &[Lookup<'_>],
    norm: LayerNorm<'_>,
    dropout: Dropout,
    y: &mut [f32],
    kept: Option<Kept<'_>>,
) {
    let hidden = norm.gamma.len();
    assert!(lookups.iter().all(|l| l.ids.len() * hidden == y.len()));
    let block = ROW_BLOCK * hidden;
    let blocks = y.par_chunks_mut(block).enumerate();
    match kept {
        None => blocks.for_each(|(b, rows)| {
            for (r, row) in rows.chunks_exact_mut(hidden).enumerate() {
                let token = b * ROW_BLOCK + r;
                sum_rows(lookups, token, row);
                normalise(row, norm, None, &mut 0.0);
                dropout.apply(row, (token * hidden) as u64);
            }
        }),
        Some(kept) => {
            let kept =
                kept.normalised.par_chunks_mut(block).zip(kept.rstd.par_chunks_mut(ROW_BLOCK));
            blocks.zip(kept).for_each(|((b, rows), (normalised, rstd))| {
                let kept = normalised.chunks_exact_mut(hidden).zip(rstd);
                for (r, (row, (normalised, rstd))) in
                    rows.chunks_exact_mut(hidden).zip(kept).enumerate()
                {
                    let token = b * ROW_BLOCK + r;
                    sum_rows(lookups, token, row);
                    normalise(row, norm, Some(normalised), rstd);
                    dropout.apply(row, (token * hidden) as u64);
                }
            });
        }
    }
}

/// y `[T, hidden]` = scale * the rows that the lookup names.
///
/// # Panics
/// When a row number is out of range or the slices' sizes contradict each other.
pub fn scaled(lookup: Lookup<'_>, scale: f32, hidden: usize, y: &mut [f32]) {
    assert_eq!(lookup.ids.len() * hidden, y.len());
    y.par_chunks_exact_mut(hidden).zip(lookup.ids).with_min_len(ROW_BLOCK).for_each(
        |(row, &id)| {
            let start = id as usize * hidden;
            for (value, entry) in row.iter_mut().zip(&lookup.table[start..start + hidden]) {
                *value = entry * scale;
            }
        },
    );
}

/// The rows of a table that a batch touched, and the gradient of each.
#[derive(Debug, Default, PartialEq)]
pub struct SparseRows {
    /// Row numbers, ascending, each once.
    pub rows: Vec<u32>,
    /// Gradients, `[rows, hidden]`.
    pub grad: Vec<f32>,
}

impl SparseRows {
    /// The same without the row `padding`, which torch does not train (`padding_idx`).
    #[must_use]
    pub fn without(mut self, padding: Option<u32>) -> Self {
        let Some(at) = padding.and_then(|padding| self.rows.binary_search(&padding).ok()) else {
            return self;
        };
        let hidden = self.grad.len() / self.rows.len();
        self.rows.remove(at);
        self.grad.drain(at * hidden..(at + 1) * hidden);
        self
    }
}

/// Gathers the gradient of a table from that of the sum, `dsum` `[T, hidden]`.
///
/// Tokens that share a row are added in token order, so the result does not depend on threads.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn backward(dsum: &[f32], ids: &[u32], hidden: usize) -> SparseRows {
    assert_eq!(dsum.len(), ids.len() * hidden);
    let mut tokens: Vec<u32> = (0..).take(ids.len()).collect();
    // Stable, so that tokens of one row stay in order.
    tokens.sort_by_key(|&t| ids[t as usize]);
    let groups: Vec<&[u32]> =
        tokens.chunk_by(|&a, &b| ids[a as usize] == ids[b as usize]).collect();
    let rows = groups.iter().map(|group| ids[group[0] as usize]).collect();
    let mut grad = vec![0.0; groups.len() * hidden];
    grad.par_chunks_exact_mut(hidden).zip(&groups).for_each(|(grad, group)| {
        for &token in *group {
            for (g, d) in grad.iter_mut().zip(&dsum[token as usize * hidden..]) {
                *g += d;
            }
        }
    });
    SparseRows { rows, grad }
}
