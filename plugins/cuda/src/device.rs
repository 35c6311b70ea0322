//! A device: its context, its one stream, its kernels.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::{
    self, CUdevice_attribute_enum as Attribute, CUfunction_attribute_enum as FunctionAttribute,
    CUstream,
};
use cudarc::driver::{CudaContext, CudaStream, result};

use crate::blas::Blas;
use crate::error::{Named, Result};
use crate::launch::{Function, Launch};
use crate::memory::DeviceBuffer;
use crate::module::{self, Module, Modules};
use crate::slice::DType;
use crate::step::StepState;
use crate::unavailable;

/// A device that is ready to compute. Everything happens in one stream, in the order of the calls.
pub struct Gpu {
    // Fields are dropped in order: what lies in the context goes before it.
    workspace: Mutex<Option<DeviceBuffer>>,
    step: Option<DeviceBuffer>,
    pub(crate) blas: Blas,
    modules: Modules,
    shared: Mutex<HashMap<usize, u32>>,
    /// How often memory was handed back to the driver: addresses in a captured graph may be stale then.
    pub(crate) frees: AtomicU64,
    pub(crate) held: AtomicU64,
    pub(crate) peak: AtomicU64,
    facts: Facts,
    stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The vendor's name of it.
    pub name: String,
    /// As `nvidia-smi -L` has it, `GPU-..`.
    pub uuid: String,
    /// Number among the devices that this process sees.
    pub ordinal: usize,
    /// Major and minor.
    pub compute_capability: (i32, i32),
    /// CUDA version that the driver knows, major and minor.
    pub driver: (i32, i32),
    /// Its processors.
    pub multiprocessors: u32,
    /// Its memory.
    pub memory_bytes: usize,
    /// Shared memory that a block can have.
    pub shared_memory_limit: usize,
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gpu").field(&self.facts).finish()
    }
}

