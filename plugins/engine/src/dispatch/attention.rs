//! [`crate::ops::attention`] on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::attention::{self, Shape};
use crate::ops::dropout::Dropout;
#[cfg(feature = "cuda")]
use crate::stage::{List, Stage, not_staged};

/// out `[T, hidden]` from qkv `[T, 3 hidden]`; `lse` `[heads, T]`, f32, when the backward pass will need it.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict the shape.
pub fn forward(
    ctx: &Context,
    shape: Shape<'_>,
    qkv: &Buffer,
    dropout: Dropout,
    out: &mut Buffer,
    lse: Option<&mut Buffer>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let lse = lse.map(Buffer::f32_mut).transpose()?;
            attention::forward(shape, qkv.f32()?, dropout, out.f32_mut()?, lse);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (shape, lse) = (staged(ctx)?, lse.map(Buffer::device_mut).transpose()?);
            let (qkv, out, dropout) = (qkv.device()?, out.device_mut()?, dropout.device());
            kobench_cuda::ops::attention::forward(gpu, shape, qkv, dropout, out, lse)?;
        }
    }
    Ok(())
}

/// `dqkv` `[T, 3 hidden]` from `dout` `[T, hidden]`, and what the forward pass had and made.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict the shape.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    ctx: &Context,
    shape: Shape<'_>,
    qkv: &Buffer,
    dropout: Dropout,
    out: &Buffer,
    lse: &Buffer,
    dout: &Buffer,
    dqkv: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let (out, lse, dout) = (out.f32()?, lse.f32()?, dout.f32()?);
            attention::backward(shape, qkv.f32()?, dropout, out, lse, dout, dqkv.f32_mut()?);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (qkv, out, lse, dout) =
                (qkv.device()?, out.device()?, lse.device()?, dout.device()?);
            let (dropout, dqkv, shape) = (dropout.device(), dqkv.device_mut()?, staged(ctx)?);
            kobench_cuda::ops::attention::backward(gpu, shape, qkv, dropout, out, lse, dout, dqkv)?;
        }
    }
    Ok(())
}

/// Collects the work list of a pass.
#[cfg(feature = "cuda")]
pub(crate) fn stage(ctx: &Context, shape: Shape<'_>, stage: &mut Stage) {
    use kobench_cuda::ops::attention::Tiles;

    let Device::Cuda(gpu) = ctx.device() else { return };
    let Shape { cu_seqlens, heads, head_dim } = shape;
    let lengths = cu_seqlens.windows(2).map(|span| (span[1] - span[0]) as usize);
    let longest = lengths.max().unwrap_or(0);
    let tiles = Tiles::new(gpu, heads, head_dim, ctx.element().into(), longest);
    let tokens = cu_seqlens.last().map_or(0, |&tokens| tokens as usize);
    let entries = tiles.most_entries(tokens, cu_seqlens.len().saturating_sub(1), longest);
    stage.push(List::Plan, tiles.plan(cu_seqlens, entries));
    stage.plans.absolute = Some(tiles);
}

/// The shape as it was staged for the pass.
#[cfg(feature = "cuda")]
fn staged(ctx: &Context) -> Result<kobench_cuda::ops::attention::Shape<'_>> {
    let tiles = ctx.staged.plans.absolute.ok_or_else(not_staged)?;
    Ok(kobench_cuda::ops::attention::Shape { plan: ctx.staged.ids(List::Plan)?, tiles })
}
