//! One hidden state of each sequence: what heads of sequences begin with.

use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{Ids, Slice, SliceMut};

/// Warps of a block, each with a row.
const WARPS: usize = 4;

/// out `[B, width]`: row `tokens[b]` of x `[T, width]` for each b, zeros for `u32::MAX`. The caller has checked
/// that the others are in range.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn forward(
    gpu: &Gpu,
    x: Slice<'_>,
    tokens: Ids<'_>,
    width: usize,
    mut out: SliceMut<'_>,
) -> Result<()> {
    assert!(
        out.len() == tokens.len() * width
            && out.dtype() == x.dtype()
            && x.len().is_multiple_of(width)
    );
    let launch = gpu
        .kernel(Module::Embedding, "kb_pick_forward", Some(x.dtype()))?
        .grid(tokens.len().div_ceil(WARPS), 1, 1)
        .block(32 * WARPS as u32)
        .slice(x)
        .ids(tokens)
        .slice_mut(&mut out)
        .u32(tokens.len())
        .u32(width);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}

/// Gradient of [`forward`]: dx `[T, width]` is row b of dout `[B, width]` in row `tokens[b]`, and 0 elsewhere. Tokens
/// must ascend, with `u32::MAX` only behind the others.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn backward(
    gpu: &Gpu,
    dout: Slice<'_>,
    tokens: Ids<'_>,
    width: usize,
    mut dx: SliceMut<'_>,
) -> Result<()> {
    assert!(
        dout.len() == tokens.len() * width
            && dx.dtype() == dout.dtype()
            && dx.len().is_multiple_of(width)
    );
    let rows = dx.len() / width;
    let launch = gpu
        .kernel(Module::Embedding, "kb_pick_backward", Some(dx.dtype()))?
        .grid(rows.div_ceil(WARPS), 1, 1)
        .block(32 * WARPS as u32)
        .slice(dout)
        .ids(tokens)
        .slice_mut(&mut dx)
        .u32(tokens.len())
        .u32(rows)
        .u32(width);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}
