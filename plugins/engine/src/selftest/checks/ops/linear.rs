//! Products with weights, their bias and their activation.

use std::sync::Arc;

use super::case::Case;
use super::check;
use crate::buffer::Buffer;
use crate::dispatch::linear::{self, Gradients, Layer};
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::ops::linear::Shape;
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::reference;
use crate::selftest::compare::wide;
use crate::selftest::registry::Check;

/// Rows, inputs, outputs, activation.
static SHAPES: [(usize, usize, usize, Activation); 8] = [
    (1, 8, 3, Activation::Identity),
    (5, 20, 36, Activation::Gelu),
    (33, 48, 17, Activation::Tanh),
    (64, 64, 64, Activation::Relu),
    (65, 128, 512, Activation::Gelu),
    (127, 768, 100, Activation::GeluTanh),
    (40, 768, 768, Activation::Identity),
    (16, 3072, 768, Activation::Identity),
];

pub(super) fn checks<'a>() -> Vec<Check<'a>> {
    vec![check("linear/forward", &SHAPES, forward), check("linear/backward", &SHAPES, backward)]
}

type Own = (usize, usize, usize, Activation);

/// Weights and bias, and their values.
fn parameters(
    case: &mut Case,
    inputs: usize,
    outputs: usize,
) -> Result<[(Arc<Parameter>, Vec<f32>); 2]> {
    let mut store = ParamStore::default();
    let part = |name: &str, shape: &[usize]| Part { name: name.to_owned(), shape: shape.to_vec() };
    let weights = store.declare_weights(vec![part("w", &[outputs, inputs])], Init::Zeros, inputs);
    let bias = store.declare_bias(vec![part("b", &[outputs])]);
    let std = 1.0 / (inputs as f32).sqrt();
    let mut with_values = |param: Arc<Parameter>, len: usize, std: f32| -> Result<_> {
        let values = case.numbers(len, std);
        *param.write() = Buffer::from_vec(values.clone()).into();
        #[cfg(feature = "cuda")]
        if let crate::device::Device::Cuda(gpu) = case.ctx.device() {
            param.to_device(gpu, case.ctx.precision(), true)?;
        }
        Ok((param, values))
    };
    Ok([with_values(weights, outputs * inputs, std)?, with_values(bias, outputs, 0.5)?])
}

fn forward(case: &mut Case, &(rows, inputs, outputs, act): &Own) -> Result<()> {
    let (x, x_values) = case.input(rows * inputs, 1.0)?;
    let [(weights, w_values), (bias, b_values)] = parameters(case, inputs, outputs)?;
    let layer = Layer { weight: &weights, bias: Some(&bias), zeros: &[], outputs: 0..outputs };
    let (mut y, shape) = (case.room(rows * outputs)?, Shape { rows, inputs, outputs });
    linear::forward(&case.ctx, shape, &x, &layer, act, &mut y, None)?;
    case.result("y", &y)?;
    case.expect("y", || {
        let [x, w, b] = [&x_values, &w_values, &b_values].map(|v| wide(v));
        reference::linear(&x, &w, &b, act)
    });
    Ok(())
}

fn backward(case: &mut Case, &(rows, inputs, outputs, act): &Own) -> Result<()> {
    let (x, _) = case.input(rows * inputs, 1.0)?;
    let [(weights, _), (bias, _)] = parameters(case, inputs, outputs)?;
    let layer = Layer { weight: &weights, bias: Some(&bias), zeros: &[], outputs: 0..outputs };
    let shape = Shape { rows, inputs, outputs };
    let (mut y, mut pre) = (case.room(rows * outputs)?, case.room(rows * outputs)?);
    let keeps = act != Activation::Identity;
    let kept = keeps.then_some(&mut pre);
    linear::forward(&case.ctx, shape, &x, &layer, act, &mut y, kept)?;
    case.result("y", &y)?;
    let (mut dy, _) = case.input(rows * outputs, 1.0)?;
    let mut dx = case.room(rows * inputs)?;
    let (mut dw, mut dbias) = (case.room_f32(outputs * inputs)?, case.room_f32(outputs)?);
    let gradients = Gradients { dx: &mut dx, dw: &mut dw, dbias: &mut dbias };
    let pre = keeps.then_some(&pre);
    linear::backward(&case.ctx, shape, &x, &layer, act, pre, &mut dy, gradients)?;
    case.result("dx", &dx)?;
    case.result("dw", &dw)?;
    case.result("dbias", &dbias)
}
