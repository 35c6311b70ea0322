//! [`crate::ops::rope`] on buffers.

use std::sync::Arc;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::rope;
#[cfg(feature = "cuda")]
use crate::stage::List;

/// Cosine and sine of each position's angles, `[positions, head_dim / 2]` f32 each.
#[derive(Debug, Clone, Copy)]
pub struct Angles<'a> {
    /// Cosines.
    pub cos: &'a Buffer,
    /// Sines.
    pub sin: &'a Buffer,
}

impl<'a> Angles<'a> {
    fn host(self) -> Result<rope::Angles<'a>> {
        Ok(rope::Angles { cos: self.cos.f32()?, sin: self.sin.f32()? })
    }

    #[cfg(feature = "cuda")]
    fn device(self) -> Result<kobench_cuda::ops::rope::Angles<'a>> {
        let (cos, sin) = (self.cos.device()?, self.sin.device()?);
        Ok(kobench_cuda::ops::rope::Angles { cos, sin })
    }
}

/// Cosines and sines of the angles of at least `positions` positions from 0. A context keeps them: they are the same for
/// all batches of a model.
///
/// # Errors
/// As [`Context::take`].
pub fn angles(
    ctx: &mut Context,
    frequencies: &[f32],
    positions: usize,
) -> Result<Arc<[Buffer; 2]>> {
    let size = positions.next_power_of_two() * frequencies.len();
    if let Some(kept) = ctx.angles.as_ref().filter(|kept| kept[0].len() >= size) {
        return Ok(Arc::clone(kept));
    }
    let (mut cos, mut sin) = (vec![0.0; size], vec![0.0; size]);
    rope::angles(frequencies, &mut cos, &mut sin);
    let made = Arc::new([ctx.upload_f32(&cos)?, ctx.upload_f32(&sin)?]);
    ctx.angles = Some(Arc::clone(&made));
    Ok(made)
}

/// Turns the first `heads` (number, width) of each row of x `[T, width]` by its position.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn forward(
    ctx: &Context,
    x: &mut Buffer,
    width: usize,
    heads: (usize, usize),
    position_ids: &[u32],
    angles: Angles<'_>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => rope::forward(x.f32_mut()?, width, heads, position_ids, angles.host()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let positions = ctx.staged.ids(List::PositionIds)?;
            let (x, angles) = (x.device_mut()?, angles.device()?);
            kobench_cuda::ops::rope::forward(gpu, x, width, heads, positions, angles)?;
        }
    }
    Ok(())
}

/// Gradient of [`forward`], in place.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn backward(
    ctx: &Context,
    dx: &mut Buffer,
    width: usize,
    heads: (usize, usize),
    position_ids: &[u32],
    angles: Angles<'_>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => rope::backward(dx.f32_mut()?, width, heads, position_ids, angles.host()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let positions = ctx.staged.ids(List::PositionIds)?;
            let (dx, angles) = (dx.device_mut()?, angles.device()?);
            kobench_cuda::ops::rope::backward(gpu, dx, width, heads, positions, angles)?;
        }
    }
    Ok(())
}
