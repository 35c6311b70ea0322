//! Flat storage of one dtype on one device, and the pool that reuses it from step to step.

use std::borrow::Cow;

use candle_core::CpuStorage;

use crate::device::Device;
use crate::error::{EngineError, Result};
use crate::kernels::gemm::PackedMatrix;
use crate::memory::zeroed;

/// The type of a buffer's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// IEEE single precision.
    F32,
    /// bfloat16; on devices alone.
    Bf16,
}

impl Element {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }
}

/// Where a buffer's elements live.
#[derive(Debug)]
#[non_exhaustive]
enum Storage {
    Cpu(CpuStorage),
    /// Weights in the order in which a product reads them.
    Packed(PackedMatrix),
    /// Memory of a device, which has no type of its own.
    #[cfg(feature = "cuda")]
    Device(kobench_cuda::DeviceBuffer, Element),
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
    /// Allocates `len` zeroed elements in the host's memory.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`] when the allocator refuses.
    pub fn zeros(len: usize, what: &str) -> Result<Self> {
        Ok(Self::from_vec(zeroed(len, what)?))
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
            #[cfg(feature = "cuda")]
            Storage::Device(..) => None,
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

    /// Their type.
    pub fn element(&self) -> Element {
        match &self.storage {
            Storage::Cpu(_) | Storage::Packed(_) => Element::F32,
            #[cfg(feature = "cuda")]
            Storage::Device(_, element) => *element,
        }
    }

    /// Bytes that the storage can hold.
    fn capacity(&self) -> usize {
        match &self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => size_of_val(values.as_slice()),
            Storage::Cpu(_) | Storage::Packed(_) => 0,
            #[cfg(feature = "cuda")]
            Storage::Device(buffer, _) => buffer.bytes(),
        }
    }

    /// Bytes that the storage occupies.
    pub fn bytes(&self) -> usize {
        match &self.storage {
            Storage::Packed(matrix) => matrix.bytes(),
            _ => self.capacity(),
        }
    }

    /// The elements, when they are f32 in host memory.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for another dtype or device.
    pub fn f32(&self) -> Result<&[f32]> {
        match &self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => Ok(&values[..self.len]),
            _ => Err(wrong_storage()),
        }
    }

    /// The elements as f32, copied to the host's memory where they are elsewhere.
    ///
    /// # Errors
    /// Of the device, and [`EngineError::Internal`] for packed weights.
    pub fn host(&self) -> Result<Cow<'_, [f32]>> {
        match &self.storage {
            Storage::Cpu(_) | Storage::Packed(_) => Ok(Cow::Borrowed(self.f32()?)),
            #[cfg(feature = "cuda")]
            Storage::Device(buffer, element) => {
                let mut values = vec![0.0; self.len];
                match element {
                    Element::F32 => buffer.download(&mut values)?,
                    Element::Bf16 => {
                        let mut bits = vec![0_u16; self.len];
                        buffer.download(&mut bits)?;
                        for (value, bits) in values.iter_mut().zip(bits) {
                            *value = half::bf16::from_bits(bits).to_f32();
                        }
                    }
                }
                Ok(Cow::Owned(values))
            }
        }
    }

    /// Replaces the elements, which are f32, wherever they are.
    ///
    /// # Errors
    /// Of the device, and [`EngineError::Internal`] for another dtype.
    pub fn set(&mut self, values: &[f32]) -> Result<()> {
        match &mut self.storage {
            #[cfg(feature = "cuda")]
            Storage::Device(buffer, Element::F32) => Ok(buffer.upload(values)?),
            _ => {
                self.f32_mut()?.copy_from_slice(values);
                Ok(())
            }
        }
    }

    /// Mutable form of [`Buffer::f32`].
    ///
    /// # Errors
    /// [`EngineError::Internal`] for another dtype or device.
    pub fn f32_mut(&mut self) -> Result<&mut [f32]> {
        match &mut self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => Ok(&mut values[..self.len]),
            _ => Err(wrong_storage()),
        }
    }
}

fn wrong_storage() -> EngineError {
    EngineError::Internal("an operation was given a buffer of another device".to_owned())
}

#[cfg(feature = "cuda")]
mod device {
    use std::sync::Arc;

    use kobench_cuda::{DType, DeviceBuffer, Gpu, Slice, SliceMut};

    use super::{Buffer, Element, Storage, wrong_storage};
    use crate::error::Result;

    impl From<Element> for DType {
        fn from(element: Element) -> Self {
            match element {
                Element::F32 => Self::F32,
                Element::Bf16 => Self::Bf16,
            }
        }
    }

