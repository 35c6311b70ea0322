//! Gradients on a device, which are summed over passes until the step, in buffers that stay from step to step.

use std::sync::Arc;

use kobench_cuda::ops::embedding;
use kobench_cuda::ops::gradient::TableRows;
use kobench_cuda::ops::residual;
use kobench_cuda::{DeviceBuffer, Gpu};

use super::super::segments::Segment;
use crate::buffer::{Buffer, Element};
use crate::context::Context;
use crate::error::{EngineError, Result};
use crate::grad::{DeviceTable, GradSink, TableGradient};
use crate::param::Parameter;

/// What a buffer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Nothing yet, ever.
    Never,
    /// No gradient; what is there is left over from an earlier step.
    Stale,
    /// A gradient of every element.
    Dense,
    /// No gradient; zeros.
    Zeros,
    /// A gradient of the listed rows; zeros elsewhere.
    Rows,
}

/// The rows of a table that have a gradient.
#[derive(Debug)]
struct Listed {
    /// Their numbers, ascending, and then nothing; the memory has room for `capacity`.
    list: DeviceBuffer,
    capacity: usize,
    /// The same for the host.
    rows: Vec<u32>,
    width: usize,
    /// A u8 for each row of the table.
    live: Option<DeviceBuffer>,
}

#[derive(Debug)]
struct Slot {
    sum: Option<Buffer>,
    held: Held,
    listed: Option<Listed>,
    /// No part of it is trained.
    frozen: bool,
    elements: usize,
}

/// The sums of all parameters.
#[derive(Debug)]
pub(in super::super) struct Gradients {
    gpu: Arc<Gpu>,
    slots: Vec<Slot>,
    /// Whether rows of tables that never had a gradient are told apart.
    rows_live: bool,
    /// Whether an address has changed since the last look.
    moved: bool,
    /// Whether anything was added since the last update.
    touched: bool,
}

impl Gradients {
    /// None yet. Memory is taken with the first gradient of each parameter.
    pub(super) fn new(gpu: &Arc<Gpu>, segments: &[Vec<Segment>], rows_live: bool) -> Self {
        let slot = |own: &Vec<Segment>| Slot {
            sum: None,
            held: Held::Never,
            listed: None,
            frozen: own.iter().all(|segment| segment.frozen),
            elements: own.last().map_or(0, |segment| segment.range.end),
        };
        let slots = segments.iter().map(slot).collect();
        Self { gpu: Arc::clone(gpu), slots, rows_live, moved: true, touched: false }
    }

    /// Bytes of all buffers.
    pub(super) fn bytes(&self) -> usize {
        self.slots.iter().filter_map(|slot| slot.sum.as_ref()).map(Buffer::bytes).sum()
    }

    /// Whether an address has changed since the last call.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Where the gradient of a parameter lies; `None` where it never had one.
    pub(super) fn address(&self, index: usize) -> Option<u64> {
        let slot = &self.slots[index];
        let sum = slot.sum.as_ref().filter(|_| !slot.frozen && slot.held != Held::Never)?;
        sum.device().ok().map(|slice| slice.ptr())
    }

    /// The rows of a table outside of which its gradient is zero.
    pub(super) fn rows(&self, index: usize) -> Option<TableRows> {
        let listed = self.slots[index].listed.as_ref()?;
        Some(TableRows {
            list: listed.list.ptr(),
            capacity: listed.capacity,
            width: listed.width,
            live: listed.live.as_ref().map_or(0, DeviceBuffer::ptr),
        })
    }

    /// Takes rows that never had a gradient for ones that may have had one.
    pub(super) fn forget_live(&mut self) {
        self.rows_live = false;
        self.moved = true;
        self.slots.iter_mut().filter_map(|slot| slot.listed.as_mut()).for_each(|l| l.live = None);
    }

    /// Notes that an update has used all sums, and zeroed the rows of tables.
    pub(super) fn updated(&mut self) {
        self.touched = false;
        for slot in &mut self.slots {
            slot.held = match slot.held {
                Held::Dense | Held::Stale => Held::Stale,
                Held::Rows | Held::Zeros => Held::Zeros,
                Held::Never => Held::Never,
            };
        }
    }

    /// Whether anything was added since the last update.
    pub(in super::super) fn touched(&self) -> bool {
        self.touched
    }

    /// Forgets all sums.
    pub(super) fn clear(&mut self) -> Result<()> {
        for slot in self.slots.iter_mut().filter(|slot| slot.held == Held::Rows) {
            let sum = slot.sum.as_mut().map(Buffer::device_mut).transpose()?;
            if let Some(sum) = sum {
                self.gpu.fill_zero(sum.ptr(), sum.len() * Element::F32.bytes())?;
            }
        }
        self.updated();
        Ok(())
    }

