//! [`crate::ops::causal`] on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::causal::{self, Shape};
use crate::ops::dropout::Dropout;
#[cfg(feature = "cuda")]
use crate::stage::{List, Stage};

/// out `[T, heads * head_dim]` from qkv `[T, (heads + 2 kv_heads) head_dim]`; `lse` `[heads, T]`, f32, when the backward pass will need it.
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
            causal::forward(shape, qkv.f32()?, dropout, out.f32_mut()?, lse);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let shape = staged(ctx, &shape)?;
            let lse = lse.map(Buffer::device_mut).transpose()?;
            let (qkv, out, dropout) = (qkv.device()?, out.device_mut()?, dropout.device());
            kobench_cuda::ops::causal::forward(gpu, shape, qkv, dropout, out, lse)?;
        }
    }
    Ok(())
}

/// `dqkv`, of the size of `qkv`, from `dout` `[T, heads * head_dim]`, and what the forward pass had and made.
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
            causal::backward(shape, qkv.f32()?, dropout, out, lse, dout, dqkv.f32_mut()?);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let shape = staged(ctx, &shape)?;
            let (qkv, out, lse, dout) =
                (qkv.device()?, out.device()?, lse.device()?, dout.device()?);
            let (dropout, dqkv) = (dropout.device(), dqkv.device_mut()?);
            kobench_cuda::ops::causal::backward(gpu, shape, qkv, dropout, out, lse, dout, dqkv)?;
        }
    }
    Ok(())
}

/// Collects the work list of a pass.
#[cfg(feature = "cuda")]
pub(crate) fn stage(_ctx: &Context, shape: Shape<'_>, stage: &mut Stage) {
    use kobench_cuda::ops::causal::{most_entries, plan};

    let cu_seqlens = shape.cu_seqlens;
    let tokens = cu_seqlens.last().map_or(0, |&tokens| tokens as usize);
    let entries = most_entries(tokens, cu_seqlens.len().saturating_sub(1));
    stage.push(List::Plan, plan(cu_seqlens, entries));
}

/// The shape as it was staged for the pass.
#[cfg(feature = "cuda")]
fn staged<'a>(ctx: &'a Context, shape: &Shape<'_>) -> Result<kobench_cuda::ops::causal::Shape<'a>> {
    let Shape { heads, kv_heads, head_dim, scale, soft_cap, window, .. } = *shape;
    Ok(kobench_cuda::ops::causal::Shape {
        cu_seqlens: ctx.staged.ids(List::CuSeqlens)?,
        plan: ctx.staged.ids(List::Plan)?,
        heads,
        kv_heads,
        head_dim,
        scale,
        soft_cap,
        window,
    })
}
