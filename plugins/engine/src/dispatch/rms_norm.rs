//! [`crate::ops::rms_norm`] on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::rms_norm;

/// Weights `[hidden]` and epsilon.
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm<'a> {
    /// Added to 1.
    pub weight: &'a Buffer,
    /// Added to the mean square.
    pub eps: f32,
}

impl<'a> RmsNorm<'a> {
    fn host(self) -> Result<rms_norm::RmsNorm<'a>> {
        Ok(rms_norm::RmsNorm { weight: self.weight.f32()?, eps: self.eps })
    }

    #[cfg(feature = "cuda")]
    fn device(self) -> Result<kobench_cuda::ops::rms_norm::RmsNorm<'a>> {
        Ok(kobench_cuda::ops::rms_norm::RmsNorm { weight: self.weight.device()?, eps: self.eps })
    }
}

/// y = norm(x), both `[rows, hidden]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn forward(ctx: &Context, x: &Buffer, norm: RmsNorm<'_>, y: &mut Buffer) -> Result<()> {
    match ctx.device() {
        Device::Cpu => rms_norm::forward(x.f32()?, norm.host()?, y.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (x, y) = (x.device()?, y.device_mut()?);
            kobench_cuda::ops::rms_norm::forward(gpu, x, norm.device()?, y)?;
        }
    }
    Ok(())
}

/// sum += norm(x), both `[rows, hidden]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn add(ctx: &Context, x: &Buffer, norm: RmsNorm<'_>, sum: &mut Buffer) -> Result<()> {
    match ctx.device() {
        Device::Cpu => rms_norm::add(x.f32()?, norm.host()?, sum.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (x, sum) = (x.device()?, sum.device_mut()?);
            kobench_cuda::ops::rms_norm::add(gpu, x, norm.device()?, sum)?;
        }
    }
    Ok(())
}

/// `dx` and `dweight` (f32, overwritten) from dy; x is overwritten.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn backward(
    ctx: &Context,
    x: &mut Buffer,
    norm: RmsNorm<'_>,
    dy: &Buffer,
    dx: &mut Buffer,
    dweight: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let (x, dx) = (x.f32_mut()?, dx.f32_mut()?);
            rms_norm::backward(x, norm.host()?, dy.f32()?, dx, dweight.f32_mut()?);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (x, dy, dx) = (x.device()?, dy.device()?, dx.device_mut()?);
            let dweight = dweight.device_mut()?;
            kobench_cuda::ops::rms_norm::backward(gpu, x, norm.device()?, dy, dx, dweight)?;
        }
    }
    Ok(())
}
