//! Activation functions, between the two products of a feed-forward part and in heads.

use super::teams::{Strips, pack, sum_parts};
use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{DType, Slice, SliceMut};

/// A pointwise function; numbers are those of kernels/activation.cuh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Activation {
    /// f(x) = x
    Identity,
    /// Exact GELU (erf).
    Gelu,
    /// The tanh form of GELU.
    GeluTanh,
    /// max(x, 0)
    Relu,
    /// tanh
    Tanh,
}

impl Activation {
    pub(super) fn number(self) -> usize {
        self as usize
    }
}

/// x <- act(x + bias), in place; x `[rows, width]`, bias `[width]` in either type.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn apply(
    gpu: &Gpu,
    act: Activation,
    x: SliceMut<'_>,
    width: usize,
    bias: Option<Slice<'_>>,
) -> Result<()> {
    if act == Activation::Identity && bias.is_none() {
        return Ok(());
    }
    launch(gpu, act, x.ptr(), x.len(), x.dtype(), width, bias, 0, x.ptr())
}

/// y = act(pre), both `[rows, width]`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn map(
    gpu: &Gpu,
    act: Activation,
    pre: Slice<'_>,
    width: usize,
    y: SliceMut<'_>,
) -> Result<()> {
    assert!(y.len() == pre.len() && y.dtype() == pre.dtype());
    launch(gpu, act, pre.ptr(), pre.len(), pre.dtype(), width, None, 0, y.ptr())
}

/// Adds `bias` `[width]`, in either type, to `pre` `[rows, width]` in place, and writes the activation of
/// the sums to y.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn apply_to(
    gpu: &Gpu,
    act: Activation,
    pre: SliceMut<'_>,
    width: usize,
    bias: Slice<'_>,
    y: SliceMut<'_>,
) -> Result<()> {
    assert!(y.len() == pre.len() && y.dtype() == pre.dtype());
    launch(gpu, act, pre.ptr(), pre.len(), pre.dtype(), width, Some(bias), pre.ptr(), y.ptr())
}

/// y = act(x + bias) and pre = x + bias, where x and y, or x and pre, may be the same memory and `pre` 0.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
fn launch(
    gpu: &Gpu,
    act: Activation,
    x: u64,
    len: usize,
    dtype: DType,
    width: usize,
    bias: Option<Slice<'_>>,
    pre: u64,
    y: u64,
) -> Result<()> {
    let rows = len / width;
    assert!(len.is_multiple_of(width) && bias.is_none_or(|bias| bias.len() == width));
    let strips = Strips::new(gpu, rows, width, pack(dtype), 2);
    let launch = gpu
        .kernel(Module::Elementwise, "kb_activation_forward", Some(dtype))?
        .grid(strips.x, strips.y, 1)
        .block(Strips::THREADS)
        .ptr(x)
        .optional(bias)
        .u32(usize::from(bias.is_some_and(|bias| bias.dtype() == DType::Bf16)))
        .ptr(pre)
        .ptr(y)
        .u32(rows)
        .u32(width)
        .u32(act.number());
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}

/// Where sums of columns go.
#[derive(Debug)]
pub enum Sums<'a> {
    /// Nowhere.
    None,
    /// They replace what is there, `[width]`, of floats.
    Replace(SliceMut<'a>),
    /// They are added to what is there, `[width]`, of floats.
    Add(SliceMut<'a>),
}

/// Multiplies dy `[rows, width]` by the activation's derivative at `pre`, and sums the columns of the products: the
/// gradient of a bias. `pre` is not looked at for [`Activation::Identity`].
///
/// # Errors
/// [`crate::CudaError::OutOfMemory`] for scratch memory, or of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn backward(
    gpu: &Gpu,
    act: Activation,
    dy: SliceMut<'_>,
    pre: Slice<'_>,
    width: usize,
    sums: Sums<'_>,
) -> Result<()> {
    let identity = act == Activation::Identity;
    assert!(identity || (pre.len() == dy.len() && pre.dtype() == dy.dtype()));
    let pre = if identity { 0 } else { pre.ptr() };
    launch_backward(gpu, act, (dy.ptr(), dy.len(), dy.dtype()), pre, width, sums)
}

/// What [`backward`] and the sums of columns alone have in common; without activation dy is only read.
pub(super) fn launch_backward(
    gpu: &Gpu,
    act: Activation,
    (dy, len, dtype): (u64, usize, DType),
    pre: u64,
    width: usize,
    sums: Sums<'_>,
) -> Result<()> {
    let rows = len / width;
    assert!(len.is_multiple_of(width));
    let (sums, add) = match sums {
        Sums::None if act == Activation::Identity => return Ok(()),
        Sums::None => (None, false),
        Sums::Replace(sums) => (Some(sums), false),
        Sums::Add(sums) => (Some(sums), true),
    };
    assert!(sums.as_ref().is_none_or(|sums| sums.len() == width && sums.dtype() == DType::F32));
    let strips = Strips::summing(gpu, rows, width, pack(dtype), 4);
    // One row of blocks writes the sums themselves.
    let parts = match &sums {
        Some(_) if strips.y > 1 => gpu.workspace(strips.y * width * size_of::<f32>())?,
        Some(sums) => sums.ptr(),
        None => 0,
    };
    let launch = gpu
        .kernel(Module::Elementwise, "kb_activation_backward", Some(dtype))?
        .grid(strips.x, strips.y, 1)
        .block(Strips::THREADS)
        .ptr(dy)
        .ptr(pre)
        .ptr(parts)
        .u32(usize::from(add && strips.y == 1))
        .u32(rows)
        .u32(width)
        .u32(act.number());
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, the sizes were checked, and each row of blocks has its part.
    unsafe { launch.run() }?;
    match sums {
        Some(sums) if strips.y > 1 => sum_parts(gpu, parts, strips.y, sums, None, add),
        _ => Ok(()),
    }
}
