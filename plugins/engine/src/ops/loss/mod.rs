//! Losses over logits, each with its gradient, computed in f64.
//!
//! Every function takes logits `[rows, classes]`, writes the gradient of the mean loss to `dlogits`, of the
//! same size, and returns that mean. A row whose target is [`IGNORE`] takes no part; where no row does, the
//! loss and all gradients are 0.

mod cross_entropy;
mod focal;
mod mse;
mod span;

pub use cross_entropy::{CrossEntropy, cross_entropy};
pub use focal::{Focal, FocalMean, FocalReading};
pub use mse::mse;
pub use span::span;

/// A target that takes no part in the loss, PyTorch's `ignore_index`.
pub const IGNORE: i64 = -100;

/// Number of classes of `logits` for so many targets.
///
/// # Panics
/// When the rows do not have the same number of columns, or the gradient has another size.
fn columns(logits: &[f32], rows: usize, dlogits: &[f32]) -> usize {
    assert_eq!(logits.len(), dlogits.len());
    let columns = logits.len() / rows.max(1);
    assert_eq!(logits.len(), columns * rows);
    columns
}

/// log sum exp of a row.
fn log_sum_exp(row: &[f32]) -> f64 {
    let max = row.iter().fold(f64::NEG_INFINITY, |max, &v| max.max(f64::from(v)));
    max + row.iter().map(|&v| (f64::from(v) - max).exp()).sum::<f64>().ln()
}

/// The class that a target names.
fn class(target: i64) -> usize {
    usize::try_from(target).expect("a class number")
}
