//! The numbers that a step takes from the host, and those that it gives back.

use std::sync::Arc;

use crate::device::Gpu;
use crate::error::Result;
use crate::memory::{DeviceBuffer, Plain};
use crate::module::Module;

/// A number of a tensor, row or class that stands for nothing.
pub const NONE: u32 = u32::MAX;

/// What came of a step, `kb_result` of kernels/optimizer_state.cuh.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepResult {
    /// The mean loss before its scale; 0 where no row has a target.
    pub loss: f64,
    /// Sum of the squares of all gradients, before clipping.
    pub grad_squares: f64,
    /// What the loss was divided by.
    pub counted: f64,
    /// The factor on all gradients.
    pub clip: f32,
    /// 0 where the loss or a gradient is not finite, so that nothing was updated from there on.
    pub finite: u32,
    /// The first tensor whose gradient is not finite, or [`NONE`].
    pub bad_tensor: u32,
    /// The device's own.
    blocks_done: u32,
    reserved: [u32; 6],
}

impl StepResult {
    /// The norm of all gradients, before clipping.
    pub fn grad_norm(&self) -> f64 {
        self.grad_squares.sqrt()
    }

    /// The first tensor whose gradient is not finite, by its place in the plan.
    pub fn bad_tensor(&self) -> Option<usize> {
        (self.bad_tensor != NONE).then_some(self.bad_tensor as usize)
    }
}

/// The numbers of one update, `kb_update` of kernels/optimizer_state.cuh; optimisers make it from their settings.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Update {
    /// The learning rate.
    pub rate: f64,
    /// The largest norm of all gradients; infinity: any.
    pub clip_limit: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// AdamW: 1 - b1^t.
    pub correct_first: f64,
    /// AdamW: sqrt(1 - b2^t).
    pub correct_second: f64,
    /// AdamW: b1.
    pub keep_first: f32,
    /// AdamW: 1 - b1.
    pub take_first: f32,
    /// AdamW: b2.
    pub keep_second: f32,
    /// AdamW: 1 - b2.
    pub take_second: f32,
    /// AdamW: added to the root of the second moment.
    pub eps: f32,
    /// AdamW: 1 for transformers' form, else torch's.
    pub huggingface: u32,
    /// AdaLomo: 1 - t^decay_rate.
    pub keep_square: f64,
    /// AdaLomo: added to squared gradients.
    pub least_square: f64,
    /// AdaLomo: the least root mean square of a tensor's weights.
    pub least_rms: f64,
    /// AdaLomo: the largest root mean square of a tensor's update.
    pub largest_rms: f64,
    /// Zero.
    pub reserved: [f64; 4],
}

const _: () = assert!(size_of::<StepResult>() == 64 && size_of::<Update>() == 128);

#[expect(unsafe_code, reason = "the layout is a promise")]
// SAFETY: numbers without gaps, as their sum is the size above.
unsafe impl Plain for StepResult {}
#[expect(unsafe_code, reason = "the layout is a promise")]
// SAFETY: as above.
unsafe impl Plain for Update {}

/// Where the numbers of an update and the outcome of a step lie.
#[derive(Debug)]
pub struct StepMemory {
    buffer: DeviceBuffer,
}

impl StepMemory {
    /// Where [`Update`] lies behind the result; apart, because one is read while the other is written.
    const UPDATE: u64 = 256;

    /// Zeros; [`StepMemory::begin`] comes first.
    ///
    /// # Errors
    /// Of the device.
    pub fn new(gpu: &Arc<Gpu>) -> Result<Self> {
        let bytes = Self::UPDATE as usize + size_of::<Update>();
        Ok(Self { buffer: gpu.zeros(bytes, "the outcome of a step")? })
    }

    /// Address of the [`StepResult`].
    pub fn result(&self) -> u64 {
        self.buffer.ptr()
    }

    /// Address of the [`Update`], for what is uploaded together with it.
    pub fn update(&self) -> u64 {
        self.buffer.ptr() + Self::UPDATE
    }

    /// Forgets the last step.
    ///
    /// # Errors
    /// Of the device.
    #[expect(unsafe_code, reason = "launches a kernel")]
    pub fn begin(&self, gpu: &Gpu) -> Result<()> {
        let launch = gpu.kernel(Module::Optimizer, "kb_result_begin", None)?.ptr(self.result());
        // SAFETY: the kernel's argument, which is there.
        unsafe { launch.run() }
    }

    /// Sets the numbers of the next update, and waits for that.
    ///
    /// # Errors
    /// Of the device.
    pub fn write(&self, gpu: &Gpu, update: &Update) -> Result<()> {
        gpu.upload(std::slice::from_ref(update), self.update())
    }

    /// Waits for the step, and says what came of it.
    ///
    /// # Errors
    /// Of the device, and of the step's kernels.
    pub fn read(&self, gpu: &Gpu) -> Result<StepResult> {
        let mut result = [StepResult::default()];
        gpu.download(self.result(), &mut result)?;
        let [result] = result;
        Ok(result)
    }
}
