//! How rows and columns are dealt out to blocks, as kernels/rows.cuh has it.

use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{DType, SliceMut};

/// Widest row that a warp holds.
const NARROW: usize = 1024;
/// Widest row that a block holds.
const WIDEST: usize = 8192;
/// Warps of a block where each has a row.
const WARPS: usize = 4;

/// A launch of a kernel that holds rows in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Teams {
    /// Whether a whole block has a row: the kernel with `_wide` in its name.
    pub(super) wide: bool,
    /// Blocks that give every row a team of its own.
    pub(super) blocks: usize,
    /// Threads of a block.
    pub(super) threads: u32,
    rows: usize,
    width: usize,
}

impl Teams {
    /// For some rows of `width` elements.
    ///
    /// # Panics
    /// When rows have more than 8192 elements, or none.
    pub(super) fn new(rows: usize, width: usize) -> Self {
        assert!((1..=WIDEST).contains(&width), "rows of {width} elements");
        match width > NARROW {
            // Sixteen elements a thread.
            true => {
                let threads = width.div_ceil(16).next_multiple_of(32) as u32;
                Self { wide: true, blocks: rows, threads, rows, width }
            }
            false => {
                let threads = 32 * WARPS as u32;
                Self { wide: false, blocks: rows.div_ceil(WARPS), threads, rows, width }
            }
        }
    }

    /// Blocks of a pass that keeps sums over its rows: not more than run at a time, and two rows or more for each team.
    pub(super) fn summing(&self, gpu: &Gpu, dtype: DType) -> usize {
        let teams = if self.wide { 1 } else { WARPS };
        // What their registers have room for; floats take more of them.
        let together = if dtype == DType::Bf16 { 3 } else { 2 };
        self.rows.div_ceil(2 * teams).min(together * gpu.multiprocessors() as usize)
    }

    /// Bytes of shared memory in which warps join `width` sums.
    pub(super) fn shared(&self) -> usize {
        if self.wide { 0 } else { self.width * size_of::<f32>() }
    }
}

/// Blocks over strips of columns, and over rows, where a block of 256 threads walks down a strip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strips {
    /// Strips.
    pub(super) x: usize,
    /// Blocks that share the rows of each.
    pub(super) y: usize,
}

impl Strips {
    /// Threads of a block.
    pub(super) const THREADS: u32 = 256;

    /// For a pass over packs of so many elements, whose warps have `depth` rows in flight. There are more
    /// blocks than run at a time, so that all processors end together.
    pub(super) fn new(gpu: &Gpu, rows: usize, width: usize, elements: usize, depth: usize) -> Self {
        Self::over(16 * gpu.multiprocessors() as usize, rows, width, elements, depth)
    }

    /// For a pass that leaves sums of each block: not more of them than run at a time.
    pub(super) fn summing(
        gpu: &Gpu,
        rows: usize,
        width: usize,
        elements: usize,
        depth: usize,
    ) -> Self {
        Self::over(3 * gpu.multiprocessors() as usize, rows, width, elements, depth)
    }

    fn over(blocks: usize, rows: usize, width: usize, elements: usize, depth: usize) -> Self {
        let x = width.div_ceil(32 * elements);
        Self { x, y: rows.div_ceil(8 * depth).clamp(1, blocks.div_ceil(x.max(1))) }
    }
}

/// Elements of a pack of sixteen bytes.
pub(super) fn pack(dtype: DType) -> usize {
    16 / dtype.bytes()
}

/// Blocks of 256 threads over elements that each stand alone.
pub(super) fn flat_blocks(gpu: &Gpu, count: usize, dtype: DType) -> usize {
    count.div_ceil(256 * pack(dtype)).min(16 * gpu.multiprocessors() as usize)
}

/// Sums over `count` parts at the address `parts`, each of as many floats as both results together.
pub(super) fn sum_parts(
    gpu: &Gpu,
    parts: u64,
    count: usize,
    mut first: SliceMut<'_>,
    mut second: Option<SliceMut<'_>>,
    add: bool,
) -> Result<()> {
    let split = first.len();
    let columns = split + second.as_ref().map_or(0, SliceMut::len);
    let launch = gpu
        .kernel(Module::Rows, "kb_sum_parts", None)?
        .grid(columns.div_ceil(32), 1, 1)
        .block(512)
        .ptr(parts)
        .u32(count)
        .u32(columns)
        .slice_mut(&mut first)
        .u32(split)
        .optional_mut(second.as_mut())
        .u32(usize::from(add));
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and there are `count` parts.
    unsafe {
        launch.run()
    }
}

#[cfg(test)]
mod tests {
    use super::{Strips, Teams};

    #[test]
    fn every_element_has_a_thread() {
        for width in (1..=8192).step_by(7).chain([8192]) {
            let teams = Teams::new(5, width);
            let room = if teams.wide { 16 * teams.threads as usize } else { 1024 };
            assert!(
                room >= width && teams.threads <= 512 && teams.threads.is_multiple_of(32),
                "{width}"
            );
        }
        assert_eq!((Teams::new(5, 768).blocks, Teams::new(5, 3584).blocks), (2, 5));
        assert_eq!(Teams::new(5, 3584).threads, 224);
    }

    #[test]
    fn strips_fill_the_device_and_no_more() {
        assert_eq!(Strips::over(396, 8192, 3072, 8, 4), Strips { x: 12, y: 33 });
        assert_eq!(Strips::over(396, 32, 768, 8, 4), Strips { x: 3, y: 1 });
        assert_eq!(Strips::over(396, 0, 2, 4, 4), Strips { x: 1, y: 1 });
    }
}
