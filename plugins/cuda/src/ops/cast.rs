//! Copies that change the type of elements or the distance of rows.

use super::teams::Strips;
use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{DType, Slice, SliceMut};

/// A row of a long vector, so that all warps of a block have one.
const ROW: usize = 4096;

/// Copies as many elements as both have, in their own types, rounding to nearest.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices differ in length.
pub fn cast(gpu: &Gpu, from: Slice<'_>, to: SliceMut<'_>) -> Result<()> {
    assert_eq!(from.len(), to.len());
    if from.dtype() == to.dtype() {
        return gpu.copy(from, to);
    }
    let whole = from.len() / ROW * ROW;
    let mut to = to;
    rows(gpu, from.range(0..whole), ROW, to.reborrow().range(0..whole), ROW, ROW)?;
    let rest = from.len() - whole;
    rows(gpu, from.range(whole..whole + rest), rest, to.range(whole..whole + rest), rest, rest)
}

/// Copies the first `width` elements of rows that lie `from_stride` elements apart to rows that lie `to_stride` apart,
/// in their own types. The last row need not be longer than `width`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices have different numbers of rows, or rows are shorter than `width`.
pub fn rows(
    gpu: &Gpu,
    from: Slice<'_>,
    from_stride: usize,
    mut to: SliceMut<'_>,
    to_stride: usize,
    width: usize,
) -> Result<()> {
    if width == 0 {
        return Ok(());
    }
    assert!(width <= from_stride && width <= to_stride);
    let count = |len: usize, stride: usize| len / stride + usize::from(len % stride >= width);
    let rows = count(from.len(), from_stride);
    assert_eq!(rows, count(to.len(), to_stride));
    let name = match to.dtype() {
        DType::F32 => "kb_cast_to_f32",
        DType::Bf16 => "kb_cast_to_bf16",
    };
    if rows == 0 {
        return Ok(());
    }
    let strips = Strips::new(gpu, rows, width, 8, 1);
    let launch = gpu
        .kernel(Module::Elementwise, name, Some(from.dtype()))?
        .grid(strips.x, strips.y, 1)
        .block(Strips::THREADS)
        .slice(from)
        .slice_mut(&mut to)
        .u32(rows)
        .u32(width)
        .u64(from_stride as u64)
        .u64(to_stride as u64);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and both have so many rows.
    unsafe {
        launch.run()
    }
}

/// Zeros in the rows of x `[T, width]` behind the step's last token ([`crate::StepState::tokens`]), which
/// pad a batch to its bucket.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When x has no whole rows.
pub fn clear_padding(gpu: &Gpu, mut x: SliceMut<'_>, width: usize) -> Result<()> {
    assert!(x.len().is_multiple_of(width));
    let (rows, dtype) = (x.len() / width, x.dtype());
    let launch = gpu
        .kernel(Module::Rows, "kb_clear_padding", Some(dtype))?
        .grid((gpu.multiprocessors() as usize).min(rows), 1, 1)
        .block(256)
        .slice_mut(&mut x)
        .u32(rows)
        .u32(width)
        .step();
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}
