//! One row of each sequence, on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
#[cfg(feature = "cuda")]
use crate::stage::List;

/// picked `[B, width]`: the rows of x `[T, width]` of these tokens.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When there is no such token.
pub fn forward(
    ctx: &Context,
    x: &Buffer,
    width: usize,
    tokens: &[u32],
    picked: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let (x, rows) = (x.f32()?, picked.f32_mut()?.chunks_exact_mut(width));
            for (row, &token) in rows.zip(tokens) {
                row.copy_from_slice(&x[token as usize * width..][..width]);
            }
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (tokens, picked) = (ctx.staged.ids(List::Picked)?, picked.device_mut()?);
            kobench_cuda::ops::pick::forward(gpu, x.device()?, tokens, width, picked)?;
        }
    }
    Ok(())
}

/// Gradient of [`forward`]: dx `[T, width]`, zero in all other rows.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When there is no such token.
pub fn backward(
    ctx: &Context,
    dpicked: &Buffer,
    width: usize,
    tokens: &[u32],
    dx: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let dx = dx.f32_mut()?;
            dx.fill(0.0);
            for (row, &token) in dpicked.f32()?.chunks_exact(width).zip(tokens) {
                dx[token as usize * width..][..width].copy_from_slice(row);
            }
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (tokens, dx) = (ctx.staged.ids(List::Picked)?, dx.device_mut()?);
            kobench_cuda::ops::pick::backward(gpu, dpicked.device()?, tokens, width, dx)?;
        }
    }
    Ok(())
}
