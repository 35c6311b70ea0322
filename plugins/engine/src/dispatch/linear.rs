//! [`crate::ops::linear`] on buffers and parameters.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::device::Device;
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::ops::linear::{self, Shape, Weights};
use crate::ops::residual;
use crate::param::Parameter;

/// Weights `[outputs, inputs]` and bias `[outputs]` of a layer, or of some of its outputs.
#[derive(Debug, Clone)]
pub struct Layer<'a> {
    /// The weights.
    pub weight: &'a Parameter,
    /// The bias, if it has one.
    pub bias: Option<&'a Parameter>,
    /// As many zeros as the whole layer has outputs, for the CPU's kernels, which always add a bias.
    pub zeros: &'a [f32],
    /// The outputs, that is, the rows of the weights.
    pub outputs: Range<usize>,
}

/// y `[rows, outputs]` = act(x W^T + b) from x `[rows, inputs]`; `pre`, of y's size, receives x W^T + b.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
pub fn forward(
    ctx: &Context,
    shape: Shape,
    x: &Buffer,
    layer: &Layer<'_>,
    act: Activation,
    y: &mut Buffer,
    pre: Option<&mut Buffer>,
) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let weight = layer.weight.read();
            let w = Weights::of(&weight)?.rows(layer.outputs.clone(), shape.inputs);
            let bias = layer.bias.map(Parameter::read);
            let bias = match &bias {
                Some(bias) => bias.f32()?,
                None => layer.zeros,
            };
            let pre = pre.map(Buffer::f32_mut).transpose()?;
            let bias = &bias[layer.outputs.clone()];
            linear::forward(shape, x.f32()?, w, bias, act, y.f32_mut()?, pre);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => device::forward(gpu, shape, x, layer, act, y, pre)?,
    }
    Ok(())
}

/// Where gradients go; all are overwritten.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// `[rows, inputs]`
    pub dx: &'a mut Buffer,
    /// `[outputs, inputs]`, f32
    pub dw: &'a mut Buffer,
    /// `[outputs]`, f32
    pub dbias: &'a mut Buffer,
}

/// Gradients of [`forward`]; dy becomes the gradient of x W^T + b. `pre` is what the forward pass kept (unused for
/// [`Activation::Identity`]).
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When sizes contradict each other.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    ctx: &Context,
    shape: Shape,
    x: &Buffer,
    layer: &Layer<'_>,
    act: Activation,
    pre: Option<&Buffer>,
    dy: &mut Buffer,
    gradients: Gradients<'_>,
) -> Result<()> {
    let Gradients { dx, dw, dbias } = gradients;
    match ctx.device() {
        Device::Cpu => {
            let weight = layer.weight.read();
            let rows = layer.outputs.start * shape.inputs..layer.outputs.end * shape.inputs;
            linear::backward(
                shape,
                x.f32()?,
                &weight.f32()?[rows],
                act,
                pre.map_or(Ok(&[][..]), Buffer::f32)?,
                dy.f32_mut()?,
                Some(dx.f32_mut()?),
                dw.f32_mut()?,
                dbias.f32_mut()?,
            );
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let gradients = Gradients { dx, dw, dbias };
            device::backward(gpu, shape, x, layer, act, pre, dy, gradients)?;
        }
    }
    Ok(())
}