    /// The buffer of a parameter; it is new where there was none.
    fn allocate(&mut self, index: usize, zeros: bool) -> Result<()> {
        let slot = &mut self.slots[index];
        if slot.sum.is_none() {
            let bytes = slot.elements * Element::F32.bytes();
            let memory = match zeros {
                true => self.gpu.zeros(bytes, "a gradient")?,
                false => self.gpu.allocate(bytes, "a gradient")?,
            };
            slot.sum = Some(Buffer::from_device(memory, slot.elements, Element::F32));
            self.moved = true;
        }
        Ok(())
    }

    /// Makes room for so many rows of a table of that width.
    pub(super) fn make_room(&mut self, index: usize, width: usize, needed: usize) -> Result<()> {
        let slot = &mut self.slots[index];
        if slot.listed.as_ref().is_none_or(|listed| listed.capacity < needed) {
            let entries = slot.elements / width.max(1);
            let capacity = needed.next_power_of_two();
            let live = match slot.listed.take() {
                Some(old) => old.live,
                None if self.rows_live => Some(self.gpu.zeros(entries, "marks of a table's rows")?),
                None => None,
            };
            let list = self.gpu.allocate(capacity * size_of::<u32>(), "rows of a table")?;
            slot.listed = Some(Listed { list, capacity, rows: Vec::new(), width, live });
            self.moved = true;
        }
        Ok(())
    }

    /// Notes which rows of a table have a gradient from now on, and says how many the list has room for.
    pub(super) fn list_rows(
        &mut self,
        ctx: &Context,
        index: usize,
        of: &DeviceTable<'_>,
    ) -> Result<usize> {
        let new = ctx.staged.rows(of.table);
        let staged = of.groups(ctx)?.rows;
        let slot = &self.slots[index];
        let rows = match (&slot.listed, slot.held) {
            (Some(listed), Held::Rows) => union(&listed.rows, new),
            _ => new.to_vec(),
        };
        self.make_room(index, of.width, rows.len().max(staged.len()))?;
        let slot = &mut self.slots[index];
        let Some(listed) = &mut slot.listed else { return Ok(0) };
        self.gpu.fill_ones(listed.list.ptr(), listed.capacity * size_of::<u32>())?;
        if slot.held == Held::Rows {
            self.gpu.upload(&rows, listed.list.ptr())?;
        } else {
            // What the device has already, so that nothing waits.
            let to = listed.list.slice_mut(staged.len(), kobench_cuda::DType::F32);
            self.gpu.copy(staged.as_f32(), to)?;
        }
        listed.rows = rows;
        Ok(listed.capacity)
    }
}

/// Both lists in one, ascending.
fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut both = [a, b].concat();
    both.sort_unstable();
    both.dedup();
    both
}

impl GradSink for Gradients {
    fn place(&mut self, param: &Parameter) -> Result<Option<&mut Buffer>> {
        let index = param.id().index();
        let slot = &self.slots[index];
        if slot.frozen || matches!(slot.held, Held::Dense | Held::Rows) {
            return Ok(None);
        }
        self.allocate(index, false)?;
        self.touched = true;
        let slot = &mut self.slots[index];
        self.moved |= slot.held == Held::Never;
        slot.held = Held::Dense;
        Ok(slot.sum.as_mut())
    }

    fn dense(&mut self, ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()> {
        let adds = matches!(self.slots[param.id().index()].held, Held::Dense | Held::Rows);
        if adds {
            let slot = &mut self.slots[param.id().index()];
            let Some(sum) = slot.sum.as_mut().filter(|_| !slot.frozen) else { return Ok(()) };
            self.touched = true;
            return Ok(residual::add(&self.gpu, sum.device_mut()?, grad.device()?)?);
        }
        let gpu = Arc::clone(&self.gpu);
        let _ = ctx;
        match self.place(param)? {
            Some(sum) => Ok(gpu.copy(grad.device()?, sum.device_mut()?)?),
            None => Ok(()),
        }
    }

    fn table(
        &mut self,
        ctx: &mut Context,
        param: &Parameter,
        rows: TableGradient<'_>,
    ) -> Result<()> {
        let TableGradient::Device(of) = rows else {
            return Err(EngineError::Internal("a gradient of the host on a device".to_owned()));
        };
        let index = param.id().index();
        if self.slots[index].frozen {
            return Ok(());
        }
        self.allocate(index, true)?;
        self.touched = true;
        self.list_rows(ctx, index, &of)?;
        let slot = &mut self.slots[index];
        let add = slot.held == Held::Rows;
        self.moved |= slot.held == Held::Never;
        slot.held = Held::Rows;
        let Some(sum) = slot.sum.as_mut() else { return Ok(()) };
        let (dsum, groups, sum) = (of.dsum.device()?, of.groups(ctx)?, sum.device_mut()?);
        embedding::backward_dense(&self.gpu, dsum, groups, of.width, of.scale, sum, add)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_two_passes_are_listed_once() {
        assert_eq!(union(&[1, 4, 9], &[0, 4, 10]), [0, 1, 4, 9, 10]);
    }
}
