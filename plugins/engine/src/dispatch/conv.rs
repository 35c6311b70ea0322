//! [`crate::ops::conv`] on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::conv;
#[cfg(feature = "cuda")]
use crate::stage::List;

/// windows `[T, width kernel]` of x `[T, width]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other or `kernel` is even.
pub fn windows(
    ctx: &Context,
    cu_seqlens: &[u32],
    x: &Buffer,
    width: usize,
    kernel: usize,
    windows: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => conv::windows(cu_seqlens, x.f32()?, width, kernel, windows.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let cu_seqlens = ctx.staged.ids(List::CuSeqlens)?;
            let (x, windows) = (x.device()?, windows.device_mut()?);
            kobench_cuda::ops::conv::windows(gpu, cu_seqlens, x, width, kernel, windows)?;
        }
    }
    Ok(())
}

/// dx `[T, width]` from the gradient of the windows.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn backward(
    ctx: &Context,
    cu_seqlens: &[u32],
    dwindows: &Buffer,
    width: usize,
    kernel: usize,
    dx: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => conv::backward(cu_seqlens, dwindows.f32()?, width, kernel, dx.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let cu_seqlens = ctx.staged.ids(List::CuSeqlens)?;
            let (dwindows, dx) = (dwindows.device()?, dx.device_mut()?);
            kobench_cuda::ops::conv::backward(gpu, cu_seqlens, dwindows, width, kernel, dx)?;
        }
    }
    Ok(())
}
