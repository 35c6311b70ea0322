//! Flat storage of one dtype on one device, and the pool that reuses it from step to step.

use candle_core::{CpuStorage, DType};

use crate::error::{EngineError, Result};
use crate::kernels::gemm::PackedMatrix;
use crate::memory::zeroed;

/// Where a buffer's elements live. CUDA storage is one more arm.
#[derive(Debug)]
#[non_exhaustive]
enum Storage {
    Cpu(CpuStorage),
    /// Weights in the order in which a product reads them.
    Packed(PackedMatrix),
}

/// A flat, typed run of elements; shapes are known to the ops, not to the buffer.
///
/// The storage may be larger than `len`, so that a pooled buffer serves smaller batches.
#[derive(Debug)]
pub struct Buffer {
    storage: Storage,
    len: usize,
}

impl Buffer {
    /// Allocates `len` zeroed elements of `dtype` on the CPU.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`] when the allocator refuses, [`EngineError::Unsupported`] for a
    /// dtype other than f32.
    pub fn zeros(len: usize, dtype: DType, what: &str) -> Result<Self> {
        let storage = match dtype {
            DType::F32 => CpuStorage::F32(zeroed(len, what)?),
            other => {
                return Err(EngineError::Unsupported(format!(
                    "buffers of {} are not supported on the CPU; use f32",
                    other.as_str()
                )));
            }
        };
        Ok(Self { storage: Storage::Cpu(storage), len })
    }

    /// Takes over a vector of f32.
    pub fn from_vec(values: Vec<f32>) -> Self {
        let len = values.len();
        Self { storage: Storage::Cpu(CpuStorage::F32(values)), len }
    }

    /// Takes over packed weights; [`Buffer::packed`] gives them.
    pub(crate) fn from_packed(matrix: PackedMatrix) -> Self {
        let len = matrix.depth() * matrix.cols();
        Self { storage: Storage::Packed(matrix), len }
    }

    /// The packed weights that it holds.
    pub(crate) fn packed(&self) -> Option<&PackedMatrix> {
        match &self.storage {
            Storage::Packed(matrix) => Some(matrix),
            Storage::Cpu(_) => None,
        }
    }

    /// Number of elements in use.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no element is in use.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Elements that the storage can hold.
    fn capacity(&self) -> usize {
        match &self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => values.len(),
            Storage::Cpu(_) | Storage::Packed(_) => 0,
        }
    }

    /// Bytes that the storage occupies.
    pub fn bytes(&self) -> usize {
        match &self.storage {
            Storage::Packed(matrix) => matrix.bytes(),
            Storage::Cpu(_) => self.capacity() * size_of::<f32>(),
        }
    }

    /// The elements, when they are f32 in host memory.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for another dtype or device.
    pub fn f32(&self) -> Result<&[f32]> {
        match &self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => Ok(&values[..self.len]),
            Storage::Cpu(_) | Storage::Packed(_) => Err(wrong_storage()),
        }
    }

    /// Mutable form of [`Buffer::f32`].
    ///
    /// # Errors
    /// [`EngineError::Internal`] for another dtype or device.
    pub fn f32_mut(&mut self) -> Result<&mut [f32]> {
        match &mut self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => Ok(&mut values[..self.len]),
            Storage::Cpu(_) | Storage::Packed(_) => Err(wrong_storage()),
        }
    }
}

fn wrong_storage() -> EngineError {
    EngineError::Internal("an f32 host kernel was given a buffer of another kind".to_owned())
}

/// Buffers that are not in use at the moment, kept for the next step.
///
/// Requests are served best fit from what was given back, so once every shape of a workload has
/// been seen, nothing is allocated any more. Batches of many sizes hold little more than the largest needs.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    free: Vec<Buffer>,
    held_bytes: usize,
    allocated_bytes: usize,
    allocations: usize,
}

impl BufferPool {
    /// A buffer of `len` elements whose contents are unspecified.
    pub(crate) fn take(&mut self, len: usize, dtype: DType) -> Result<Buffer> {
        if let Some(mut buffer) = self.reuse(len) {
            buffer.len = len;
            return Ok(buffer);
        }
        let mut buffer = Buffer::zeros(size_class(len), dtype, "an activation buffer")?;
        self.held_bytes += buffer.bytes();
        self.allocated_bytes = self.allocated_bytes.max(self.held_bytes);
        self.allocations += 1;
        buffer.len = len;
        Ok(buffer)
    }

    /// A free buffer for `len` elements, or `None` when a new one is to be made.
    fn reuse(&mut self, len: usize) -> Option<Buffer> {
        let free = || self.free.iter().map(Buffer::capacity).enumerate();
        let fit = free().filter(|&(_, room)| room >= len).min_by_key(|&(_, room)| room);
        let snug = fit.filter(|&(_, room)| room <= 2 * len);
        if snug.is_none() {
            // One that is a little too small gives its memory to a larger one in its place. Without that,
            // batches that grow would leave a set of buffers each, or take those that are meant for more.
            let small = free().filter(|&(_, room)| room < len && room >= len / 2);
            if let Some((i, _)) = small.max_by_key(|&(_, room)| room) {
                self.held_bytes -= self.free.swap_remove(i).bytes();
                return None;
            }
        }
        fit.map(|(i, _)| self.free.swap_remove(i))
    }

    /// Hands a buffer back for reuse.
    pub(crate) fn give(&mut self, buffer: Buffer) {
        self.free.push(buffer);
    }

    /// Releases the buffers that are not in use.
    pub(crate) fn release(&mut self) {
        self.held_bytes -= self.free.drain(..).map(|buffer| buffer.bytes()).sum::<usize>();
    }

    /// Most bytes that were held at a time.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.allocated_bytes
    }

    /// How often a request could not be served from the pool.
    pub(crate) fn allocations(&self) -> usize {
        self.allocations
    }
}

/// Rounds a length up by at most an eighth, so that batches of nearly equal size share buffers.
fn size_class(len: usize) -> usize {
    let step = (len.next_power_of_two() / 16).max(16);
    len.div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_reuses_and_counts() {
        let mut pool = BufferPool::default();
        let a = pool.take(1000, DType::F32).unwrap();
        let b = pool.take(10, DType::F32).unwrap();
        pool.give(a);
        pool.give(b);
        let c = pool.take(12, DType::F32).unwrap();
        assert!(c.bytes() < 1000, "best fit takes the small buffer");
        let d = pool.take(900, DType::F32).unwrap();
        assert_eq!((c.len(), d.len(), pool.allocations()), (12, 900, 2));
    }

    #[test]
    fn an_impossible_size_is_an_error_and_not_an_abort() {
        let error = Buffer::zeros(1 << 60, DType::F32, "a test").unwrap_err();
        assert!(matches!(error, EngineError::OutOfMemory { .. }));
    }
}
