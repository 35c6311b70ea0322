//! Device memory, and what is copied to it and from it.
#![expect(unsafe_code, reason = "calls of the driver")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cudarc::driver::result;

use crate::device::Gpu;
use crate::error::{CudaError, Named, Result, is_out_of_memory};
use crate::slice::{DType, Ids, Slice, SliceMut};

/// Device memory. It is handed back when it is dropped, behind everything that is in the stream by then.
#[derive(Debug)]
pub struct DeviceBuffer {
    owner: Option<Arc<Gpu>>,
    ptr: u64,
    bytes: usize,
}

impl DeviceBuffer {
    /// Memory that the device itself frees.
    pub(crate) fn unowned(ptr: u64, bytes: usize) -> Self {
        Self { owner: None, ptr, bytes }
    }

    /// The device that it is on.
    pub fn gpu(&self) -> Option<Arc<Gpu>> {
        self.owner.clone()
    }

    /// Copies from its beginning, behind everything that is in the stream.
    ///
    /// # Errors
    /// Of the driver, and of the kernels before it.
    ///
    /// # Panics
    /// When it is smaller, or the device's own.
    pub fn download<T: Plain>(&self, to: &mut [T]) -> Result<()> {
        assert!(size_of_val(to) <= self.bytes);
        self.owner.as_ref().expect("memory with an owner").download(self.ptr, to)
    }

    /// Copies to its beginning, and waits until the host's memory is free again.
    ///
    /// # Errors
    /// Of the driver.
    ///
    /// # Panics
    /// When it is smaller, or the device's own.
    pub fn upload<T: Plain>(&mut self, from: &[T]) -> Result<()> {
        assert!(size_of_val(from) <= self.bytes);
        self.owner.as_ref().expect("memory with an owner").upload(from, self.ptr)
    }

    /// Its address, a multiple of 256.
    pub fn ptr(&self) -> u64 {
        self.ptr
    }

    /// Its size.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its first elements, to be read.
    ///
    /// # Panics
    /// When it has fewer.
    pub fn slice(&self, len: usize, dtype: DType) -> Slice<'_> {
        assert!(len * dtype.bytes() <= self.bytes);
        Slice::new(self.ptr, len, dtype)
    }

    /// Its first elements, to be written.
    ///
    /// # Panics
    /// When it has fewer.
    pub fn slice_mut(&mut self, len: usize, dtype: DType) -> SliceMut<'_> {
        assert!(len * dtype.bytes() <= self.bytes);
        SliceMut::new(self.ptr, len, dtype)
    }

    /// Its numbers from `first` on.
    ///
    /// # Panics
    /// When it has fewer.
    pub fn ids(&self, first: usize, len: usize) -> Ids<'_> {
        assert!((first + len) * size_of::<u32>() <= self.bytes);
        Ids::new(self.ptr + (first * size_of::<u32>()) as u64, len)
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        if let Some(gpu) = self.owner.take() {
            gpu.free_raw(self.ptr, self.bytes);
        }
    }
}

/// Plain old data that is copied as bytes.
///
/// # Safety
/// Every bit pattern is a value, and there is no padding.
pub unsafe trait Plain: Copy {}
// SAFETY: numbers.
unsafe impl Plain for u8 {}
// SAFETY: numbers.
unsafe impl Plain for u16 {}
// SAFETY: numbers.
unsafe impl Plain for u32 {}
// SAFETY: numbers.
unsafe impl Plain for i32 {}
// SAFETY: numbers.
unsafe impl Plain for u64 {}
// SAFETY: numbers.
unsafe impl Plain for f32 {}
// SAFETY: numbers.
unsafe impl Plain for f64 {}

impl Gpu {
    /// New memory, whose contents are unspecified.
    ///
    /// # Errors
    /// [`CudaError::OutOfMemory`].
    pub fn allocate(self: &Arc<Self>, bytes: usize, what: &'static str) -> Result<DeviceBuffer> {
        let (ptr, bytes) = self.allocate_raw(bytes, what)?;
        Ok(DeviceBuffer { owner: Some(Arc::clone(self)), ptr, bytes })
    }

