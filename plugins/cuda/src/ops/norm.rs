//! Dropout, residual and layer norm in one pass: y = LayerNorm(residual + dropout(x)).

use super::teams::{Teams, sum_parts};
use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{DType, Slice, SliceMut};
use crate::step::Dropout;

/// Affine part and epsilon of a layer norm over rows of `gamma.len()` elements.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm<'a> {
    /// Scale, `[hidden]`, of floats.
    pub gamma: Slice<'a>,
    /// Shift, `[hidden]`, of floats.
    pub beta: Slice<'a>,
    /// Added to the variance.
    pub eps: f32,
}

impl LayerNorm<'_> {
    /// The length of rows.
    ///
    /// # Panics
    /// When the parameters are not floats, or contradict each other.
    pub(super) fn hidden(&self) -> usize {
        assert!(self.gamma.dtype() == DType::F32 && self.beta.dtype() == DType::F32);
        assert_eq!(self.gamma.len(), self.beta.len());
        self.gamma.len()
    }
}

/// What the backward pass of a layer norm needs.
#[derive(Debug)]
pub struct Kept<'a> {
    /// Rows after normalisation and before the affine part, `[rows, hidden]`.
    pub normalised: SliceMut<'a>,
    /// 1 / sqrt(var + eps) of each row, `[rows]`, of floats.
    pub rstd: SliceMut<'a>,
}

impl Kept<'_> {
    /// Whether there is room for what is kept of `len` elements.
    pub(super) fn fits(&self, len: usize, hidden: usize, dtype: DType) -> bool {
        self.normalised.len() == len
            && self.normalised.dtype() == dtype
            && self.rstd.len() * hidden == len
            && self.rstd.dtype() == DType::F32
    }
}

/// x <- LayerNorm(residual + dropout(x)), in place; x and residual are `[rows, hidden]`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn forward(
    gpu: &Gpu,
    x: SliceMut<'_>,
    residual: Slice<'_>,
    norm: LayerNorm<'_>,
    dropout: Dropout,
    kept: Option<Kept<'_>>,
) -> Result<()> {
    assert!(residual.len() == x.len() && residual.dtype() == x.dtype());
    launch(gpu, x, Some(residual), norm, dropout, kept)
}

/// x <- LayerNorm(x), in place. Its backward pass is [`backward`] without dropout and `dx`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn alone(
    gpu: &Gpu,
    x: SliceMut<'_>,
    norm: LayerNorm<'_>,
    kept: Option<Kept<'_>>,
) -> Result<()> {
    launch(gpu, x, None, norm, Dropout::off(), kept)
}

fn launch(
    gpu: &Gpu,
    mut x: SliceMut<'_>,
    residual: Option<Slice<'_>>,
    norm: LayerNorm<'_>,
    dropout: Dropout,
    mut kept: Option<Kept<'_>>,
) -> Result<()> {
    let (hidden, dtype) = (norm.hidden(), x.dtype());
    let rows = x.len() / hidden;
    assert!(x.len().is_multiple_of(hidden));
    assert!(kept.as_ref().is_none_or(|kept| kept.fits(x.len(), hidden, dtype)));
    let teams = Teams::new(rows, hidden);
    let name = if teams.wide { "kb_norm_forward_wide" } else { "kb_norm_forward" };
    let launch = gpu
        .kernel(Module::Rows, name, Some(dtype))?
        .grid(teams.blocks, 1, 1)
        .block(teams.threads)
        .slice_mut(&mut x)
        .optional(residual)
        .slice(norm.gamma)
        .slice(norm.beta)
        .f32(norm.eps)
        .optional_mut(kept.as_mut().map(|kept| &mut kept.normalised))
        .optional_mut(kept.as_mut().map(|kept| &mut kept.rstd))
        .u32(rows)
        .u32(hidden)
        .dropout(dropout)
        .step();
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}

/// Gradients of [`forward`].
///
/// `dy` `[rows, hidden]` is the gradient of the result on entry and of residual + dropout(x), which is that of the
/// residual, on return. `dx` receives dropout's mask applied to it. `dgamma` and `dbeta` `[hidden]`, of floats, are
/// overwritten.
///
/// # Errors
/// [`crate::CudaError::OutOfMemory`] for scratch memory, or of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    gpu: &Gpu,
    mut dy: SliceMut<'_>,
    normalised: Slice<'_>,
    rstd: Slice<'_>,
    gamma: Slice<'_>,
    dropout: Dropout,
    mut dx: Option<SliceMut<'_>>,
    dgamma: SliceMut<'_>,
    dbeta: SliceMut<'_>,
) -> Result<()> {
    let (hidden, dtype) = (gamma.len(), dy.dtype());
    let rows = rstd.len();
    assert!(
        dy.len() == rows * hidden && normalised.len() == dy.len() && normalised.dtype() == dtype
    );
    assert!(dx.as_ref().is_none_or(|dx| dx.len() == dy.len() && dx.dtype() == dtype));
    assert!(dgamma.len() == hidden && dbeta.len() == hidden);
    for dtype in [rstd.dtype(), gamma.dtype(), dgamma.dtype(), dbeta.dtype()] {
        assert_eq!(dtype, DType::F32);
    }
    let teams = Teams::new(rows, hidden);
    let blocks = teams.summing(gpu, dtype);
    let parts = gpu.workspace(blocks * 2 * hidden * size_of::<f32>())?;
    let name = if teams.wide { "kb_norm_backward_wide" } else { "kb_norm_backward" };
    let launch = gpu
        .kernel(Module::Rows, name, Some(dtype))?
        .grid(blocks, 1, 1)
        .block(teams.threads)
        .shared(teams.shared())
        .slice_mut(&mut dy)
        .slice(normalised)
        .slice(rstd)
        .slice(gamma)
        .optional_mut(dx.as_mut())
        .ptr(parts)
        .u32(rows)
        .u32(hidden)
        .dropout(dropout)
        .step();
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, the sizes were checked, and each block has its part.
    unsafe { launch.run() }?;
    sum_parts(gpu, parts, blocks, dgamma, Some(dbeta), false)
}
