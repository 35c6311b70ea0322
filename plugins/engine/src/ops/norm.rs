//! Dropout, residual and layer norm in one pass: y = LayerNorm(residual + dropout(x)).
//!
//! Layer norm: Ba, Kiros, Hinton 2016; y = gamma (s - mean) / sqrt(var + eps) + beta with the
//! biased variance, as in PyTorch.

use rayon::prelude::*;

use super::ROW_BLOCK;
use super::dropout::Dropout;
use crate::kernels::isa::vectorised;
use crate::kernels::reduce;

/// Affine part and epsilon of a layer norm over rows of `gamma.len()` elements.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm<'a> {
    /// Scale, `[hidden]`.
    pub gamma: &'a [f32],
    /// Shift, `[hidden]`.
    pub beta: &'a [f32],
    /// Added to the variance.
    pub eps: f32,
}

vectorised! {
    /// Normalises one row in place. `keep` receives the row after normalisation, before the affine
    /// part, and `rstd` 1 / sqrt(var + eps).
    pub(crate) fn normalise<'a>(
        row: &'a mut [f32],
        norm: LayerNorm<'a>,
        keep: Option<&'a mut [f32]>,
        rstd: &'a mut f32,
    ) {
        let n = row.len() as f32;
        let mean = reduce::sum(row) / n;
        *rstd = 1.0 / (reduce::sum_squares(row, mean) / n + norm.eps).sqrt();
        let factor = *rstd;
        for value in row.iter_mut() {
            *value = (*value - mean) * factor;
        }
        if let Some(keep) = keep {
            keep.copy_from_slice(row);
        }
        for ((value, gamma), beta) in row.iter_mut().zip(norm.gamma).zip(norm.beta) {
            *value = value.mul_add(*gamma, *beta);
        }
    }

    /// Turns dy of one row into the gradient of what was normalised.
    fn backward_row<'a>(dy: &'a mut [f32], n: &'a [f32], gamma: &'a [f32], rstd: f32) {
        let hidden = dy.len() as f32;
        for (g, gamma) in dy.iter_mut().zip(gamma) {
            *g *= gamma;
        }
        let mean = reduce::sum(dy) / hidden;
        let slope = reduce::dot(dy, n) / hidden;
        for (g, n) in dy.iter_mut().zip(n) {
            *g = rstd * (*g - mean - n * slope);
        }
    }

    /// Adds the products of the columns from `left` of all rows to `sums`.
    fn add_products<'a>(
        sums: &'a mut [f32], a: &'a [f32], b: &'a [f32], cols: usize, left: usize,
    ) {
        for (a, b) in a.chunks_exact(cols).zip(b.chunks_exact(cols)) {
            for ((sum, a), b) in sums.iter_mut().zip(&a[left..]).zip(&b[left..]) {
                *sum = a.mul_add(*b, *sum);
            }
        }
    }
}

/// What the backward pass of a layer norm needs.
#[derive(Debug)]
pub struct Kept<'a> {
    /// Rows after normalisation and before the affine part, `[rows, hidden]`.
    pub normalised: &'a mut [f32],
    /// 1 / sqrt(var + eps) of each row, `[rows]`.
    pub rstd: &'a mut [f32],
}

/// x <- LayerNorm(residual + dropout(x)), in place; x and residual are `[rows, hidden]`.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn forward(
    x: &mut [f32],
    residual: &[f32],
    norm: LayerNorm<'_>,
    dropout: Dropout,
    kept: Option<Kept<'_>>,
) {
    let hidden = norm.gamma.len();
    assert!(
        x.len() == residual.len() && x.len().is_multiple_of(hidden) && norm.beta.len() == hidden
    );
    let block = ROW_BLOCK * hidden;
    let add = |number: usize, row: &mut [f32], residual: &[f32]| {
        dropout.apply(row, (number * hidden) as u64);
        for (value, residual) in row.iter_mut().zip(residual) {
            *value += residual;
        }
    };
    let blocks = x.par_chunks_mut(block).zip(residual.par_chunks(block)).enumerate();
    match kept {
        None => blocks.for_each(|(b, (x, residual))| {
            let rows = x.chunks_exact_mut(hidden).zip(residual.chunks_exact(hidden));
            for (r, (row, residual)) in rows.enumerate() {
                add(b * ROW_BLOCK + r, row, residual);
                normalise(row, norm, None, &mut 0.0);
            }
        }),
        Some(kept) => {
            assert!(
                kept.normalised.len() == residual.len()
                    && kept.rstd.len() * hidden == residual.len()
            );
            let kept =
                kept.normalised.par_chunks_mut(block).zip(kept.rstd.par_chunks_mut(ROW_BLOCK));
            blocks.zip(kept).for_each(|((b, (x, residual)), (normalised, rstd))| {
                let rows = x.chunks_exact_mut(hidden).zip(residual.chunks_exact(hidden));
                let kept = normalised.chunks_exact_mut(hidden).zip(rstd);
                for (r, ((row, residual), (normalised, rstd))) in rows.zip(kept).enumerate() {
                    add(b * ROW_BLOCK + r, row, residual);
                    normalise(row, norm, Some(normalised), rstd);
                }
            });
        }
    }
}

/// Gradients of [`forward`].
///
/// `dy` `[rows, hidden]` is the gradient of the result on entry and of residual + dropout(x), which
/// is that of the residual, on return. `dx` receives dropout's mask applied to it. `dgamma` and
/// `dbeta` `[hidden]` are overwritten.
///
/// With n the normalised row and g = gamma dy: ds = rstd (g - mean(g) - n mean(g n)).
///
/// # Panics
/// When the slices' sizes contradict each other.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    dy: &mut [f32],
    normalised: &[f32],
    rstd: &[f32],
    gamma: &[f32],
    dropout: Dropout,
    dx: Option<&mut [f32]>,
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    let hidden = gamma.len();
    assert!(dy.len() == normalised.len() && dy.len() == rstd.len() * hidden);
    super::linear::column_sums(dy, hidden, dbeta);
    product_sums(dy, normalised, hidden, dgamma);
    let block = ROW_BLOCK * hidden;
    dy.par_chunks_mut(block)
        .zip(normalised.par_chunks(block))
        .zip(rstd.par_chunks(ROW_BLOCK))
        .for_each(|((dy, normalised), rstd)| {
            let rows = dy.chunks_exact_mut(hidden).zip(normalised.chunks_exact(hidden));
            for ((dy, n), rstd) in rows.zip(rstd) {
                backward_row(dy, n, gamma, *rstd);
            }
        });
    if let Some(dx) = dx {
        dx.par_chunks_mut(block).zip(dy.par_chunks(block)).enumerate().for_each(|(b, (dx, dy))| {
            dx.copy_from_slice(dy);
            dropout.apply(dx, (b * block) as u64);
        });
    }
}

/// Column sums of the elementwise product of two matrices `[rows, cols]`, in row order.
pub(super) fn product_sums(a: &[f32], b: &[f32], cols: usize, sums: &mut [f32]) {
    const STRIP: usize = 64;
    sums.par_chunks_mut(STRIP).enumerate().for_each(|(strip, sums)| {
        sums.fill(0.0);
        add_products(sums, a, b, cols, strip * STRIP);
    });
}
