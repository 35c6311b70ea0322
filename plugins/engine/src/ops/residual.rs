//! Sums of gradients that meet where a value was used twice.

use rayon::prelude::*;

/// sum += x, elementwise.
///
/// # Panics
/// When the slices differ in length.
pub fn add(sum: &mut [f32], x: &[f32]) {
    const CHUNK: usize = 1 << 14;
    assert_eq!(sum.len(), x.len());
    sum.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(sum, x)| {
        for (sum, x) in sum.iter_mut().zip(x) {
            *sum += x;
        }
    });
}