/// Adds `part` to the elements of `sum` from `from` on.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When there are not so many.
pub fn add_part(ctx: &Context, sum: &mut Buffer, from: usize, part: &Buffer) -> Result<()> {
    match ctx.device() {
        Device::Cpu => {
            let part = part.f32()?;
            residual::add(&mut sum.f32_mut()?[from..from + part.len()], part);
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => {
            let sum = sum.device_mut()?.range(from..from + part.len());
            kobench_cuda::ops::residual::add(gpu, sum, part.device()?)?;
        }
    }
    Ok(())
}

/// Products on a device.
#[cfg(feature = "cuda")]
mod device {
    use kobench_cuda::blas::{Epilogue, Operand, Product};
    use kobench_cuda::ops::activation::{self, Sums};
    use kobench_cuda::ops::columns;
    use kobench_cuda::{CudaError, Gpu, Slice};

    use super::{Gradients, Layer, Shape};
    use crate::buffer::{Buffer, Element};
    use crate::error::Result;
    use crate::ops::activation::Activation;
    use crate::param::Parameter;

    /// The epilogue has GELU in its tanh form alone, and in f32 rounds otherwise than we do.
    fn is_fused(act: Activation, y: &Buffer) -> bool {
        act == Activation::GeluTanh && y.element() == Element::Bf16
    }

    pub(super) fn forward(
        gpu: &Gpu,
        shape: Shape,
        x: &Buffer,
        layer: &Layer<'_>,
        act: Activation,
        y: &mut Buffer,
        mut pre: Option<&mut Buffer>,
    ) -> Result<()> {
        let Shape { rows, inputs, outputs } = shape;
        let (weight, bias) = (layer.weight.read(), layer.bias.map(Parameter::read));
        let w = weight.operand().device()?;
        let w = w.range(layer.outputs.start * inputs..layer.outputs.end * inputs);
        let bias = match &bias {
            Some(bias) => Some(bias.operand().device()?.range(layer.outputs.clone())),
            None => None,
        };
        if let (Some(bias), true) = (bias, is_fused(act, y)) {
            let pre = pre.as_deref_mut().map(Buffer::device_mut).transpose()?;
            let epilogue = Epilogue::BiasGeluTanh { bias, pre };
            if multiply(gpu, shape, x.device()?, w, y, epilogue)? {
                return Ok(());
            }
        }
        let sum = pre.as_deref_mut().unwrap_or(y);
        let added = match bias {
            Some(bias) => multiply(gpu, shape, x.device()?, w, sum, Epilogue::Bias(bias))?,
            None => false,
        };
        if !added {
            let (m, n, k) = (rows, outputs, inputs);
            let (a, b) = (Operand::new(x.device()?, k), Operand::new(w, k).t());
            let (d, epilogue) = (sum.device_mut()?, Epilogue::None);
            let (alpha, beta) = (1.0, 0.0);
            gpu.product(&mut Product { m, n, k, a, b, d, stride: n, alpha, beta, epilogue })?;
        }
        let (act, bias) = (act.device(), bias.filter(|_| !added));
        match pre {
            None => activation::apply(gpu, act, y.device_mut()?, outputs, bias)?,
            Some(pre) => {
                if let Some(bias) = bias {
                    let identity = Activation::Identity.device();
                    activation::apply(gpu, identity, pre.device_mut()?, outputs, Some(bias))?;
                }
                activation::map(gpu, act, pre.device()?, outputs, y.device_mut()?)?;
            }
        }
        Ok(())
    }

    /// y = x W^T with an epilogue; false where cuBLASLt does not have that epilogue for such a product.
    fn multiply(
        gpu: &Gpu,
        shape: Shape,
        x: Slice<'_>,
        w: Slice<'_>,
        y: &mut Buffer,
        epilogue: Epilogue<'_>,
    ) -> Result<bool> {
        let Shape { rows: m, inputs: k, outputs: n } = shape;
        let (a, b, d) = (Operand::new(x, k), Operand::new(w, k).t(), y.device_mut()?);
        let mut product = Product { m, n, k, a, b, d, stride: n, alpha: 1.0, beta: 0.0, epilogue };
        match gpu.product(&mut product) {
            Ok(()) => Ok(true),
            Err(CudaError::Blas { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
    pub(super) fn backward(
        gpu: &Gpu,
        shape: Shape,
        x: &Buffer,
        layer: &Layer<'_>,
        act: Activation,
        pre: Option<&Buffer>,
        dy: &mut Buffer,
        gradients: Gradients<'_>,
    ) -> Result<()> {
        let Shape { rows, inputs, outputs } = shape;
        let Gradients { dx, dw, dbias } = gradients;
        let sums = match layer.bias {
            Some(_) => Sums::Replace(dbias.device_mut()?),
            None => Sums::None,
        };
        match (pre, layer.bias) {
            (Some(pre), _) => {
                let dy = dy.device_mut()?;
                activation::backward(gpu, act.device(), dy, pre.device()?, outputs, sums)?;
            }
            (None, Some(_)) => columns::sums(gpu, dy.device()?, outputs, sums)?,
            (None, None) => {}
        }
        let weight = layer.weight.read();
        let w = weight.operand().device()?;
        let w = w.range(layer.outputs.start * inputs..layer.outputs.end * inputs);
        let dy = Operand::new(dy.device()?, outputs);
        let (alpha, beta, epilogue) = (1.0, 0.0, Epilogue::None);
        let (a, b, d) = (dy, Operand::new(w, inputs), dx.device_mut()?);
        let (m, n, k) = (rows, inputs, outputs);
        gpu.product(&mut Product { m, n, k, a, b, d, stride: n, alpha, beta, epilogue })?;
        let (a, b, d) = (dy.t(), Operand::new(x.device()?, inputs), dw.device_mut()?);
        let (m, n, k, epilogue) = (outputs, inputs, rows, Epilogue::None);
        gpu.product(&mut Product { m, n, k, a, b, d, stride: n, alpha, beta, epilogue })?;
        Ok(())
    }
}
