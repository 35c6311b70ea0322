//! AdamW of all tensors in one launch: the engine's train/adamw.rs.

use std::sync::Arc;

use super::gradient::{self, StepMemory, TableRows, Update, split_elements, uploaded};
use crate::device::Gpu;
use crate::error::Result;
use crate::memory::{DeviceBuffer, Plain};
use crate::module::Module;

/// Threads of a block, as kernels/optimizer.cu has them.
const THREADS: u32 = 256;

/// Constants of a training run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// transformers' form, else torch's.
    pub huggingface: bool,
    /// Decay rates of the two moments.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

impl Settings {
    /// The numbers of update `step`, from 1, with a learning rate and a limit of the gradients' norm.
    pub fn update(&self, step: u64, rate: f64, limit: Option<f64>) -> Update {
        let [b1, b2] = self.betas;
        let power = |beta: f64| beta.powf(step as f64);
        Update {
            rate,
            clip_limit: limit.unwrap_or(f64::INFINITY),
            weight_decay: self.weight_decay,
            correct_first: 1.0 - power(b1),
            correct_second: (1.0 - power(b2)).sqrt(),
            keep_first: b1 as f32,
            take_first: (1.0 - b1) as f32,
            keep_second: b2 as f32,
            take_second: (1.0 - b2) as f32,
            eps: self.eps as f32,
            huggingface: u32::from(self.huggingface),
            ..Update::default()
        }
    }
}

/// A tensor that is trained, by the addresses of its f32 values and moments.
#[derive(Debug, Clone, Copy)]
pub struct Tensor {
    /// Weights.
    pub weights: u64,
    /// The same in bf16, or 0.
    pub copy: u64,
    /// The gradient.
    pub gradient: u64,
    /// First moments.
    pub first: u64,
    /// Second moments.
    pub second: u64,
    /// Number of elements.
    pub elements: usize,
    /// Whether weight decay applies.
    pub decays: bool,
    /// Factor on the learning rate.
    pub rate: f64,
    /// Rows outside of which the gradient is zero. Their gradient is zeroed behind the step; others stay.
    pub rows: Option<TableRows>,
}

impl Tensor {
    /// What the norm of all gradients needs of it.
    pub fn for_norm(&self) -> gradient::Tensor {
        gradient::Tensor { gradient: self.gradient, elements: self.elements, rows: self.rows }
    }
}

/// A tensor, `kb_adamw` of kernels/optimizer_adamw.cuh.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Entry {
    weights: u64,
    copy: u64,
    gradient: u64,
    first: u64,
    second: u64,
    live: u64,
    rate: f64,
    width: u32,
    decays: u32,
}

const _: () = assert!(size_of::<Entry>() == 64);

#[expect(unsafe_code, reason = "the layout is a promise")]
// SAFETY: numbers without gaps, as their sum is the size above.
unsafe impl Plain for Entry {}

/// Work lists for the update of many tensors.
#[derive(Debug)]
pub struct Plan {
    table: DeviceBuffer,
    chunks: DeviceBuffer,
    count: usize,
}

impl Plan {
    /// For these tensors, at addresses that stay.
    ///
    /// # Errors
    /// [`crate::CudaError::OutOfMemory`].
    ///
    /// # Panics
    /// When a table does not consist of whole rows.
    pub fn new(gpu: &Arc<Gpu>, tensors: &[Tensor]) -> Result<Self> {
        let mut chunks = Vec::new();
        let mut entries = Vec::with_capacity(tensors.len());
        for (number, tensor) in tensors.iter().enumerate() {
            let width = tensor.rows.map(|rows| rows.width);
            assert!(width.is_none_or(|width| tensor.elements.is_multiple_of(width)));
            split_elements(number, tensor.elements, width, &mut chunks);
            entries.push(Entry {
                weights: tensor.weights,
                copy: tensor.copy,
                gradient: tensor.gradient,
                first: tensor.first,
                second: tensor.second,
                live: tensor.rows.map_or(0, |rows| rows.live),
                rate: tensor.rate,
                width: u32::try_from(width.unwrap_or(0)).expect("a row of less than 2^32"),
                decays: u32::from(tensor.decays),
            });
        }
        let count = chunks.len();
        Ok(Self { table: uploaded(gpu, &entries)?, chunks: uploaded(gpu, &chunks)?, count })
    }

    /// Updates all tensors by their gradients and the numbers in `memory`, behind [`gradient::Plan::norm`]. Where that
    /// found something that is not finite, nothing is updated. Gradients of tables are zeroed in both cases.
    ///
    /// # Errors
    /// Of the device.
    #[expect(unsafe_code, reason = "launches a kernel")]
    pub fn update(&self, gpu: &Gpu, memory: &StepMemory) -> Result<()> {
        let launch = gpu.kernel(Module::Optimizer, "kb_adamw_update", None)?;
        let launch = launch.grid(self.count, 1, 1).block(THREADS).ptr(self.table.ptr());
        let launch = launch.ptr(self.chunks.ptr()).ptr(memory.update()).ptr(memory.result());
        // SAFETY: the arguments are those of the kernel; the plan's tensors are there, as its maker promises.
        unsafe { launch.run() }
    }
}
