//! Windows of a convolution along the tokens of each sequence, which make it a linear layer.

use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{Ids, Slice, SliceMut};

/// windows `[T, width kernel]` from x `[T, width]`: element c kernel + k of token t is column c of
/// token t + k - (kernel - 1) / 2 of the same sequence, or 0 where the sequence has no such token.
///
/// `cu_seqlens` may be padded with its last number or with `u32::MAX`; windows of tokens behind the last
/// sequence are 0.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other or `kernel` is even.
pub fn windows(
    gpu: &Gpu,
    cu_seqlens: Ids<'_>,
    x: Slice<'_>,
    width: usize,
    kernel: usize,
    mut windows: SliceMut<'_>,
) -> Result<()> {
    assert!(kernel % 2 == 1 && windows.len() == x.len() * kernel && windows.dtype() == x.dtype());
    assert!(x.len().is_multiple_of(width) && !cu_seqlens.is_empty());
    let launch = gpu
        .kernel(Module::Elementwise, "kb_conv_windows", Some(x.dtype()))?
        .grid(x.len() / width, 1, 1)
        .block(128)
        .ids(cu_seqlens)
        .u32(cu_seqlens.len())
        .slice(x)
        .slice_mut(&mut windows)
        .u32(width)
        .u32(kernel);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}

/// Gradient of [`windows()`]: dx `[T, width]` from `dwindows` `[T, width kernel]`.
///
/// # Errors
/// As for [`windows()`].
///
/// # Panics
/// As for [`windows()`].
pub fn backward(
    gpu: &Gpu,
    cu_seqlens: Ids<'_>,
    dwindows: Slice<'_>,
    width: usize,
    kernel: usize,
    mut dx: SliceMut<'_>,
) -> Result<()> {
    assert!(
        kernel % 2 == 1 && dwindows.len() == dx.len() * kernel && dwindows.dtype() == dx.dtype()
    );
    assert!(dx.len().is_multiple_of(width) && !cu_seqlens.is_empty());
    let launch = gpu
        .kernel(Module::Elementwise, "kb_conv_backward", Some(dx.dtype()))?
        .grid(dx.len() / width, 1, 1)
        .block(256)
        .ids(cu_seqlens)
        .u32(cu_seqlens.len())
        .slice(dwindows)
        .slice_mut(&mut dx)
        .u32(width)
        .u32(kernel);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}
