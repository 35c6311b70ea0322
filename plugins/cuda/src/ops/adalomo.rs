//! AdaLomo, of all tensors behind the backward pass or of each as soon as its gradient is there: the engine's
//! train/adalomo.rs.

mod layout;

use std::sync::Arc;

use self::layout::{Entry, PASSES, Part, VECTORS, blocks, entry, is_vector, space_doubles};
use super::gradient::{StepMemory, TableRows, Update, uploaded};
use crate::device::Gpu;
use crate::error::Result;
use crate::memory::DeviceBuffer;
use crate::module::Module;
use crate::slice::{DType, Slice};

/// Threads of a block, as kernels/optimizer.cu has them.
const THREADS: u32 = 256;
const VECTOR_THREADS: u32 = 1024;

/// Constants of a training run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The exponent of the second moment's decay.
    pub decay_rate: f64,
    /// Added to squared gradients; and the least root mean square of a tensor's weights.
    pub eps: [f64; 2],
    /// Largest root mean square of a tensor's update.
    pub clip_threshold: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

impl Settings {
    /// The numbers of update `step`, from 1, with a learning rate and a limit of the gradients' norm.
    pub fn update(&self, step: u64, rate: f64, limit: Option<f64>) -> Update {
        Update {
            rate,
            clip_limit: limit.unwrap_or(f64::INFINITY),
            weight_decay: self.weight_decay,
            keep_square: 1.0 - (step as f64).powf(self.decay_rate),
            least_square: self.eps[0],
            least_rms: self.eps[1],
            largest_rms: self.clip_threshold,
            ..Update::default()
        }
    }
}

/// A tensor that is trained, by the addresses of its f32 weights and moments.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// Weights.
    pub weights: u64,
    /// The same in bf16, or 0.
    pub copy: u64,
    /// The gradient; 0 where each update names it.
    pub gradient: u64,
    /// Moments of the rows of each matrix, or of a vector's elements.
    pub first: u64,
    /// Moments of the columns of each matrix; 0 for a vector.
    pub second: u64,
    /// Of one dimension for a vector, else of matrices.
    pub shape: Vec<usize>,
    /// Whether weights decay: the settings have a decay, and it applies to this tensor.
    pub decays: bool,
    /// Factor on the learning rate.
    pub rate: f64,
    /// Rows of a table outside of which the gradient is zero.
    pub rows: Option<TableRows>,
    /// Whether the gradient is that of the listed rows alone, behind one another. Else it is of all rows, and the listed
    /// ones are zeroed behind the step.
    pub compact: bool,
}

/// Blocks of a pass: the first of them in the work list, and how many.
type Blocks = (usize, usize);

/// Work lists for the update of many tensors.
#[derive(Debug)]
pub struct Plan {
    table: DeviceBuffer,
    parts: DeviceBuffer,
    /// What passes hand to each other; the entries have its address.
    _space: DeviceBuffer,
    tensors: Vec<([Blocks; PASSES], usize)>,
    all: [Blocks; PASSES],
    fused: bool,
}

impl Plan {
    /// For these tensors, at addresses that stay. `fused`: each is updated by itself, with [`Plan::update_one`].
    ///
    /// # Errors
    /// [`crate::CudaError::OutOfMemory`].
    ///
    /// # Panics
    /// When rows are listed of what is not one matrix with rows as wide.
    pub fn new(gpu: &Arc<Gpu>, tensors: &[Tensor], fused: bool) -> Result<Self> {
        let mut entries: Vec<Entry> = tensors.iter().enumerate().map(entry).collect();
        let doubles: Vec<usize> = entries.iter().map(space_doubles).collect();
        // One after the other, they can have the same space.
        let total =
            if fused { doubles.iter().copied().max().unwrap_or(0) } else { doubles.iter().sum() };
        let space = gpu.allocate(total * size_of::<f64>(), "scratch memory of the optimiser")?;
        let mut at = 0;
        for (entry, doubles) in entries.iter_mut().zip(&doubles) {
            entry.space = space.ptr() + (at * size_of::<f64>()) as u64;
            at += if fused { 0 } else { *doubles };
        }
        let mut parts = Vec::new();
        let mut of_tensors = vec![([(0, 0); PASSES], 0); tensors.len()];
        let mut all = [(0, 0); PASSES];
        for (pass, whole) in all.iter_mut().enumerate() {
            whole.0 = parts.len();
            for (number, (tensor, entry)) in (0..).zip(tensors.iter().zip(&entries)) {
                let count =
                    if is_vector(tensor) == (pass == VECTORS) { blocks(entry)[pass] } else { 0 };
                of_tensors[number as usize].0[pass] = (parts.len(), count);
                parts.extend((0..).take(count).map(|part| Part { tensor: number, part }));
            }
            whole.1 = parts.len() - whole.0;
        }
        for ((tensor, entry), (_, elements)) in tensors.iter().zip(&entries).zip(&mut of_tensors) {
            let rows = if tensor.compact { entry.listed } else { entry.matrices * entry.height };
            *elements = rows as usize * entry.width as usize;
        }
        let (table, parts) = (uploaded(gpu, &entries)?, uploaded(gpu, &parts)?);
        Ok(Self { table, parts, _space: space, tensors: of_tensors, all, fused })
    }