/// Never waits for long, and what it guards is whole after a panic too.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpu {
    /// Opens device number `ordinal` of those that this process sees (`CUDA_VISIBLE_DEVICES`).
    ///
    /// # Errors
    /// [`crate::CudaError::Unavailable`] where there is no such device, or its driver or libraries are missing or too old; other
    /// errors of the driver.
    pub fn open(ordinal: usize) -> Result<Arc<Self>> {
        let driver = unavailable::check(ordinal)?;
        let context = CudaContext::new(ordinal).named("opening the device")?;
        let attribute =
            |attribute| context.attribute(attribute).named("reading what the device is");
        let compute_capability =
            context.compute_capability().named("reading what the device is")?;
        let shared = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
        let processors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let facts = Facts {
            name: context.name().named("reading what the device is")?,
            uuid: uuid(context.uuid().named("reading what the device is")?),
            ordinal,
            compute_capability,
            driver,
            multiprocessors: u32::try_from(processors).unwrap_or(1).max(1),
            memory_bytes: context.total_mem().named("reading what the device is")?,
            shared_memory_limit: usize::try_from(shared).unwrap_or(48 << 10),
        };
        module::check(&facts)?;
        let stream = context.new_stream().named("making a stream")?;
        let mut gpu = Self {
            workspace: Mutex::new(None),
            step: None,
            blas: Blas::open()?,
            modules: Modules::default(),
            shared: Mutex::default(),
            frees: AtomicU64::new(0),
            held: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            facts,
            stream,
            context,
        };
        let (ptr, bytes) = gpu.allocate_raw(size_of::<StepState>(), "the state of a step")?;
        gpu.step = Some(DeviceBuffer::unowned(ptr, bytes));
        Ok(Arc::new(gpu))
    }

    /// What the device is.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Its processors.
    pub fn multiprocessors(&self) -> u32 {
        self.facts.multiprocessors
    }

    /// Shared memory that a block can have, in bytes.
    pub fn shared_memory_limit(&self) -> usize {
        self.facts.shared_memory_limit
    }

    /// Makes the device that of the calling thread.
    pub(crate) fn bind(&self) -> Result<()> {
        self.context.bind_to_thread().named("choosing the device")
    }

    pub(crate) fn stream(&self) -> CUstream {
        self.stream.cu_stream()
    }

    /// Waits until everything in the stream is done.
    ///
    /// # Errors
    /// What became of the kernels since the last call.
    pub fn synchronize(&self) -> Result<()> {
        self.bind()?;
        self.stream.synchronize().named("waiting for the device")
    }

    /// Bytes that are free, and bytes in all.
    ///
    /// # Errors
    /// Of the driver.
    pub fn memory(&self) -> Result<(usize, usize)> {
        self.context.mem_get_info().named("asking for the device's memory")
    }

    /// The most memory that was held at a time since the last call of [`Gpu::reset_peak`], in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Counts the peak anew.
    pub fn reset_peak(&self) {
        self.peak.store(self.held.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// A kernel by its name, without the ending of its dtype, ready for its arguments.
    ///
    /// # Errors
    /// [`crate::CudaError::Kernel`] where this build does not have it.
    pub fn kernel(
        &self,
        module: Module,
        name: &'static str,
        dtype: Option<DType>,
    ) -> Result<Launch<'_>> {
        self.bind()?;
        let suffix = dtype.map_or("", DType::suffix);
        Ok(Launch::new(self, self.modules.function(module, name, suffix)?))
    }

    /// Lets a kernel have more shared memory than is usual.
    #[expect(unsafe_code, reason = "a call of the driver")]
    pub(crate) fn allow_shared(&self, function: Function, bytes: u32) -> Result<()> {
        let mut allowed = lock(&self.shared);
        let allowed = allowed.entry(function.0 as usize).or_default();
        if *allowed < bytes {
            let attribute = FunctionAttribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let value = i32::try_from(bytes).unwrap_or(i32::MAX);
            // SAFETY: the function is of a module that is never unloaded.
            unsafe { result::function::set_function_attribute(function.0, attribute, value) }
                .named("asking for shared memory")?;
            *allowed = bytes;
        }
        Ok(())
    }

    /// Scratch memory of at least so many bytes, whose contents are those of whoever asked last. It lives until the next
    /// call, and its users follow each other in the stream.
    ///
    /// # Errors
    /// [`crate::CudaError::OutOfMemory`].
    pub fn workspace(&self, bytes: usize) -> Result<u64> {
        let mut workspace = lock(&self.workspace);
        match &*workspace {
            Some(buffer) if buffer.bytes() >= bytes => Ok(buffer.ptr()),
            old => {
                // Whoever uses the old one comes first in the stream, and freeing waits for it.
                let had = old.as_ref().map_or(0, DeviceBuffer::bytes);
                let (ptr, bytes) =
                    self.allocate_raw(bytes.max(2 * had).max(1 << 20), "scratch memory")?;
                if let Some(old) = workspace.replace(DeviceBuffer::unowned(ptr, bytes)) {
                    self.free_raw(old.ptr(), old.bytes());
                }
                Ok(ptr)
            }
        }
    }

    pub(crate) fn step_ptr(&self) -> u64 {
        self.step.as_ref().map_or(0, DeviceBuffer::ptr)
    }

    /// Where [`StepState`] lies, for what is uploaded together with it.
    pub fn step_address(&self) -> u64 {
        self.step_ptr()
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        let workspace = lock(&self.workspace).take();
        for buffer in [workspace, self.step.take()].into_iter().flatten() {
            self.free_raw(buffer.ptr(), buffer.bytes());
        }
    }
}

fn uuid(uuid: sys::CUuuid) -> String {
    use std::fmt::Write as _;

    let mut text = String::from("GPU-");
    for (i, byte) in uuid.bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // A string takes all.
        let _ = write!(text, "{:02x}", byte.cast_unsigned());
    }
    text
}
