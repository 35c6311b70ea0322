//! Root mean square norm in Gemma's form: y = x / sqrt(mean(x^2) + eps) * (1 + weight).
//!
//! Zhang and Sennrich 2019; that the weight counts from 1 is Gemma's own (Hugging Face's
//! `Gemma2RMSNorm`).

use rayon::prelude::*;

use super::ROW_BLOCK;
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
    each_row(x, norm, y, |x, norm, y| norm_row(x, norm, y));
}

/// sum += RmsNorm(x): the norm behind one half of a layer, and the residual; both `[rows, hidden]`.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn add(x: &[f32], norm: RmsNorm<'_>, sum: &mut [f32]) {
    each_row(x, norm, sum, |x, norm, sum| add_row(x, norm, sum));
}

fn each_row(
    x: &[f32],
    norm: RmsNorm<'_>,
    y: &mut [f32],
    row: impl Fn(&[f32], RmsNorm<'_>, &mut [f32]) + Sync,
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
