//! Gradients that are summed over passes until the step, in buffers that stay from step to step.

use rayon::prelude::*;

use super::CHUNK;
use super::segments::Segment;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::{EngineError, Result};
use crate::grad::{GradSink, TableGradient};
use crate::param::Parameter;

/// What a buffer holds.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    /// No gradient; what is there is left over from an earlier step.
    Stale,
    /// No gradient; zeros.
    Zeros,
    /// A gradient of every element.
    Dense,
    /// A gradient of these rows, ascending, of so many elements each; zeros elsewhere.
    Rows(Vec<u32>, usize),
}

#[derive(Debug)]
struct Slot {
    sum: Buffer,
    held: Held,
    /// No part of it is trained.
    frozen: bool,
    elements: usize,
}

impl Slot {
    fn allocate(&mut self) -> Result<()> {
        if self.sum.is_empty() {
            self.sum = Buffer::zeros(self.elements, "a gradient")?;
            self.held = Held::Zeros;
        }
        Ok(())
    }

    /// The sum's elements, which are in the host's memory.
    fn values(&self) -> &[f32] {
        self.sum.f32().unwrap_or_default()
    }

    /// Forgets the gradient.
    fn clear(&mut self) {
        match std::mem::replace(&mut self.held, Held::Stale) {
            Held::Rows(rows, width) => {
                let sum = self.sum.f32_mut().unwrap_or_default();
                for row in rows {
                    sum[row as usize * width..][..width].fill(0.0);
                }
                self.held = Held::Zeros;
            }
            Held::Zeros => self.held = Held::Zeros,
            Held::Stale | Held::Dense => {}
        }
    }
}

/// The sum of a parameter's gradients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum<'a> {
    /// Of every element.
    pub(crate) all: &'a [f32],
    /// The rows outside of which it is zero, ascending, and their width.
    pub(crate) rows: Option<(&'a [u32], usize)>,
}

/// The sums of all parameters.
#[derive(Debug)]
pub(crate) struct Gradients {
    slots: Vec<Slot>,
    /// Whether anything was added since the last look.
    touched: bool,
}

impl Gradients {
    /// None yet. Memory is taken with the first gradient of each parameter.
    pub(crate) fn new(segments: &[Vec<Segment>]) -> Self {
        let slot = |own: &Vec<Segment>| Slot {
            sum: Buffer::from_vec(Vec::new()),
            held: Held::Zeros,
            frozen: own.iter().all(|segment| segment.frozen),
            elements: own.last().map_or(0, |segment| segment.range.end),
        };
        Self { slots: segments.iter().map(slot).collect(), touched: false }
    }

    /// The sum of a parameter's gradients; `None` where it has received none.
    pub(crate) fn get(&self, index: usize) -> Option<Sum<'_>> {
        let slot = &self.slots[index];
        let rows = match &slot.held {
            Held::Dense => None,
            Held::Rows(rows, width) => Some((rows.as_slice(), *width)),
            Held::Stale | Held::Zeros => return None,
        };
        Some(Sum { all: slot.values(), rows })
    }

    /// Whether anything was added since the last call.
    pub(crate) fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// Forgets all sums, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.slots.iter_mut().for_each(Slot::clear);
        self.touched = false;
    }

    /// Bytes of all buffers.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.sum.len() * size_of::<f32>()).sum()
    }

    /// The root of the sum of the squares of all gradients of tensors that are not frozen, in f64 and in an
    /// order of its own, whatever the number of threads.
    ///
    /// # Errors
    /// [`EngineError::NotFinite`], naming the first tensor whose gradient is NaN or infinite.
    pub(crate) fn norm(&self, segments: &[Vec<Segment>]) -> Result<f64> {
        let mut total = 0.0;
        for (slot, own) in self.slots.iter().zip(segments) {
            let live = own.iter().filter(|segment| !segment.frozen);
            match &slot.held {
                Held::Stale | Held::Zeros => {}
                // Zeros would add nothing.
                Held::Rows(rows, width) => {
                    for segment in live {
                        let squares = rows.iter().map(|&row| {
                            let at = row as usize * width;
                            sum_squares(&slot.values()[at..at + width])
                        });
                        total += named(squares.sum(), segment)?;
                    }
                }
                Held::Dense => {
                    for segment in live {
                        total += named(squares(&slot.values()[segment.range.clone()]), segment)?;
                    }
                }
            }
        }
        Ok(total.sqrt())
    }
}

