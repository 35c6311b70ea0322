//! Dropout of a whole tensor, and a factor on one. Elsewhere dropout is part of the operations before and behind it.

use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::SliceMut;
use crate::step::Dropout;

/// Applies the mask in place. The forward and the backward pass are the same operation.
///
/// # Errors
/// Of the driver.
pub fn apply_all(gpu: &Gpu, x: SliceMut<'_>, dropout: Dropout) -> Result<()> {
    match dropout.is_off() {
        true => Ok(()),
        false => launch(gpu, x, 1.0, dropout),
    }
}

/// x <- factor x.
///
/// # Errors
/// Of the driver.
pub fn scale(gpu: &Gpu, x: SliceMut<'_>, factor: f32) -> Result<()> {
    launch(gpu, x, factor, Dropout::off())
}

fn launch(gpu: &Gpu, mut x: SliceMut<'_>, factor: f32, dropout: Dropout) -> Result<()> {
    let (count, dtype) = (x.len(), x.dtype());
    let launch = gpu
        .kernel(Module::Elementwise, "kb_dropout_apply", Some(dtype))?
        .grid(super::teams::flat_blocks(gpu, count, dtype), 1, 1)
        .block(256)
        .slice_mut(&mut x)
        .u64(count as u64)
        .f32(factor)
        .dropout(dropout)
        .step();
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and there are so many elements.
    unsafe {
        launch.run()
    }
}
