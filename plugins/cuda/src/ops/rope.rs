//! Rotary positions: pairs of a head's elements turn by an angle that grows with the position.

use super::teams::pack;
use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{DType, Ids, Slice, SliceMut};

/// Cosine and sine of each position's angles, of floats.
#[derive(Debug, Clone, Copy)]
pub struct Angles<'a> {
    /// `[positions, head_dim / 2]`
    pub cos: Slice<'a>,
    /// `[positions, head_dim / 2]`
    pub sin: Slice<'a>,
}

/// Turns the first `heads` heads of each row of x `[T, width]`; `position_ids` `[T]`, where `u32::MAX` stands for rows
/// that only pad a batch and stay as they are. The caller has checked that the others have angles.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the sizes or types contradict each other, or `head_dim` is odd.
pub fn forward(
    gpu: &Gpu,
    x: SliceMut<'_>,
    width: usize,
    heads: (usize, usize),
    position_ids: Ids<'_>,
    angles: Angles<'_>,
) -> Result<()> {
    launch(gpu, x, width, heads, position_ids, angles, false)
}

/// Gradient of [`forward`], in place: the same heads turn back by the same angles.
///
/// # Errors
/// As for [`forward`].
///
/// # Panics
/// As for [`forward`].
pub fn backward(
    gpu: &Gpu,
    dx: SliceMut<'_>,
    width: usize,
    heads: (usize, usize),
    position_ids: Ids<'_>,
    angles: Angles<'_>,
) -> Result<()> {
    launch(gpu, dx, width, heads, position_ids, angles, true)
}

fn launch(
    gpu: &Gpu,
    mut x: SliceMut<'_>,
    width: usize,
    (heads, head_dim): (usize, usize),
    position_ids: Ids<'_>,
    angles: Angles<'_>,
    back: bool,
) -> Result<()> {
    let (dtype, half) = (x.dtype(), head_dim / 2);
    assert!(
        x.len() == position_ids.len() * width
            && heads * head_dim <= width
            && head_dim.is_multiple_of(2)
    );
    assert!(angles.cos.len() == angles.sin.len() && angles.cos.len().is_multiple_of(half.max(1)));
    assert!(angles.cos.dtype() == DType::F32 && angles.sin.dtype() == DType::F32);
    // A thread for each pack of pairs.
    let units = heads * half.div_ceil(pack(dtype));
    let launch = gpu
        .kernel(Module::Embedding, "kb_rope", Some(dtype))?
        .grid(position_ids.len(), 1, 1)
        .block(units.next_multiple_of(32).clamp(32, 256) as u32)
        .slice_mut(&mut x)
        .u32(width)
        .u32(heads)
        .u32(half)
        .ids(position_ids)
        .slice(angles.cos)
        .slice(angles.sin)
        .u32(usize::from(back));
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}
