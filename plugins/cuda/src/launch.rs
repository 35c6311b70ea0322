//! Launching a kernel: its grid, and its arguments in order.

use std::ffi::c_void;

use cudarc::driver::sys::CUfunction;

use crate::device::Gpu;
use crate::error::{Named, Result};
use crate::slice::{Ids, Slice, SliceMut};
use crate::step::Dropout;

/// Most arguments of a kernel.
const MOST: usize = 40;
/// Shared memory that every kernel may have without asking, in bytes.
const USUAL_SHARED: u32 = 48 << 10;

/// A launch that is being put together.
#[derive(Debug)]
#[must_use]
pub struct Launch<'a> {
    gpu: &'a Gpu,
    function: Function,
    grid: [u32; 3],
    block: u32,
    shared: u32,
    /// Values of at most 16 bytes each; the driver reads as many as the kernel's signature says.
    values: [[u64; 2]; MOST],
    count: usize,
}

/// A kernel of a module that is never unloaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Function(pub(crate) CUfunction);

#[expect(unsafe_code, reason = "a handle of the driver, which may be used from any thread")]
// SAFETY: the driver's functions take the handle from any thread in whose context it was made.
unsafe impl Send for Function {}

impl<'a> Launch<'a> {
    pub(crate) fn new(gpu: &'a Gpu, function: Function) -> Self {
        Self { gpu, function, grid: [1; 3], block: 1, shared: 0, values: [[0; 2]; MOST], count: 0 }
    }

    /// Blocks in each direction.
    ///
    /// # Panics
    /// When there are 2^32 or more.
    pub fn grid(mut self, x: usize, y: usize, z: usize) -> Self {
        self.grid = [x, y, z].map(|n| u32::try_from(n).expect("fewer than 2^32 blocks"));
        self
    }

    /// Threads of a block.
    pub fn block(mut self, threads: u32) -> Self {
        self.block = threads;
        self
    }

    /// Bytes of dynamic shared memory.
    ///
    /// # Panics
    /// When there are 2^32 or more.
    pub fn shared(mut self, bytes: usize) -> Self {
        self.shared = u32::try_from(bytes).expect("less than 2^32 bytes of shared memory");
        self
    }

    fn push(mut self, value: [u64; 2]) -> Self {
        self.values[self.count] = value;
        self.count += 1;
        self
    }

    /// An address.
    pub fn ptr(self, ptr: u64) -> Self {
        self.push([ptr, 0])
    }

    /// The address of elements to be read.
    pub fn slice(self, slice: Slice<'_>) -> Self {
        self.ptr(slice.ptr())
    }

    /// The address of elements to be read, or NULL.
    pub fn optional(self, slice: Option<Slice<'_>>) -> Self {
        self.ptr(slice.map_or(0, |slice| slice.ptr()))
    }

    /// The address of elements to be written.
    pub fn slice_mut(self, slice: &mut SliceMut<'_>) -> Self {
        self.ptr(slice.ptr())
    }

    /// The address of elements to be written, or NULL.
    pub fn optional_mut(self, slice: Option<&mut SliceMut<'_>>) -> Self {
        self.ptr(slice.map_or(0, |slice| slice.ptr()))
    }

    /// The address of numbers.
    pub fn ids(self, ids: Ids<'_>) -> Self {
        self.ptr(ids.ptr())
    }

    /// The address of the step's state.
    pub fn step(self) -> Self {
        let ptr = self.gpu.step_ptr();
        self.ptr(ptr)
    }

    /// A u32 (or an int that is not negative).
    ///
    /// # Panics
    /// When it has more than 32 bits.
    pub fn u32(self, value: usize) -> Self {
        let value = u32::try_from(value).expect("a size below 2^32");
        self.push([u64::from(value), 0])
    }

    /// A u64.
    pub fn u64(self, value: u64) -> Self {
        self.push([value, 0])
    }

    /// A float.
    pub fn f32(self, value: f32) -> Self {
        self.push([u64::from(value.to_bits()), 0])
    }

    /// A double.
    pub fn f64(self, value: f64) -> Self {
        self.push([value.to_bits(), 0])
    }

    /// A `kb_dropout`.
    pub fn dropout(self, dropout: Dropout) -> Self {
        let Dropout { site, threshold, scale, reserved } = dropout;
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        self.push([pair(site, threshold), pair(scale.to_bits(), reserved)])
    }

    /// Puts the launch into the stream. Nothing happens where the grid is empty.
    ///
    /// # Errors
    /// What the driver says of the launch, or of an earlier kernel that failed.
    ///
    /// # Safety
    /// The arguments are those of the kernel, in its order, and the memory that it reads and writes is there.
    #[expect(unsafe_code, reason = "only the kernel's signature says what its arguments are")]
    pub unsafe fn run(mut self) -> Result<()> {
        if self.grid.contains(&0) {
            return Ok(());
        }
        self.gpu.bind()?;
        if self.shared > USUAL_SHARED {
            self.gpu.allow_shared(self.function, self.shared)?;
        }
        let mut arguments: [*mut c_void; MOST] = [std::ptr::null_mut(); MOST];
        for (argument, value) in arguments.iter_mut().zip(&mut self.values[..self.count]) {
            *argument = std::ptr::from_mut(value).cast();
        }
        let [x, y, z] = self.grid;
        // SAFETY: the caller's promise; the arguments live until the call returns, which copies them.
        let launched = unsafe {
            cudarc::driver::result::launch_kernel(
                self.function.0,
                (x, y, z),
                (self.block, 1, 1),
                self.shared,
                self.gpu.stream(),
                &mut arguments[..self.count],
            )
        };
        launched.named("the launch of a kernel")
    }
}
