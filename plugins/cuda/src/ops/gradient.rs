//! What a training step leaves in device memory, and the norm of its gradients.
//!
//! A step puts into the stream, and a captured graph repeats: [`StepMemory::begin`], the passes with a loss, then
//! [`Plan::norm`] and the optimiser's update, which reads the factor that clips from device memory and changes nothing
//! where loss or gradients are not finite. The host reads the outcome once ([`StepMemory::read`]). An optimiser that
//! updates in the backward pass measures gradients itself; with a limit of their norm, [`measure`] and [`clip`] come
//! first, in a pass of their own.

mod memory;

use std::sync::Arc;

pub use self::memory::{NONE, StepMemory, StepResult, Update};
use crate::device::Gpu;
use crate::error::Result;
use crate::memory::{DeviceBuffer, Plain};
use crate::module::Module;
use crate::slice::{Ids, Slice};

/// Elements of a chunk: small enough that the largest tensors spread evenly over all processors.
const CHUNK: usize = 16 << 10;
/// Threads of a block, as kernels/optimizer.cu has them.
const THREADS: u32 = 256;
const FINISH_THREADS: u32 = 1024;
/// Most blocks of [`measure`].
const MEASURE_BLOCKS: usize = 1024;
/// The gradient of a tensor, `kb_gradient` of kernels/optimizer_gradient.cuh.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Entry {
    gradient: u64,
    rows: u64,
    live: u64,
    width: u64,
}

/// The work of a block, `kb_chunk` of kernels/optimizer_state.cuh.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) tensor: u32,
    pub(crate) count: u32,
    pub(crate) first: u64,
}

const _: () = assert!(size_of::<Entry>() == 32 && size_of::<Chunk>() == 16);

#[expect(unsafe_code, reason = "the layout is a promise")]
// SAFETY: numbers without gaps, as their sum is the size above.
unsafe impl Plain for Entry {}
#[expect(unsafe_code, reason = "the layout is a promise")]
// SAFETY: as above.
unsafe impl Plain for Chunk {}

/// The rows of a table that have a gradient.
#[derive(Debug, Clone, Copy)]
pub struct TableRows {
    /// Address of their numbers, u32, each once and padded with [`NONE`]. AdaLomo needs them ascending.
    pub list: u64,
    /// How many numbers there is room for.
    pub capacity: usize,
    /// Elements of a row.
    pub width: usize,
    /// Address of a u8 for each row of the table, whether it ever had a gradient: [`Plan::norm`] sets it, and AdamW does
    /// no more than decay the others. 0 where moments may be other than zero anywhere: they were loaded, there were dense
    /// gradients, or epsilon is 0.
    pub live: u64,
}

/// A tensor whose gradient counts. Its address is that of f32.
#[derive(Debug, Clone, Copy)]
pub struct Tensor {
    /// Address.
    pub gradient: u64,
    /// Number of elements.
    pub elements: usize,
    /// Rows outside of which the gradient is zero.
    pub rows: Option<TableRows>,
}

/// Work lists for the norm of many gradients.
#[derive(Debug)]
pub struct Plan {
    table: DeviceBuffer,
    chunks: DeviceBuffer,
    parts: DeviceBuffer,
    count: usize,
}

impl Plan {
    /// For these tensors, at addresses that stay.
    ///
    /// # Errors
    /// [`crate::CudaError::OutOfMemory`].
    pub fn new(gpu: &Arc<Gpu>, tensors: &[Tensor]) -> Result<Self> {
        let entries: Vec<Entry> = tensors
            .iter()
            .map(|tensor| {
                let rows = tensor.rows.map_or((0, 0, 0), |r| (r.list, r.live, r.width as u64));
                let (rows, live, width) = rows;
                Entry { gradient: tensor.gradient, rows, live, width }
            })
            .collect();
        let work = chunks(tensors);
        let parts = gpu.allocate(work.len() * size_of::<f64>(), "sums of gradients")?;
        let (table, count) = (uploaded(gpu, &entries)?, work.len());
        Ok(Self { table, chunks: uploaded(gpu, &work)?, parts, count })
    }

    /// The norm of all gradients, the factor that brings it to its limit, and whether all are finite: sets
    /// `grad_squares`, `clip`, `finite` and `bad_tensor`, the last as a place in the plan.
    ///
    /// # Errors
    /// Of the device.
    #[expect(unsafe_code, reason = "launches kernels")]
    pub fn norm(&self, gpu: &Gpu, memory: &StepMemory) -> Result<()> {
        let squares = gpu.kernel(Module::Optimizer, "kb_gradient_squares", None)?;
        let squares = squares.grid(self.count, 1, 1).block(THREADS);
        let squares = squares.ptr(self.table.ptr()).ptr(self.chunks.ptr()).ptr(self.parts.ptr());
        // SAFETY: the arguments are those of the kernel; the plan's tensors are there, as its maker promises.
        unsafe { squares.run() }?;
        let finish = gpu.kernel(Module::Optimizer, "kb_gradient_finish", None)?;
        let finish = finish.block(FINISH_THREADS).ptr(self.chunks.ptr()).u32(self.count);
        let finish = finish.ptr(self.parts.ptr()).ptr(memory.update()).ptr(memory.result());
        // SAFETY: as above.
        unsafe { finish.run() }
    }

    /// Zeros in the listed rows of all tables, for a pass whose gradients are dropped. Behind an update that is done
    /// already.
    ///
    /// # Errors
    /// Of the device.
    #[expect(unsafe_code, reason = "launches a kernel")]
    pub fn clear(&self, gpu: &Gpu) -> Result<()> {
        let clear = gpu.kernel(Module::Optimizer, "kb_gradient_clear", None)?;
        let clear = clear.grid(self.count, 1, 1).block(THREADS);
        let clear = clear.ptr(self.table.ptr()).ptr(self.chunks.ptr());
        // SAFETY: as above.
        unsafe { clear.run() }
    }
}

