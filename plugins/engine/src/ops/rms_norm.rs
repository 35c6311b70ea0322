//! Root mean square norm in Gemma's form: y = x / sqrt(mean(x^2) + eps) * (1 + weight).
//!
//! Zhang and Sennrich 2019; that the weight counts from 1 is Gemma's own (Hugging Face's
//! `Gemma2RMSNorm`).

use rayon::prelude::*;

use super::ROW_BLOCK;
use super::norm::product_sums;
use crate::kernels::isa::vectorised;
use crate::kernels::reduce;

/// Weight and epsilon of a norm over rows of `weight.len()` elements.
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm<'a> {
    /// What is added to 1 and scales, `[hidden]`.
    pub weight: &'a [f32],
    /// Added to the mean square.
    pub eps: f32,
}

vectorised! {
    fn norm_row<'a>(x: &'a [f32], norm: RmsNorm<'a>, y: &'a mut [f32]) {
        let factor = factor(x, norm.eps);
        for ((y, x), weight) in y.iter_mut().zip(x).zip(norm.weight) {
            *y = x * factor * (1.0 + weight);
        }
    }

    fn add_row<'a>(x: &'a [f32], norm: RmsNorm<'a>, sum: &'a mut [f32]) {
        let factor = factor(x, norm.eps);
        for ((sum, x), weight) in sum.iter_mut().zip(x).zip(norm.weight) {
            *sum += x * factor * (1.0 + weight);
        }
    }

    /// Normalises a row in place, and turns dy into the gradient of what was normalised.
    fn backward_row<'a>(
        x: &'a mut [f32], norm: RmsNorm<'a>, dy: &'a [f32], dx: &'a mut [f32],
    ) {
        let factor = factor(x, norm.eps);
        for (x, (dx, (dy, weight))) in
            x.iter_mut().zip(dx.iter_mut().zip(dy.iter().zip(norm.weight)))
        {
            *x *= factor;
            *dx = dy * (1.0 + weight);
        }
        let slope = reduce::dot(dx, x) / dx.len() as f32;
        for (dx, n) in dx.iter_mut().zip(x) {
            *dx = factor * (*dx - *n * slope);
        }
    }
}

#[inline(always)]
fn factor(x: &[f32], eps: f32) -> f32 {
    1.0 / (reduce::sum_squares(x, 0.0) / x.len() as f32 + eps).sqrt()
}

/// y = RmsNorm(x); x and y are `[rows, hidden]`.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn forward(x: &[f32], norm: RmsNorm<'_>, y: &mut [f32]) {
    each_row(x, norm, y, norm_row);
}

/// sum += RmsNorm(x): the norm behind one half of a layer, and the residual; both `[rows, hidden]`.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn add(x: &[f32], norm: RmsNorm<'_>, sum: &mut [f32]) {
    each_row(x, norm, sum, add_row);
}

fn each_row(
    x: &[f32],
    norm: RmsNorm<'_>,
    y: &mut [f32],
    row: impl for<'a> Fn(&'a [f32], RmsNorm<'a>, &'a mut [f32]) + Sync,
) {
    let hidden = norm.weight.len();
    assert!(x.len() == y.len() && x.len().is_multiple_of(hidden));
    let block = ROW_BLOCK * hidden;
    y.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(y, x)| {
        for (y, x) in y.chunks_exact_mut(hidden).zip(x.chunks_exact(hidden)) {
            row(x, norm, y);
        }
    });
}

/// Gradients of [`forward`], and of [`add`] but for its residual: `dx` `[rows, hidden]` and `dweight`
/// `[hidden]` are overwritten. x is the input on entry, and what it was normalised to on return.
///
/// With n = x f, f = 1 / sqrt(mean(x^2) + eps) and g = (1 + weight) dy: dx = f (g - n mean(g n)),
/// dweight = sum of dy n over the rows, in their order.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn backward(x: &mut [f32], norm: RmsNorm<'_>, dy: &[f32], dx: &mut [f32], dweight: &mut [f32]) {
    let hidden = norm.weight.len();
    assert!(x.len() == dy.len() && dx.len() == dy.len() && x.len().is_multiple_of(hidden));
    assert_eq!(dweight.len(), hidden);
    let block = ROW_BLOCK * hidden;
    x.par_chunks_mut(block).zip(dy.par_chunks(block)).zip(dx.par_chunks_mut(block)).for_each(
        |((x, dy), dx)| {
            let rows = x.chunks_exact_mut(hidden).zip(dy.chunks_exact(hidden));
            for ((x, dy), dx) in rows.zip(dx.chunks_exact_mut(hidden)) {
                backward_row(x, norm, dy, dx);
            }
        },
    );
    product_sums(dy, x, hidden, dweight);
}