    /// Updates all tensors by their gradients, of type `dtype`, and the numbers in `memory`, behind
    /// [`super::gradient::Plan::norm`]. Where that found something that is not finite, nothing is updated.
    ///
    /// # Errors
    /// Of the device.
    ///
    /// # Panics
    /// When the plan is a fused one.
    pub fn update(&self, gpu: &Gpu, dtype: DType, memory: &StepMemory) -> Result<()> {
        assert!(!self.fused, "tensors of a fused plan share their scratch memory");
        self.passes(gpu, &self.all, 0, dtype, memory)
    }

    /// Updates tensor `index` by its gradient, and adds the squares of that to those in `memory`. Where it is not finite,
    /// that is noted, and neither this tensor nor any later one is updated.
    ///
    /// # Errors
    /// Of the device.
    ///
    /// # Panics
    /// When the plan is not a fused one, or the gradient has another size.
    pub fn update_one(
        &self,
        gpu: &Gpu,
        index: usize,
        gradient: Slice<'_>,
        memory: &StepMemory,
    ) -> Result<()> {
        let (blocks, elements) = &self.tensors[index];
        assert!(self.fused && gradient.len() == *elements);
        self.passes(gpu, blocks, gradient.ptr(), gradient.dtype(), memory)
    }

    #[expect(unsafe_code, reason = "launches kernels")]
    fn passes(
        &self,
        gpu: &Gpu,
        blocks: &[Blocks; PASSES],
        gradient: u64,
        dtype: DType,
        memory: &StepMemory,
    ) -> Result<()> {
        let (update, result, fused) = (memory.update(), memory.result(), usize::from(self.fused));
        let begin = |pass: usize, name, dtype, threads| {
            let (first, count) = blocks[pass];
            let parts = self.parts.ptr() + (first * size_of::<Part>()) as u64;
            let launch = gpu.kernel(Module::Optimizer, name, dtype)?.grid(count, 1, 1);
            Ok::<_, crate::CudaError>(launch.block(threads).ptr(self.table.ptr()).ptr(parts))
        };
        let dtype = Some(dtype);
        if blocks[0].1 > 0 {
            let sums = begin(0, "kb_adalomo_sums", dtype, THREADS)?.ptr(gradient).ptr(result);
            let moments = begin(1, "kb_adalomo_moments", None, THREADS)?;
            let moments = moments.u32(fused).ptr(update).ptr(result);
            let sizes = begin(2, "kb_adalomo_sizes", dtype, THREADS)?.ptr(gradient).ptr(result);
            let apply = begin(3, "kb_adalomo_apply", dtype, THREADS)?;
            let apply = apply.ptr(gradient).ptr(update).ptr(result);
            for launch in [sums, moments, sizes, apply] {
                // SAFETY: the arguments are those of the kernel; the plan's tensors are there, as its maker promises, and
                // the gradient's size was checked.
                unsafe { launch.run() }?;
            }
        }
        if blocks[VECTORS].1 > 0 {
            let vector = begin(VECTORS, "kb_adalomo_vector", dtype, VECTOR_THREADS)?;
            let vector = vector.ptr(gradient).u32(fused).ptr(update).ptr(result);
            // SAFETY: as above.
            unsafe { vector.run() }?;
        }
        Ok(())
    }
}
