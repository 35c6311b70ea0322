//! Sinks of a device that keep no gradient: one updates each weight at once, one only measures.

use std::sync::Arc;

use kobench_cuda::ops::{embedding, gradient};
use kobench_cuda::{Gpu, Slice};

use super::super::segments::Segment;
use super::DeviceOptimizer;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::{EngineError, Result};
use crate::grad::{DeviceTable, GradSink, TableGradient};
use crate::param::{ParamStore, Parameter};
use crate::stage::List;

/// Places of a parameter's segments in a plan of all that are trained; `None` where one is frozen.
fn places(segments: &[Vec<Segment>]) -> Vec<Vec<Option<usize>>> {
    let mut next = 0;
    let mut place = |segment: &Segment| {
        let place = (!segment.frozen).then_some(next);
        next += usize::from(!segment.frozen);
        place
    };
    segments.iter().map(|own| own.iter().map(&mut place).collect()).collect()
}

/// The gradient of a table's rows behind one another, `[room, width]` f32.
fn compact(ctx: &mut Context, gpu: &Gpu, of: &DeviceTable<'_>, room: usize) -> Result<Buffer> {
    let mut sums = ctx.take_f32(room * of.width)?;
    let (dsum, groups) = (of.dsum.device()?, of.groups(ctx)?);
    let to = sums.device_mut()?.range(0..groups.rows.len() * of.width);
    embedding::backward(gpu, dsum, groups, of.width, of.scale, to)?;
    Ok(sums)
}

fn device_rows(rows: TableGradient<'_>) -> Result<DeviceTable<'_>> {
    match rows {
        TableGradient::Device(of) => Ok(of),
        TableGradient::Host(_) => {
            Err(EngineError::Internal("a gradient of the host on a device".to_owned()))
        }
    }
}

/// Sums the squares of all gradients, and drops them.
#[derive(Debug)]
pub(in super::super) struct Measure<'a> {
    gpu: Arc<Gpu>,
    segments: &'a [Vec<Segment>],
    places: Vec<Vec<Option<usize>>>,
}

impl<'a> Measure<'a> {
    pub(in super::super) fn new(gpu: &Arc<Gpu>, segments: &'a [Vec<Segment>]) -> Self {
        Self { gpu: Arc::clone(gpu), segments, places: places(segments) }
    }
}

impl GradSink for Measure<'_> {
    fn dense(&mut self, ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()> {
        let index = param.id().index();
        for (segment, place) in self.segments[index].iter().zip(&self.places[index]) {
            let Some(place) = *place else { continue };
            let part = grad.device()?.range(segment.range.clone());
            gradient::measure(&self.gpu, part, None, place, ctx.staged.memory()?)?;
        }
        Ok(())
    }

    fn table(
        &mut self,
        ctx: &mut Context,
        param: &Parameter,
        rows: TableGradient<'_>,
    ) -> Result<()> {
        let Some(Some(place)) = self.places[param.id().index()].first().copied() else {
            return Ok(());
        };
        let of = device_rows(rows)?;
        let room = of.groups(ctx)?.rows.len();
        let sums = compact(ctx, &self.gpu, &of, room)?;
        let listed = Some((ctx.staged.ids(List::Rows(of.table))?, of.width, true));
        gradient::measure(&self.gpu, sums.device()?, listed, place, ctx.staged.memory()?)?;
        ctx.give(sums);
        Ok(())
    }
}

/// Updates each weight as soon as its gradient is there.
#[derive(Debug)]
pub(in super::super) struct FusedUpdate<'a> {
    optimizer: &'a mut DeviceOptimizer,
    segments: &'a [Vec<Segment>],
    places: Vec<Vec<Option<usize>>>,
}

impl<'a> FusedUpdate<'a> {
    /// For a pass with at most so many rows of a table.
    ///
    /// # Errors
    /// [`EngineError::OutOfDeviceMemory`].
    pub(in super::super) fn new(
        optimizer: &'a mut DeviceOptimizer,
        params: &ParamStore,
        segments: &'a [Vec<Segment>],
        most_rows: usize,
    ) -> Result<Self> {
        optimizer.prepare_fused(params, segments, most_rows)?;
        Ok(Self { optimizer, segments, places: places(segments) })
    }

    fn update(&self, ctx: &Context, place: usize, gradient: Slice<'_>) -> Result<()> {
        let DeviceOptimizer { gpu, fused_plan, .. } = &*self.optimizer;
        match fused_plan {
            Some(plan) => Ok(plan.update_one(gpu, place, gradient, ctx.staged.memory()?)?),
            None => Err(EngineError::Internal("a fused update without its plan".to_owned())),
        }
    }
}

impl GradSink for FusedUpdate<'_> {
    fn dense(&mut self, ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()> {
        let index = param.id().index();
        for (segment, place) in self.segments[index].iter().zip(&self.places[index]) {
            let Some(place) = *place else { continue };
            self.update(ctx, place, grad.device()?.range(segment.range.clone()))?;
        }
        Ok(())
    }

    fn table(
        &mut self,
        ctx: &mut Context,
        param: &Parameter,
        rows: TableGradient<'_>,
    ) -> Result<()> {
        let index = param.id().index();
        let Some(Some(place)) = self.places[index].first().copied() else { return Ok(()) };
        let of = device_rows(rows)?;
        let (gpu, gradients) = (Arc::clone(&self.optimizer.gpu), &mut self.optimizer.gradients);
        // As many sums as the list has room for; those behind the last row are not looked at.
        let sums = compact(ctx, &gpu, &of, gradients.list_rows(ctx, index, &of)?)?;
        self.update(ctx, place, sums.device()?)?;
        ctx.give(sums);
        Ok(())
    }
}
