//! [`crate::ops::embedding`] on buffers.

use std::ops::Range;

use super::norm::{Kept, LayerNorm};
use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
#[cfg(feature = "cuda")]
use crate::grad::DeviceTable;
use crate::grad::{GradSink, TableGradient};
use crate::ops::dropout::Dropout;
use crate::ops::embedding::{self, SparseRows};
use crate::param::Parameter;
#[cfg(feature = "cuda")]
use crate::stage::List;
pub use crate::stage::Table;

/// A table `[entries, width]` f32, and the row that each token takes.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// Its values.
    pub values: &'a Buffer,
    /// A row for each token, `[T]`; the caller has checked that they are in range.
    pub ids: &'a [u32],
    /// Which table it is.
    pub table: Table,
}

fn host<'a>(lookups: &[Lookup<'a>]) -> Result<Vec<embedding::Lookup<'a>>> {
    let lookup = |l: &Lookup<'a>| Ok(embedding::Lookup { table: l.values.f32()?, ids: l.ids });
    lookups.iter().map(lookup).collect()
}

#[cfg(feature = "cuda")]
fn device<'a>(
    ctx: &'a Context,
    lookups: &[Lookup<'a>],
) -> Result<Vec<kobench_cuda::ops::embedding::Lookup<'a>>> {
    let lookup = |l: &Lookup<'a>| {
        let (table, ids) = (l.values.device()?, ctx.staged.ids(List::Ids(l.table))?);
        Ok(kobench_cuda::ops::embedding::Lookup { table, ids })
    };
    lookups.iter().map(lookup).collect()
}

/// y = dropout(LayerNorm(sum of the rows that the lookups name)), `[T, width]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn forward(
    ctx: &Context,
    lookups: &[Lookup<'_>],
    layer: LayerNorm<'_>,
    dropout: Dropout,
    y: &mut Buffer,
    kept: Option<Kept<'_>>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let kept = kept.map(Kept::host).transpose()?;
            embedding::forward(&host(lookups)?, layer.host()?, dropout, y.f32_mut()?, kept);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let (lookups, layer) = (device(ctx, lookups)?, layer.device()?);
            let (kept, y) = (kept.map(Kept::device).transpose()?, y.device_mut()?);
            kobench_cuda::ops::embedding::forward(gpu, &lookups, layer, dropout.device(), y, kept)?;
        }
    }
    Ok(())
}

/// y `[T, width]`, the sum of the rows that the lookups name.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn sum(ctx: &Context, lookups: &[Lookup<'_>], width: usize, y: &mut Buffer) -> Result<()> {
    match ctx.device() {
        Device::Cpu => embedding::sum(&host(lookups)?, width, y.f32_mut()?),
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            kobench_cuda::ops::embedding::sum(gpu, &device(ctx, lookups)?, width, y.device_mut()?)?;
        }
    }
    Ok(())
}

/// y `[T, width]` = scale * the rows that the lookup names.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn scaled(
    ctx: &Context,
    lookup: Lookup<'_>,
    scale: f32,
    width: usize,
    y: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let own = embedding::Lookup { table: lookup.values.f32()?, ids: lookup.ids };
            embedding::scaled(own, scale, width, y.f32_mut()?);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let lookups = device(ctx, &[lookup])?;
            kobench_cuda::ops::embedding::scaled(gpu, lookups[0], scale, width, y.device_mut()?)?;
        }
    }
    Ok(())
}

/// A table's part in a backward pass.
#[derive(Debug, Clone, Copy)]
pub struct Backward<'a> {
    /// The table's parameter.
    pub param: &'a Parameter,
    /// The row that each token took, `[T]`.
    pub ids: &'a [u32],
    /// Which table it is.
    pub table: Table,
    /// A row that is not trained (`padding_idx`).
    pub padding: Option<u32>,
    /// A factor of the gradient.
    pub scale: f32,
}

/// Sends the gradient of a table's rows, from that of their sum `[T, width]`, to the sink.
///
/// # Errors
/// Of the device, or whatever the sink reports.
///
/// # Panics
/// When sizes contradict each other.
pub fn backward(
    ctx: &mut Context,
    dsum: &Buffer,
    width: usize,
    of: Backward<'_>,
    sink: &mut dyn GradSink,
) -> Result<()> {
    let Backward { param, ids, padding, scale, .. } = of;
    match ctx.device() {
        Device::Cpu => {
            let mut rows = embedding::backward(dsum.f32()?, ids, width);
            if scale != 1.0 {
                rows.grad.iter_mut().for_each(|value| *value *= scale);
            }
            sink.table(ctx, param, TableGradient::Host(&rows.without(padding)))
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => {
            let gradient = DeviceTable { dsum, table: of.table, width, scale };
            sink.table(ctx, param, TableGradient::Device(gradient))
        }
    }
}

/// Copies some rows of a table `[entries, width]`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the table has no such rows.
pub fn copy_rows(
    ctx: &Context,
    values: &Buffer,
    width: usize,
    rows: Range<usize>,
    to: &mut Buffer,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            to.f32_mut()?.copy_from_slice(&values.f32()?[rows.start * width..rows.end * width]);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            use kobench_cuda::ops::cast;

            let rows = values.device()?.range(rows.start * width..rows.end * width);
            cast::cast(gpu, rows, to.device_mut()?)?;
        }
    }
    Ok(())
}

/// Sends the gradient of neighbouring rows of a table, `[rows, width]`, to the sink.
///
/// # Errors
/// Of the device, or whatever the sink reports.
pub fn send_rows(
    ctx: &mut Context,
    param: &Parameter,
    width: usize,
    rows: Range<usize>,
    grad: &Buffer,
    sink: &mut dyn GradSink,
) -> Result<()> {
    assert_eq!(grad.len(), rows.len() * width);
    match ctx.device() {
        Device::Cpu => {
            let rows = rows.map(|row| row as u32).collect();
            let rows = SparseRows { rows, grad: grad.f32()?.to_vec() };
            sink.table(ctx, param, TableGradient::Host(&rows))
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => {
            let gradient = DeviceTable { dsum: grad, table: Table::Relative, width, scale: 1.0 };
            sink.table(ctx, param, TableGradient::Device(gradient))
        }
    }
}
