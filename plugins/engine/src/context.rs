//! What a model computes with: device, dtype, threads, and the pool of reusable buffers.

use std::sync::Arc;

use candle_core::{DType, Device};

use crate::buffer::{Buffer, BufferPool};
use crate::error::{EngineError, Result};
use crate::kernels::gemm::Unit;

/// What products are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// f32 throughout.
    F32,
    /// The operands of matrix products, in the forward and the backward pass, are rounded to bfloat16 and added up in
    /// f32. Weights, norms, softmax, losses and the optimiser's state stay f32 (as under `torch.autocast`).
    Bf16,
}

impl Precision {
    /// The name in requests and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}

/// Device, dtype, worker threads and buffers of one model.
///
/// Each model has its own thread pool, so nothing depends on the process's global one; results do
/// not depend on the number of threads at all (an op splits its work in the same way whatever that
/// number is, or what it computes does not depend on the split).
#[derive(Debug)]
pub struct Context {
    device: Device,
    dtype: DType,
    precision: Precision,
    unit: Unit,
    threads: Arc<rayon::ThreadPool>,
    pool: BufferPool,
}

impl Context {
    /// A context on `device` computing in `precision` with `threads` worker threads (0: one for each
    /// core that the process may use).
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] for a device that this build has no kernels for.
    pub fn new(device: Device, precision: Precision, threads: usize) -> Result<Self> {
        Self::with_isa(device, precision, threads, None)
    }

    /// The same with matrix products on the unit of that name, instead of the fastest of this machine.
    ///
    /// # Errors
    /// As [`Context::new`], and [`EngineError::Input`] for a unit that this machine does not have.
    pub fn with_isa(
        device: Device,
        precision: Precision,
        threads: usize,
        isa: Option<&str>,
    ) -> Result<Self> {
        let unit = match isa {
            None => Unit::best(precision),
            Some(name) => Unit::named(precision, name)?,
        };
        if !device.is_cpu() {
            return Err(EngineError::Unsupported(
                "this build of the engine computes on the CPU only; use device \"cpu\"".to_owned(),
            ));
        }
        let threads = if threads == 0 {
            std::thread::available_parallelism().map_or(1, usize::from)
        } else {
            threads
        };
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("kobench-compute-{i}"))
            .start_handler(move |_| unit.install())
            .build()
            .map_err(|e| {
                EngineError::Unsupported(format!("cannot start {threads} compute threads: {e}"))
            })?;
        let (dtype, pool) = (DType::F32, BufferPool::default());
        Ok(Self { device, dtype, precision, unit, threads: Arc::new(threads), pool })
    }

    /// A CPU context in f32.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] when the threads cannot be started.
    pub fn cpu(threads: usize) -> Result<Self> {
        Self::new(Device::Cpu, Precision::F32, threads)
    }

    /// The device that the buffers live on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The dtype of activations.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// What products are computed in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The worker threads; ops run on the pool that they are called from.
    pub fn threads(&self) -> Arc<rayon::ThreadPool> {
        Arc::clone(&self.threads)
    }

    /// The unit that multiplies matrices, for the record.
    pub fn isa(&self) -> &'static str {
        self.unit.name()
    }

    pub(crate) fn unit(&self) -> Unit {
        self.unit
    }

    /// A buffer of `len` elements in this context's dtype; its contents are unspecified.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`].
    pub fn take(&mut self, len: usize) -> Result<Buffer> {
        self.pool.take(len, self.dtype)
    }

    /// A copy of a buffer.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`].
    pub fn copy(&mut self, from: &Buffer) -> Result<Buffer> {
        let mut to = self.take(from.len())?;
        to.f32_mut()?.copy_from_slice(from.f32()?);
        Ok(to)
    }

    /// Hands a buffer back, so that a later [`Context::take`] can reuse it.
    pub fn give(&mut self, buffer: Buffer) {
        self.pool.give(buffer);
    }

    /// Releases the buffers that are not in use.
    pub fn release(&mut self) {
        self.pool.release();
    }

    /// Peak bytes of activation buffers.
    pub fn buffer_bytes(&self) -> usize {
        self.pool.allocated_bytes()
    }

    /// Number of buffer allocations so far; it stops growing once a workload's shapes were seen.
    pub fn allocations(&self) -> usize {
        self.pool.allocations()
    }
}
