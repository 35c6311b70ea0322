//! The middle of a gated feed-forward part: y = act(gate) * up.

use super::activation::Activation;
use super::teams::{Strips, pack};
use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{Slice, SliceMut};

/// y `[rows, width]` from `gate_up` `[rows, 2 width]`, the gate first.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn forward(
    gpu: &Gpu,
    gate_up: Slice<'_>,
    width: usize,
    act: Activation,
    mut y: SliceMut<'_>,
) -> Result<()> {
    let (rows, dtype) = (y.len() / width, y.dtype());
    assert!(
        gate_up.len() == 2 * y.len() && y.len().is_multiple_of(width) && gate_up.dtype() == dtype
    );
    let strips = Strips::new(gpu, rows, width, pack(dtype), 1);
    let launch = gpu
        .kernel(Module::Elementwise, "kb_gated_forward", Some(dtype))?
        .grid(strips.x, strips.y, 1)
        .block(Strips::THREADS)
        .slice(gate_up)
        .slice_mut(&mut y)
        .u32(rows)
        .u32(width)
        .u32(act.number());
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}

/// Gradient of [`forward`]: `dgate_up` `[rows, 2 width]` from `dy` `[rows, width]`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn backward(
    gpu: &Gpu,
    gate_up: Slice<'_>,
    width: usize,
    act: Activation,
    dy: Slice<'_>,
    mut dgate_up: SliceMut<'_>,
) -> Result<()> {
    let (rows, dtype) = (dy.len() / width, dy.dtype());
    assert!(
        gate_up.len() == 2 * dy.len()
            && dgate_up.len() == gate_up.len()
            && dy.len().is_multiple_of(width)
    );
    assert!(gate_up.dtype() == dtype && dgate_up.dtype() == dtype);
    let strips = Strips::new(gpu, rows, width, pack(dtype), 1);
    let launch = gpu
        .kernel(Module::Elementwise, "kb_gated_backward", Some(dtype))?
        .grid(strips.x, strips.y, 1)
        .block(Strips::THREADS)
        .slice(gate_up)
        .slice(dy)
        .slice_mut(&mut dgate_up)
        .u32(rows)
        .u32(width)
        .u32(act.number());
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}
