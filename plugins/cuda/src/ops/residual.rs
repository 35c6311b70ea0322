//! Sums of gradients that meet where a value was used twice.

use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{Slice, SliceMut};

/// sum += x, elementwise.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices differ in length or type.
pub fn add(gpu: &Gpu, mut sum: SliceMut<'_>, x: Slice<'_>) -> Result<()> {
    let (count, dtype) = (x.len(), x.dtype());
    assert!(sum.len() == count && sum.dtype() == dtype);
    let launch = gpu
        .kernel(Module::Elementwise, "kb_residual_add", Some(dtype))?
        .grid(super::teams::flat_blocks(gpu, count, dtype), 1, 1)
        .block(256)
        .slice_mut(&mut sum)
        .slice(x)
        .u64(count as u64);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}
