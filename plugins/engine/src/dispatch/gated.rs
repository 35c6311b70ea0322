//! [`crate::ops::gated`] on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::ops::gated;

/// y `[rows, width]` = act(gate) * up from `gate_up` `[rows, 2 width]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn forward(
    ctx: &Context,
    gate_up: &Buffer,
    width: usize,
    act: Activation,
    y: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => gated::forward(gate_up.f32()?, width, act, y.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (gate_up, y) = (gate_up.device()?, y.device_mut()?);
            kobench_cuda::ops::gated::forward(gpu, gate_up, width, act.device(), y)?;
        }
    }
    Ok(())
}

/// `dgate_up` `[rows, 2 width]` from dy `[rows, width]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn backward(
    ctx: &Context,
    gate_up: &Buffer,
    width: usize,
    act: Activation,
    dy: &Buffer,
    dgate_up: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => gated::backward(gate_up.f32()?, width, act, dy.f32()?, dgate_up.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (gate_up, dy, dgate_up) = (gate_up.device()?, dy.device()?, dgate_up.device_mut()?);
            kobench_cuda::ops::gated::backward(gpu, gate_up, width, act.device(), dy, dgate_up)?;
        }
    }
    Ok(())
}