    /// New memory of zeros.
    ///
    /// # Errors
    /// [`CudaError::OutOfMemory`].
    pub fn zeros(self: &Arc<Self>, bytes: usize, what: &'static str) -> Result<DeviceBuffer> {
        let buffer = self.allocate(bytes, what)?;
        self.fill_zero(buffer.ptr, buffer.bytes)?;
        Ok(buffer)
    }

    pub(crate) fn allocate_raw(&self, bytes: usize, what: &'static str) -> Result<(u64, usize)> {
        self.bind()?;
        let bytes = bytes.max(1).next_multiple_of(256);
        // SAFETY: memory without a type, which nobody reads before it is written.
        match unsafe { result::malloc_sync(bytes) } {
            Ok(ptr) => {
                let held = self.held.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
                self.peak.fetch_max(held, Ordering::Relaxed);
                Ok((ptr, bytes))
            }
            Err(error) if is_out_of_memory(error) => {
                let (free, total) = self.memory().unwrap_or_default();
                Err(CudaError::OutOfMemory { what, bytes, free, total })
            }
            Err(error) => Err(CudaError::driver("taking device memory", error)),
        }
    }

    pub(crate) fn free_raw(&self, ptr: u64, bytes: usize) {
        self.frees.fetch_add(1, Ordering::Relaxed);
        self.held.fetch_sub(bytes as u64, Ordering::Relaxed);
        if self.bind().is_ok() {
            // SAFETY: the address is one of `allocate_raw`, and is given back once. Freeing waits for the device. An error
            // here is that of an earlier kernel, which the next call reports.
            let _ = unsafe { result::free_sync(ptr) };
        }
    }

    /// Sets bytes to zero.
    ///
    /// # Errors
    /// Of the driver.
    pub fn fill_zero(&self, ptr: u64, bytes: usize) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: the caller's memory is there; what is in the stream comes first.
        unsafe { result::memset_d8_async(ptr, 0, bytes, self.stream()) }
            .named("filling device memory")
    }

    /// Sets all bits of bytes: lists of numbers that stand for nothing.
    ///
    /// # Errors
    /// Of the driver.
    pub fn fill_ones(&self, ptr: u64, bytes: usize) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's memory is there; what is in the stream comes first.
        unsafe { result::memset_d8_async(ptr, 0xff, bytes, self.stream()) }
            .named("filling device memory")
    }

    /// Copies to the device, and waits until the host's memory is free again.
    ///
    /// # Errors
    /// Of the driver.
    pub fn upload<T: Plain>(&self, from: &[T], to: u64) -> Result<()> {
        if from.is_empty() {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: the caller's memory is there, and has room for as many bytes; the call below waits for the copy.
        unsafe { result::memcpy_htod_async(to, from, self.stream()) }
            .named("copying to the device")?;
        self.synchronize()
    }

    /// Copies from the device, behind everything that is in the stream.
    ///
    /// # Errors
    /// Of the driver, and of the kernels before it.
    pub fn download<T: Plain>(&self, from: u64, to: &mut [T]) -> Result<()> {
        if to.is_empty() {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: the caller's memory is there, and has as many bytes; the call below waits for the copy.
        unsafe { result::memcpy_dtoh_async(to, from, self.stream()) }
            .named("copying from the device")?;
        self.synchronize()
    }

    /// Copies elements within the device; as many as both have, in the same dtype.
    ///
    /// # Errors
    /// Of the driver.
    ///
    /// # Panics
    /// When the two differ in their number or dtype.
    pub fn copy(&self, from: Slice<'_>, to: SliceMut<'_>) -> Result<()> {
        assert!(from.len() == to.len() && from.dtype() == to.dtype());
        if from.is_empty() {
            return Ok(());
        }
        self.bind()?;
        let bytes = from.len() * from.dtype().bytes();
        // SAFETY: both are there, as their lifetimes say.
        unsafe { result::memcpy_dtod_async(to.ptr(), from.ptr(), bytes, self.stream()) }
            .named("copying on the device")
    }
}
