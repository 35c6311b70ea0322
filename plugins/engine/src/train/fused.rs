//! Sinks that keep no gradient: one updates each weight at once, one only measures.

use super::adalomo::{AdaLomo, Gradient};
use super::gradients::{named, squares};
use super::segments::Segment;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::Result;
use crate::grad::{GradSink, TableGradient};
use crate::param::Parameter;

/// Sums the squares of all gradients, and drops them (LOMO's first backward pass).
#[derive(Debug)]
pub(super) struct Measure<'a> {
    segments: &'a [Vec<Segment>],
    squares: f64,
}

impl<'a> Measure<'a> {
    pub(super) fn new(segments: &'a [Vec<Segment>]) -> Self {
        Self { segments, squares: 0.0 }
    }

    /// The norm of all gradients so far.
    pub(super) fn norm(&self) -> f64 {
        self.squares.sqrt()
    }
}

impl GradSink for Measure<'_> {
    fn dense(&mut self, _ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()> {
        let grad = grad.f32()?;
        for segment in self.segments[param.id().index()].iter().filter(|s| !s.frozen) {
            self.squares += named(squares(&grad[segment.range.clone()]), segment)?;
        }
        Ok(())
    }

    fn table(
        &mut self,
        _ctx: &mut Context,
        param: &Parameter,
        rows: TableGradient<'_>,
    ) -> Result<()> {
        let rows = rows.host()?;
        for segment in self.segments[param.id().index()].iter().filter(|s| !s.frozen) {
            self.squares += named(squares(&rows.grad), segment)?;
        }
        Ok(())
    }
}

/// Updates each weight as soon as its gradient is there.
#[derive(Debug)]
pub(super) struct Update<'a> {
    pub(super) optimizer: &'a mut AdaLomo,
    pub(super) segments: &'a [Vec<Segment>],
    /// Number of the step from 1, learning rate, factor on the gradients.
    pub(super) step: (u64, f64, f64),
    /// The norm before clipping, and whether a weight has changed.
    pub(super) measured: Measure<'a>,
    pub(super) changed: bool,
}

impl GradSink for Update<'_> {
    fn dense(&mut self, ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()> {
        self.measured.dense(ctx, param, grad)?;
        let grad = grad.f32()?;
        let index = param.id().index();
        let mut weights = param.write();
        let weights = weights.f32_mut()?;
        for (part, segment) in self.segments[index].iter().enumerate().filter(|(_, s)| !s.frozen) {
            self.changed = true;
            let range = segment.range.clone();
            let gradient = Gradient::Dense(&grad[range.clone()]);
            let weights = &mut weights[range];
            self.optimizer.update((index, part), segment, self.step, weights, gradient);
        }
        Ok(())
    }

    fn table(
        &mut self,
        ctx: &mut Context,
        param: &Parameter,
        rows: TableGradient<'_>,
    ) -> Result<()> {
        self.measured.table(ctx, param, rows)?;
        let rows = rows.host()?;
        let index = param.id().index();
        let mut weights = param.write();
        // A table is one tensor.
        if let [segment] = self.segments[index].as_slice()
            && !segment.frozen
        {
            self.changed = true;
            let weights = weights.f32_mut()?;
            self.optimizer.update((index, 0), segment, self.step, weights, Gradient::Rows(rows));
        }
        Ok(())
    }
}
