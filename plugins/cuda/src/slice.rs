//! Typed views of device memory.

use std::marker::PhantomData;
use std::ops::Range;

/// The type of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE single precision.
    F32,
    /// bfloat16.
    Bf16,
}

impl DType {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// How names of kernels end.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::F32 => "_f32",
            Self::Bf16 => "_bf16",
        }
    }
}

/// Elements in device memory, to be read.
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    ptr: u64,
    len: usize,
    dtype: DType,
    owner: PhantomData<&'a ()>,
}

/// Elements in device memory, to be written.
#[derive(Debug)]
pub struct SliceMut<'a> {
    ptr: u64,
    len: usize,
    dtype: DType,
    owner: PhantomData<&'a mut ()>,
}

/// u32 numbers in device memory: ids, positions, work lists.
#[derive(Debug, Clone, Copy)]
pub struct Ids<'a> {
    ptr: u64,
    len: usize,
    owner: PhantomData<&'a ()>,
}

impl Slice<'_> {
    pub(crate) fn new(ptr: u64, len: usize, dtype: DType) -> Self {
        Self { ptr, len, dtype, owner: PhantomData }
    }

    /// Address of the first element.
    pub fn ptr(&self) -> u64 {
        self.ptr
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Their type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Some of the elements.
    ///
    /// # Panics
    /// When they are not all there.
    #[must_use]
    pub fn range(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len);
        let ptr = self.ptr + (range.start * self.dtype.bytes()) as u64;
        Self { ptr, len: range.len(), ..self }
    }
}

impl<'a> SliceMut<'a> {
    pub(crate) fn new(ptr: u64, len: usize, dtype: DType) -> Self {
        Self { ptr, len, dtype, owner: PhantomData }
    }

    /// Address of the first element.
    pub fn ptr(&self) -> u64 {
        self.ptr
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Their type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The same for a shorter time.
    pub fn reborrow(&mut self) -> SliceMut<'_> {
        SliceMut::new(self.ptr, self.len, self.dtype)
    }

    /// To be read.
    pub fn as_slice(&self) -> Slice<'_> {
        Slice::new(self.ptr, self.len, self.dtype)
    }

    /// Some of the elements.
    ///
    /// # Panics
    /// When they are not all there.
    #[must_use]
    pub fn range(self, range: Range<usize>) -> SliceMut<'a> {
        assert!(range.start <= range.end && range.end <= self.len);
        let ptr = self.ptr + (range.start * self.dtype.bytes()) as u64;
        SliceMut::new(ptr, range.len(), self.dtype)
    }
}

impl<'a> Ids<'a> {
    /// The numbers as the bits of f32.
    pub fn as_f32(self) -> Slice<'a> {
        Slice::new(self.ptr, self.len, DType::F32)
    }

    /// Numbers at an address, which stay there as long as this view is used.
    pub fn new(ptr: u64, len: usize) -> Self {
        Self { ptr, len, owner: PhantomData }
    }

    /// Address of the first number.
    pub fn ptr(&self) -> u64 {
        self.ptr
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
