//! Host memory that the device reads by itself, so that small uploads do not wait.
#![expect(unsafe_code, reason = "calls of the driver")]

use std::sync::Arc;

use cudarc::driver::result;

use crate::device::Gpu;
use crate::error::{CudaError, Named, Result};
use crate::memory::Plain;

/// A ring of two halves of page-locked memory: one is written while the device may still read the other.
#[derive(Debug)]
pub struct Pinned {
    gpu: Arc<Gpu>,
    halves: [Half; 2],
    next: usize,
}

#[derive(Debug)]
struct Half {
    ptr: *mut u8,
    bytes: usize,
    /// Recorded behind the last copy from it.
    event: cudarc::driver::sys::CUevent,
}

// SAFETY: the memory is this value's alone, and `&Pinned` gives nothing of it.
unsafe impl Send for Pinned {}
// SAFETY: as above.
unsafe impl Sync for Pinned {}

impl Pinned {
    /// Two halves of `bytes`.
    ///
    /// # Errors
    /// Of the driver.
    pub fn new(gpu: &Arc<Gpu>, bytes: usize) -> Result<Self> {
        gpu.bind()?;
        let half = || -> Result<Half> {
            let flags = cudarc::driver::sys::CUevent_flags::CU_EVENT_DISABLE_TIMING;
            let event = result::event::create(flags).named("making an event")?;
            // SAFETY: bytes without a type, freed in `drop`.
            let ptr = unsafe { result::malloc_host(bytes.max(1), 0) }
                .map_err(|error| CudaError::driver("taking page-locked host memory", error))?;
            Ok(Half { ptr: ptr.cast(), bytes, event })
        };
        Ok(Self { gpu: Arc::clone(gpu), halves: [half()?, half()?], next: 0 })
    }

    /// Bytes of a half.
    pub fn bytes(&self) -> usize {
        self.halves[0].bytes
    }

    /// Copies `pieces` behind one another to the device address `to`, through the half whose turn it is. It waits only
    /// for the copy before the last.
    ///
    /// # Errors
    /// Of the driver.
    ///
    /// # Panics
    /// When they do not fit into a half.
    pub fn upload(&mut self, pieces: &[&[u8]], to: u64) -> Result<()> {
        let total: usize = pieces.iter().map(|piece| piece.len()).sum();
        let half = &self.halves[self.next];
        assert!(total <= half.bytes, "an upload of {total} bytes through {}", half.bytes);
        if total == 0 {
            return Ok(());
        }
        self.gpu.bind()?;
        // SAFETY: an event that was never recorded is done.
        unsafe { result::event::synchronize(half.event) }.named("waiting for an upload")?;
        let mut at = 0;
        for piece in pieces {
            // SAFETY: there is room for all pieces, as was just seen, and the device reads none of it any more.
            unsafe { std::ptr::copy_nonoverlapping(piece.as_ptr(), half.ptr.add(at), piece.len()) };
            at += piece.len();
        }
        // SAFETY: these bytes were just written.
        let bytes = unsafe { std::slice::from_raw_parts(half.ptr, total) };
        // SAFETY: the caller's device memory is there; the half is not written before its event.
        unsafe { result::memcpy_htod_async(to, bytes, self.gpu.stream()) }
            .named("copying to the device")?;
        // SAFETY: both are there.
        unsafe { result::event::record(half.event, self.gpu.stream()) }
            .named("recording an event")?;
        self.next = 1 - self.next;
        Ok(())
    }
}

/// The bytes of numbers.
pub fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: plain data without padding.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.gpu.bind().is_err() {
            return;
        }
        for half in &self.halves {
            // SAFETY: the device is done with it behind its event; both are this value's alone.
            unsafe {
                let _ = result::event::synchronize(half.event);
                let _ = result::free_host(half.ptr.cast());
                let _ = result::event::destroy(half.event);
            }
        }
    }
}
