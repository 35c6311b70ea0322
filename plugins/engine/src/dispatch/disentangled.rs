//! [`crate::ops::disentangled`] on buffers.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::attention::Shape;
use crate::ops::disentangled;
use crate::ops::distance::DistanceTable;
use crate::ops::dropout::Dropout;
#[cfg(feature = "cuda")]
use crate::stage::{List, Stage, Table, not_staged};

/// The terms of relative positions, as of [`disentangled::Positions`].
#[derive(Debug, Clone, Copy)]
pub struct Positions<'a> {
    /// Projected rows of the table, `[rows, (1 or 2) hidden]`: qr, kr, or both.
    pub projected: &'a Buffer,
    /// The row of each distance.
    pub distances: &'a DistanceTable,
    /// Whether content looks at positions.
    pub c2p: bool,
    /// Whether positions look at content.
    pub p2c: bool,
}

impl<'a> Positions<'a> {
    fn host(&self) -> Result<disentangled::Positions<'a>> {
        let Self { projected, distances, c2p, p2c } = *self;
        Ok(disentangled::Positions { projected: projected.f32()?, distances, c2p, p2c })
    }
}

#[cfg(feature = "cuda")]
impl<'a> Positions<'a> {
    fn device(&self, ctx: &'a Context) -> Result<kobench_cuda::ops::disentangled::Positions<'a>> {
        let Self { projected, distances, c2p, p2c } = *self;
        Ok(kobench_cuda::ops::disentangled::Positions {
            projected: projected.device()?,
            relative: ctx.staged.ids(List::Distances)?,
            longest: distances.longest(),
            c2p,
            p2c,
        })
    }
}

/// The shape as it was staged for the pass.
#[cfg(feature = "cuda")]
fn staged<'a>(
    ctx: &'a Context,
    shape: &Shape<'_>,
) -> Result<kobench_cuda::ops::disentangled::Shape<'a>> {
    let Shape { heads, head_dim, .. } = *shape;
    let plan = ctx.staged.ids(List::Plan)?;
    let lists = ctx.staged.plans.disentangled.ok_or_else(not_staged)?;
    let tokens = shape.cu_seqlens.last().map_or(0, |&tokens| tokens as usize);
    Ok(kobench_cuda::ops::disentangled::Shape { tokens, heads, head_dim, plan, lists })
}

/// Collects the work list of a pass, and the rows of its distances.
#[cfg(feature = "cuda")]
pub(crate) fn stage(
    ctx: &Context,
    shape: Shape<'_>,
    distances: Option<&DistanceTable>,
    stage: &mut Stage,
) {
    use kobench_cuda::ops::disentangled::{Lists, plan, relative};
    use kobench_cuda::ops::embedding;

    let Shape { cu_seqlens, heads, head_dim } = shape;
    let lists = Lists::of(ctx.element().into(), (heads, head_dim), cu_seqlens);
    stage.push(List::Plan, plan(cu_seqlens, lists));
    stage.plans.disentangled = Some(lists);
    let Some(distances) = distances else { return };
    stage.push(List::Distances, relative(distances.all()));
    if stage.trains {
        let rows: Vec<u32> = distances.rows().map(|row| row as u32).collect();
        stage.groups(Table::Relative, embedding::plan(&rows, None), rows.len());
    }
}

/// Where gradients go.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// `[T, 3 hidden]`
    pub dqkv: &'a mut Buffer,
    /// As `projected`; empty without positions.
    pub dprojected: &'a mut Buffer,
}

/// out `[T, hidden]` from qkv `[T, 3 hidden]`; `lse` `[heads, T]`, f32, when the backward pass will need it.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict the shape.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn forward(
    ctx: &Context,
    shape: Shape<'_>,
    qkv: &Buffer,
    positions: Option<Positions<'_>>,
    scale: f32,
    dropout: Dropout,
    out: &mut Buffer,
    lse: Option<&mut Buffer>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let positions = positions.map(|positions| positions.host()).transpose()?;
            let lse = lse.map(Buffer::f32_mut).transpose()?;
            let (qkv, out) = (qkv.f32()?, out.f32_mut()?);
            disentangled::forward(shape, qkv, positions, scale, dropout, out, lse);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            use kobench_cuda::ops::disentangled as device;

            let shape = staged(ctx, &shape)?;
            let positions = positions.map(|positions| positions.device(ctx)).transpose()?;
            let lse = lse.map(Buffer::device_mut).transpose()?;
            let (qkv, out, dropout) = (qkv.device()?, out.device_mut()?, dropout.device());
            device::forward(gpu, shape, qkv, positions, scale, dropout, out, lse)?;
        }
    }
    Ok(())
}

/// The gradients from `dout` `[T, hidden]`, and what the forward pass had and made.
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
    positions: Option<Positions<'_>>,
    scale: f32,
    dropout: Dropout,
    out: &Buffer,
    lse: &Buffer,
    dout: &Buffer,
    gradients: Gradients<'_>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let positions = positions.map(|positions| positions.host()).transpose()?;
            let (qkv, out, lse, dout) = (qkv.f32()?, out.f32()?, lse.f32()?, dout.f32()?);
            let gradients = disentangled::Gradients {
                dqkv: gradients.dqkv.f32_mut()?,
                dprojected: gradients.dprojected.f32_mut()?,
            };
            disentangled::backward(
                shape, qkv, positions, scale, dropout, out, lse, dout, gradients,
            );
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            use kobench_cuda::ops::disentangled as device;

            let shape = staged(ctx, &shape)?;
            let positions = positions.map(|positions| positions.device(ctx)).transpose()?;
            let (qkv, out, lse) = (qkv.device()?, out.device()?, lse.device()?);
            let (dout, dropout) = (dout.device()?, dropout.device());
            let dprojected = match &positions {
                Some(_) => Some(gradients.dprojected.device_mut()?),
                None => None,
            };
            let gradients = device::Gradients { dqkv: gradients.dqkv.device_mut()?, dprojected };
            device::backward(
                gpu, shape, qkv, positions, scale, dropout, out, lse, dout, gradients,
            )?;
        }
    }
    Ok(())
}