/// Chunks of elements, or of entries of a list of rows.
fn chunks(tensors: &[Tensor]) -> Vec<Chunk> {
    let mut all = Vec::new();
    for (number, tensor) in tensors.iter().enumerate() {
        match tensor.rows {
            None => split(number, tensor.elements, CHUNK, &mut all),
            Some(rows) => {
                split(number, rows.capacity, (CHUNK / rows.width.max(1)).max(1), &mut all);
            }
        }
    }
    all
}

/// Splits `0..len` into chunks of `size`.
///
/// # Panics
/// When there are 2^32 tensors or a chunk has as many elements.
pub(crate) fn split(tensor: usize, len: usize, size: usize, all: &mut Vec<Chunk>) {
    let narrow = |n: usize| u32::try_from(n).expect("less than 2^32");
    all.extend((0..len).step_by(size).map(|first| Chunk {
        tensor: narrow(tensor),
        count: narrow(size.min(len - first)),
        first: first as u64,
    }));
}

/// Chunks of a tensor's elements; where rows are told apart, of whole rows of `width`.
pub(crate) fn split_elements(
    tensor: usize,
    len: usize,
    width: Option<usize>,
    all: &mut Vec<Chunk>,
) {
    let size = width.map_or(CHUNK, |width| (CHUNK / width.max(1)).max(1) * width.max(1));
    split(tensor, len, size, all);
}

/// A copy in device memory of its own.
pub(crate) fn uploaded<T: Plain>(gpu: &Arc<Gpu>, values: &[T]) -> Result<DeviceBuffer> {
    let buffer = gpu.allocate(size_of_val(values), "work lists of the optimiser")?;
    gpu.upload(values, buffer.ptr())?;
    Ok(buffer)
}

/// Adds the squares of one gradient to those in `memory`, which are of no use once one is not finite. `rows`: only
/// these, which lie behind one another (`compact`) or at their places. `tensor`: its number for messages.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When there are fewer elements than the rows have.
#[expect(unsafe_code, reason = "launches a kernel")]
pub fn measure(
    gpu: &Gpu,
    gradient: Slice<'_>,
    rows: Option<(Ids<'_>, usize, bool)>,
    tensor: usize,
    memory: &StepMemory,
) -> Result<()> {
    let read = rows.map_or(gradient.len(), |(ids, width, _)| ids.len() * width);
    assert!(rows.is_none_or(|(.., compact)| !compact) || gradient.len() >= read);
    let blocks = read.div_ceil(CHUNK).min(MEASURE_BLOCKS);
    let parts = gpu.workspace(MEASURE_BLOCKS * size_of::<f64>())?;
    let (list, listed, width, compact) = rows
        .map_or((0, 0, 0, false), |(ids, width, compact)| (ids.ptr(), ids.len(), width, compact));
    let launch = gpu.kernel(Module::Optimizer, "kb_gradient_measure", Some(gradient.dtype()))?;
    let launch = launch.grid(blocks, 1, 1).block(THREADS);
    let launch = launch.slice(gradient).u64(gradient.len() as u64).ptr(list).u32(listed).u32(width);
    let launch = launch.u32(usize::from(compact)).u32(tensor).ptr(parts).ptr(memory.result());
    // SAFETY: the arguments are those of the kernel, and the sizes were checked; listed rows are rows of the table.
    unsafe { launch.run() }
}

/// The factor that brings the measured gradients to their limit. The squares begin anew, for the pass that updates.
///
/// # Errors
/// Of the device.
#[expect(unsafe_code, reason = "launches a kernel")]
pub fn clip(gpu: &Gpu, memory: &StepMemory) -> Result<()> {
    let launch = gpu.kernel(Module::Optimizer, "kb_gradient_clip", None)?;
    let launch = launch.ptr(memory.update()).ptr(memory.result());
    // SAFETY: the arguments are those of the kernel, and are there.
    unsafe { launch.run() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_whole_and_in_order() {
        let rows = TableRows { list: 8, capacity: 50, width: 768, live: 0 };
        let tensor = |elements, rows| Tensor { gradient: 0, elements, rows };
        let all = chunks(&[
            tensor(0, None),
            tensor(1, None),
            tensor(2 * CHUNK + 1, None),
            tensor(30_000 * 768, Some(rows)),
        ]);
        let of = |tensor, count, first| Chunk { tensor, count, first };
        let (size, per) = (CHUNK as u32, (CHUNK / 768) as u32);
        assert_eq!(
            all[..4],
            [
                of(1, 1, 0),
                of(2, size, 0),
                of(2, size, u64::from(size)),
                of(2, 1, 2 * u64::from(size)),
            ]
        );
        assert_eq!(all[4], of(3, per, 0));
        assert_eq!(all[4..].iter().map(|chunk| chunk.count).sum::<u32>(), 50);
    }

    #[test]
    fn chunks_of_a_table_are_whole_rows() {
        let mut all = Vec::new();
        split_elements(7, 100 * 700, Some(700), &mut all);
        assert!(all.iter().all(|chunk| chunk.count % 700 == 0 && chunk.first % 700 == 0));
        assert_eq!(all.iter().map(|chunk| chunk.count).sum::<u32>(), 100 * 700);
        // A row that is wider than a chunk is a chunk of its own.
        all.clear();
        split_elements(7, 3 * (CHUNK + 1), Some(CHUNK + 1), &mut all);
        assert_eq!(all.len(), 3);
    }
}
