//! Sums of columns: the gradient of a bias.

use super::activation::{Activation, Sums, launch_backward};
use crate::device::Gpu;
use crate::error::Result;
use crate::slice::Slice;

/// Sums the rows of `matrix` `[rows, width]`, each column in one order.
///
/// # Errors
/// [`crate::CudaError::OutOfMemory`] for scratch memory, or of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn sums(gpu: &Gpu, matrix: Slice<'_>, width: usize, sums: Sums<'_>) -> Result<()> {
    let matrix = (matrix.ptr(), matrix.len(), matrix.dtype());
    launch_backward(gpu, Activation::Identity, matrix, 0, width, sums)
}
