//! What a model computes with: device, dtype, threads, and the pool of reusable buffers.

use std::sync::Arc;

use crate::buffer::{Buffer, BufferPool, Element};
use crate::device::Device;
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

/// Device, precision, worker threads and buffers of one model.
///
/// Each model has its own thread pool, so nothing depends on the process's global one; results do
/// not depend on the number of threads at all (an op splits its work in the same way whatever that
/// number is, or what it computes does not depend on the split).
#[derive(Debug)]
pub struct Context {
    device: Device,
    precision: Precision,
    unit: Unit,
    threads: Arc<rayon::ThreadPool>,
    pool: BufferPool,
    /// See [`crate::dispatch::rope::angles`].
    pub(crate) angles: Option<Arc<[Buffer; 2]>>,
    #[cfg(feature = "cuda")]
    pub(crate) staged: crate::stage::Staged,
}

impl Context {
    /// A context on `device` computing in `precision` with `threads` worker threads (0: one for each
    /// core that the process may use).
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] when the threads cannot be started.
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
        Ok(Self {
            device,
            precision,
            unit,
            threads: Arc::new(threads),
            pool: BufferPool::default(),
            angles: None,
            #[cfg(feature = "cuda")]
            staged: crate::stage::Staged::default(),
        })
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

    /// The type of activations: bf16 on a device that computes in bf16, where memory is what takes time. On the CPU it is
    /// always f32, and products round their operands.
    pub fn element(&self) -> Element {
        match (&self.device, self.precision) {
            #[cfg(feature = "cuda")]
            (Device::Cuda(_), Precision::Bf16) => Element::Bf16,
            _ => Element::F32,
        }
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

    /// A buffer for `len` activations; its contents are unspecified.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`] or [`EngineError::OutOfDeviceMemory`].
    pub fn take(&mut self, len: usize) -> Result<Buffer> {
        self.pool.take(&self.device, len, self.element())
    }

    /// A buffer of `len` f32, for statistics and the gradients of parameters; its contents are unspecified.
    ///
    /// # Errors
    /// As [`Context::take`].
    pub fn take_f32(&mut self, len: usize) -> Result<Buffer> {
        self.pool.take(&self.device, len, Element::F32)
    }

    /// A copy of a buffer.
    ///
    /// # Errors
    /// As [`Context::take`].
    pub fn copy(&mut self, from: &Buffer) -> Result<Buffer> {
        let mut to = self.pool.take(&self.device, from.len(), from.element())?;
        match &self.device {
            Device::Cpu => to.f32_mut()?.copy_from_slice(from.f32()?),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => gpu.copy(from.device()?, to.device_mut()?)?,
        }
        Ok(to)
    }

    /// Sets every element to zero.
    ///
    /// # Errors
    /// Of the device.
    pub fn zero(&self, buffer: &mut Buffer) -> Result<()> {
        match &self.device {
            Device::Cpu => buffer.f32_mut()?.fill(0.0),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => {
                let all = buffer.device_mut()?;
                gpu.fill_zero(all.ptr(), all.len() * all.dtype().bytes())?;
            }
        }
        Ok(())
    }

    /// A buffer of f32 on this context's device with these values.
    ///
    /// # Errors
    /// As [`Context::take`].
    pub fn upload_f32(&mut self, values: &[f32]) -> Result<Buffer> {
        let mut to = self.take_f32(values.len())?;
        match &self.device {
            Device::Cpu => to.f32_mut()?.copy_from_slice(values),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => gpu.upload(values, to.device_mut()?.ptr())?,
        }
        Ok(to)
    }

    /// A buffer of activations on this context's device with these values, rounded to its type.
    ///
    /// # Errors
    /// As [`Context::take`].
    pub fn upload(&mut self, values: &[f32]) -> Result<Buffer> {
        if self.element() == Element::F32 {
            return self.upload_f32(values);
        }
        let rounded: Vec<u16> = values.iter().map(|&v| half::bf16::from_f32(v).to_bits()).collect();
        #[cfg_attr(not(feature = "cuda"), expect(unused_mut, reason = "devices write to it"))]
        let mut to = self.take(values.len())?;
        #[cfg(feature = "cuda")]
        if let Device::Cuda(gpu) = &self.device {
            gpu.upload(&rounded, to.device_mut()?.ptr())?;
        }
        let _ = rounded;
        Ok(to)
    }

    /// The values of a buffer, wherever it is.
    ///
    /// # Errors
    /// Of the device, and of what it has computed before.
    pub fn download(&self, from: &Buffer, to: &mut [f32]) -> Result<()> {
        match &self.device {
            Device::Cpu => to.copy_from_slice(from.f32()?),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => {
                let all = from.device()?;
                match from.element() {
                    Element::F32 => gpu.download(all.ptr(), to)?,
                    Element::Bf16 => {
                        let mut bits = vec![0_u16; to.len()];
                        gpu.download(all.ptr(), &mut bits)?;
                        for (to, bits) in to.iter_mut().zip(bits) {
                            *to = half::bf16::from_bits(bits).to_f32();
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Hands a buffer back, so that a later [`Context::take`] can reuse it.
    pub fn give(&mut self, buffer: Buffer) {
        self.pool.give(buffer);
    }

    /// Releases the buffers that are not in use.
    pub fn release(&mut self) {
        self.pool.release();
    }

    /// How many passes were launched as captured graphs.
    #[cfg(feature = "cuda")]
    pub fn graph_launches(&self) -> u64 {
        self.staged.graph_launches
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
