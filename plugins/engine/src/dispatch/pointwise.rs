//! What is done element by element: dropout, sums, activations, on buffers.

use rayon::prelude::*;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::ops::dropout::Dropout;
use crate::ops::{linear, residual};

/// y += x.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the sizes differ.
pub fn add(ctx: &Context, y: &mut Buffer, x: &Buffer) -> Result<()> {
    match ctx.device() {
        Device::Cpu => residual::add(y.f32_mut()?, x.f32()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            kobench_cuda::ops::residual::add(gpu, y.device_mut()?, x.device()?)?;
        }
    }
    Ok(())
}

/// Applies a site's mask to a whole tensor; forward and backward are the same.
///
/// # Errors
/// Of the device.
pub fn dropout(ctx: &Context, values: &mut Buffer, dropout: Dropout) -> Result<()> {
    if dropout.is_off() {
        return Ok(());
    }
    match ctx.device() {
        Device::Cpu => dropout.apply_all(values.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            kobench_cuda::ops::dropout::apply_all(gpu, values.device_mut()?, dropout.device())?;
        }
    }
    Ok(())
}

/// Applies an activation in place to rows of `width` elements.
///
/// # Errors
/// Of the device.
pub fn activate(ctx: &Context, values: &mut Buffer, act: Activation, width: usize) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let zeros = vec![0.0; width];
            let rows = values.f32_mut()?.par_chunks_exact_mut(width);
            rows.for_each(|row| linear::activate(act, row, &zeros));
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let values = values.device_mut()?;
            kobench_cuda::ops::activation::apply(gpu, act.device(), values, width, None)?;
        }
    }
    Ok(())
}

/// Multiplies dy by the activation's derivative at `pre`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the sizes differ.
pub fn activate_backward(
    ctx: &Context,
    dy: &mut Buffer,
    act: Activation,
    pre: &Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => linear::activate_backward(act, dy.f32_mut()?, pre.f32()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            use kobench_cuda::ops::activation::{self, Sums};

            let (dy, pre, width) = (dy.device_mut()?, pre.device()?, pre.len().max(1));
            activation::backward(gpu, act.device(), dy, pre, width, Sums::None)?;
        }
    }
    Ok(())
}
