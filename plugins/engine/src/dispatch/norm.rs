//! [`crate::ops::norm`] on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::dropout::Dropout;
use crate::ops::norm;

/// Affine part, `[hidden]` each, and epsilon.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm<'a> {
    /// Scale.
    pub gamma: &'a Buffer,
    /// Shift.
    pub beta: &'a Buffer,
    /// Added to the variance.
    pub eps: f32,
}

impl<'a> LayerNorm<'a> {
    pub(super) fn host(self) -> Result<norm::LayerNorm<'a>> {
        let Self { gamma, beta, eps } = self;
        Ok(norm::LayerNorm { gamma: gamma.f32()?, beta: beta.f32()?, eps })
    }

    #[cfg(feature = "cuda")]
    pub(super) fn device(self) -> Result<kobench_cuda::ops::norm::LayerNorm<'a>> {
        let (gamma, beta) = (self.gamma.device()?, self.beta.device()?);
        Ok(kobench_cuda::ops::norm::LayerNorm { gamma, beta, eps: self.eps })
    }
}

/// What the backward pass needs.
#[derive(Debug)]
pub struct Kept<'a> {
    /// `[rows, hidden]`
    pub normalised: &'a mut Buffer,
    /// `[rows]`, f32
    pub rstd: &'a mut Buffer,
}

impl<'a> Kept<'a> {
    pub(super) fn host(self) -> Result<norm::Kept<'a>> {
        Ok(norm::Kept { normalised: self.normalised.f32_mut()?, rstd: self.rstd.f32_mut()? })
    }

    #[cfg(feature = "cuda")]
    pub(super) fn device(self) -> Result<kobench_cuda::ops::norm::Kept<'a>> {
        let (normalised, rstd) = (self.normalised.device_mut()?, self.rstd.device_mut()?);
        Ok(kobench_cuda::ops::norm::Kept { normalised, rstd })
    }
}

/// x <- LayerNorm(residual + dropout(x)), both `[rows, hidden]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn forward(
    ctx: &Context,
    x: &mut Buffer,
    residual: &Buffer,
    layer: LayerNorm<'_>,
    dropout: Dropout,
    kept: Option<Kept<'_>>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let kept = kept.map(Kept::host).transpose()?;
            norm::forward(x.f32_mut()?, residual.f32()?, layer.host()?, dropout, kept);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            use kobench_cuda::ops::norm as device;

            let (x, residual, layer) = (x.device_mut()?, residual.device()?, layer.device()?);
            let kept = kept.map(Kept::device).transpose()?;
            device::forward(gpu, x, residual, layer, dropout.device(), kept)?;
        }
    }
    Ok(())
}

/// Where gradients of the affine part go, `[hidden]` f32 each; they are overwritten.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Of the scale.
    pub dgamma: &'a mut Buffer,
    /// Of the shift.
    pub dbeta: &'a mut Buffer,
}

/// `dy` becomes the gradient of residual + dropout(x), and `dx` that of x.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    ctx: &Context,
    dy: &mut Buffer,
    normalised: &Buffer,
    rstd: &Buffer,
    gamma: &Buffer,
    dropout: Dropout,
    dx: Option<&mut Buffer>,
    gradients: Gradients<'_>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => norm::backward(
            dy.f32_mut()?,
            normalised.f32()?,
            rstd.f32()?,
            gamma.f32()?,
            dropout,
            dx.map(Buffer::f32_mut).transpose()?,
            gradients.dgamma.f32_mut()?,
            gradients.dbeta.f32_mut()?,
        ),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            kobench_cuda::ops::norm::backward(
                gpu,
                dy.device_mut()?,
                normalised.device()?,
                rstd.device()?,
                gamma.device()?,
                dropout.device(),
                dx.map(Buffer::device_mut).transpose()?,
                gradients.dgamma.device_mut()?,
                gradients.dbeta.device_mut()?,
            )?;
        }
    }
    Ok(())
}
