//! Root mean square norm in Gemma's form: y = x / sqrt(mean(x^2) + eps) * (1 + weight).

use super::teams::{Teams, sum_parts};
use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{DType, Slice, SliceMut};

/// Weight and epsilon of a norm over rows of `weight.len()` elements.
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm<'a> {
    /// What is added to 1 and scales, `[hidden]`, of floats.
    pub weight: Slice<'a>,
    /// Added to the mean square.
    pub eps: f32,
}

/// y = RmsNorm(x); x and y are `[rows, hidden]`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn forward(gpu: &Gpu, x: Slice<'_>, norm: RmsNorm<'_>, y: SliceMut<'_>) -> Result<()> {
    launch(gpu, x, norm, y, false)
}

/// sum += RmsNorm(x): the norm behind one half of a layer, and the residual; both `[rows, hidden]`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn add(gpu: &Gpu, x: Slice<'_>, norm: RmsNorm<'_>, sum: SliceMut<'_>) -> Result<()> {
    launch(gpu, x, norm, sum, true)
}

fn launch(
    gpu: &Gpu,
    x: Slice<'_>,
    norm: RmsNorm<'_>,
    mut y: SliceMut<'_>,
    add: bool,
) -> Result<()> {
    let hidden = norm.weight.len();
    let rows = x.len() / hidden;
    assert!(x.len() == y.len() && x.dtype() == y.dtype() && x.len().is_multiple_of(hidden));
    assert_eq!(norm.weight.dtype(), DType::F32);
    let teams = Teams::new(rows, hidden);
    let name = if teams.wide { "kb_rms_norm_forward_wide" } else { "kb_rms_norm_forward" };
    let launch = gpu
        .kernel(Module::Rows, name, Some(x.dtype()))?
        .grid(teams.blocks, 1, 1)
        .block(teams.threads)
        .slice(x)
        .slice(norm.weight)
        .f32(norm.eps)
        .slice_mut(&mut y)
        .u32(usize::from(add))
        .u32(rows)
        .u32(hidden);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}

/// Gradients of [`forward`], and of [`add()`] but for its residual: `dx` `[rows, hidden]` and `dweight` `[hidden]`, of
/// floats, are overwritten. Unlike the CPU's operation this one leaves x as it is.
///
/// # Errors
/// [`crate::CudaError::OutOfMemory`] for scratch memory, or of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn backward(
    gpu: &Gpu,
    x: Slice<'_>,
    norm: RmsNorm<'_>,
    dy: Slice<'_>,
    dx: SliceMut<'_>,
    dweight: SliceMut<'_>,
) -> Result<()> {
    launch_backward(gpu, x, norm, dy, dx, dweight, false)
}

/// [`backward`] whose dx is added to `sum`, the gradient of x by another way.
///
/// # Errors
/// As for [`backward`].
///
/// # Panics
/// As for [`backward`].
pub fn backward_add(
    gpu: &Gpu,
    x: Slice<'_>,
    norm: RmsNorm<'_>,
    dy: Slice<'_>,
    sum: SliceMut<'_>,
    dweight: SliceMut<'_>,
) -> Result<()> {
    launch_backward(gpu, x, norm, dy, sum, dweight, true)
}

fn launch_backward(
    gpu: &Gpu,
    x: Slice<'_>,
    norm: RmsNorm<'_>,
    dy: Slice<'_>,
    mut dx: SliceMut<'_>,
    dweight: SliceMut<'_>,
    add: bool,
) -> Result<()> {
    let (hidden, dtype) = (norm.weight.len(), x.dtype());
    let rows = x.len() / hidden;
    assert!(x.len() == dy.len() && dx.len() == dy.len() && x.len().is_multiple_of(hidden));
    assert!(dy.dtype() == dtype && dx.dtype() == dtype && dweight.len() == hidden);
    assert!(norm.weight.dtype() == DType::F32 && dweight.dtype() == DType::F32);
    let teams = Teams::new(rows, hidden);
    let blocks = teams.summing(gpu, dtype);
    let parts = gpu.workspace(blocks * hidden * size_of::<f32>())?;
    let name = if teams.wide { "kb_rms_norm_backward_wide" } else { "kb_rms_norm_backward" };
    let launch = gpu
        .kernel(Module::Rows, name, Some(dtype))?
        .grid(blocks, 1, 1)
        .block(teams.threads)
        .shared(teams.shared())
        .slice(x)
        .slice(norm.weight)
        .f32(norm.eps)
        .slice(dy)
        .slice_mut(&mut dx)
        .u32(usize::from(add))
        .ptr(parts)
        .u32(rows)
        .u32(hidden);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, the sizes were checked, and each block has its part.
    unsafe { launch.run() }?;
    sum_parts(gpu, parts, blocks, dweight, None, false)
}