/// Squares of f32 do not overflow in f64, so a sum that is not finite has a term that is not.
pub(super) fn named(sum: f64, segment: &Segment) -> Result<f64> {
    match sum.is_finite() {
        true => Ok(sum),
        false => Err(EngineError::NotFinite(format!(
            "the gradient of {} is not finite; lower the learning rate, clip the norm of the gradients, or \
             look for odd rows in the batch",
            segment.name
        ))),
    }
}

/// Sum of squares, in chunks of a fixed size.
pub(super) fn squares(values: &[f32]) -> f64 {
    let parts: Vec<f64> = values.par_chunks(CHUNK).map(sum_squares).collect();
    parts.iter().sum()
}

/// Sum of squares in eight lanes, which the compiler vectorises.
fn sum_squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (chunks, tail) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(value) * f64::from(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(tail) {
        *lane += f64::from(value) * f64::from(value);
    }
    lanes.iter().sum()
}

impl GradSink for Gradients {
    fn place(&mut self, param: &Parameter) -> Result<Option<&mut Buffer>> {
        let slot = &mut self.slots[param.id().index()];
        if slot.frozen || matches!(slot.held, Held::Dense | Held::Rows(..)) {
            return Ok(None);
        }
        slot.allocate()?;
        self.touched = true;
        slot.held = Held::Dense;
        Ok(Some(&mut slot.sum))
    }

    fn dense(&mut self, _ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()> {
        let slot = &mut self.slots[param.id().index()];
        if slot.frozen {
            return Ok(());
        }
        slot.allocate()?;
        self.touched = true;
        let pairs = slot.sum.f32_mut()?.par_chunks_mut(CHUNK).zip(grad.f32()?.par_chunks(CHUNK));
        match slot.held {
            Held::Stale | Held::Zeros => pairs.for_each(|(sum, grad)| sum.copy_from_slice(grad)),
            Held::Dense | Held::Rows(..) => pairs.for_each(|(sum, grad)| {
                sum.iter_mut().zip(grad).for_each(|(sum, g)| *sum += g);
            }),
        }
        slot.held = Held::Dense;
        Ok(())
    }

    fn table(
        &mut self,
        _ctx: &mut Context,
        param: &Parameter,
        new: TableGradient<'_>,
    ) -> Result<()> {
        let new = new.host()?;
        let slot = &mut self.slots[param.id().index()];
        if slot.frozen || new.rows.is_empty() {
            return Ok(());
        }
        slot.allocate()?;
        self.touched = true;
        if slot.held == Held::Stale {
            slot.sum.f32_mut()?.par_chunks_mut(CHUNK).for_each(|sum| sum.fill(0.0));
        }
        let all = slot.sum.f32_mut()?;
        let width = new.grad.len() / new.rows.len();
        for (&row, grad) in new.rows.iter().zip(new.grad.chunks_exact(width)) {
            let sum = &mut all[row as usize * width..][..width];
            sum.iter_mut().zip(grad).for_each(|(sum, g)| *sum += g);
        }
        match &mut slot.held {
            Held::Stale | Held::Zeros => slot.held = Held::Rows(new.rows.clone(), width),
            Held::Rows(rows, _) => {
                rows.extend(&new.rows);
                rows.sort_unstable();
                rows.dedup();
            }
            Held::Dense => {}
        }
        Ok(())
    }
}