    impl Buffer {
        /// Takes over device memory of which `len` elements are in use.
        pub(crate) fn from_device(buffer: DeviceBuffer, len: usize, element: Element) -> Self {
            Self { storage: Storage::Device(buffer, element), len }
        }

        /// The elements, when they are in a device's memory.
        ///
        /// # Errors
        /// [`crate::EngineError::Internal`] for a buffer of the host.
        pub(crate) fn device(&self) -> Result<Slice<'_>> {
            match &self.storage {
                Storage::Device(buffer, element) => Ok(buffer.slice(self.len, (*element).into())),
                _ => Err(wrong_storage()),
            }
        }

        /// The device that it is on.
        pub(crate) fn gpu(&self) -> Option<Arc<Gpu>> {
            match &self.storage {
                Storage::Device(buffer, _) => buffer.gpu(),
                _ => None,
            }
        }

        /// Mutable form of [`Buffer::device`].
        ///
        /// # Errors
        /// [`crate::EngineError::Internal`] for a buffer of the host.
        pub(crate) fn device_mut(&mut self) -> Result<SliceMut<'_>> {
            match &mut self.storage {
                Storage::Device(buffer, element) => {
                    Ok(buffer.slice_mut(self.len, (*element).into()))
                }
                _ => Err(wrong_storage()),
            }
        }

        /// Says what its elements are from now on, where memory has no type of its own.
        pub(super) fn set_element(&mut self, new: Element) {
            if let Storage::Device(_, element) = &mut self.storage {
                *element = new;
            }
        }
    }
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
    /// A buffer of `len` elements on `device`, whose contents are unspecified.
    pub(crate) fn take(&mut self, device: &Device, len: usize, element: Element) -> Result<Buffer> {
        if let Some(mut buffer) = self.reuse(len * element.bytes()) {
            buffer.len = len;
            #[cfg(feature = "cuda")]
            buffer.set_element(element);
            return Ok(buffer);
        }
        let mut buffer = match allocate(device, len, element) {
            // What is not in use may be what is missing.
            Err(EngineError::OutOfDeviceMemory(_)) if !self.free.is_empty() => {
                self.release();
                allocate(device, len, element)?
            }
            other => other?,
        };
        self.held_bytes += buffer.bytes();
        self.allocated_bytes = self.allocated_bytes.max(self.held_bytes);
        self.allocations += 1;
        buffer.len = len;
        Ok(buffer)
    }

    /// A free buffer for so many bytes, or `None` when a new one is to be made.
    fn reuse(&mut self, bytes: usize) -> Option<Buffer> {
        let free = || self.free.iter().map(Buffer::capacity).enumerate();
        let fit = free().filter(|&(_, room)| room >= bytes).min_by_key(|&(_, room)| room);
        let snug = fit.filter(|&(_, room)| room <= 2 * bytes);
        if snug.is_none() {
            // One that is a little too small gives its memory to a larger one in its place. Without that,
            // batches that grow would leave a set of buffers each, or take those that are meant for more.
            let small = free().filter(|&(_, room)| room < bytes && room >= bytes / 2);
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

fn allocate(device: &Device, len: usize, element: Element) -> Result<Buffer> {
    let what = "an activation buffer";
    match (device, element) {
        (Device::Cpu, Element::F32) => Buffer::zeros(size_class(len), what),
        (Device::Cpu, Element::Bf16) => {
            Err(EngineError::Unsupported("buffers of the host are f32".to_owned()))
        }
        #[cfg(feature = "cuda")]
        (Device::Cuda(gpu), element) => {
            let len = size_class(len);
            let buffer = gpu.allocate(len * element.bytes(), what)?;
            Ok(Buffer::from_device(buffer, len, element))
        }
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
        let take = |pool: &mut BufferPool, len| pool.take(&Device::Cpu, len, Element::F32).unwrap();
        let a = take(&mut pool, 1000);
        let b = take(&mut pool, 10);
        pool.give(a);
        pool.give(b);
        let c = take(&mut pool, 12);
        assert!(c.bytes() < 1000, "best fit takes the small buffer");
        let d = take(&mut pool, 900);
        assert_eq!((c.len(), d.len(), pool.allocations()), (12, 900, 2));
    }

    #[test]
    fn an_impossible_size_is_an_error_and_not_an_abort() {
        let error = Buffer::zeros(1 << 60, "a test").unwrap_err();
        assert!(matches!(error, EngineError::OutOfMemory { .. }));
    }
}
