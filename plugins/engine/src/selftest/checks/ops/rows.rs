//! Operations on rows and on single elements: norms, gates, activations, dropout.

use super::case::Case;
use super::check;
use crate::dispatch::{gated, norm, pointwise, rms_norm};
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::reference;
use crate::selftest::compare::wide;
use crate::selftest::registry::Check;

/// Rows and columns.
static SHAPES: [(usize, usize); 6] = [(1, 8), (3, 20), (33, 64), (70, 100), (129, 768), (17, 2304)];

/// Rows, columns, activation.
static ACTIVATIONS: [(usize, usize, Activation); 5] = [
    (3, 20, Activation::Gelu),
    (33, 64, Activation::GeluTanh),
    (70, 100, Activation::Relu),
    (17, 768, Activation::Tanh),
    (65, 3072, Activation::Gelu),
];

/// The part of elements that dropout drops.
const DROPPED: f32 = 0.25;

pub(super) fn checks<'a>() -> Vec<Check<'a>> {
    vec![
        check("norm/forward", &SHAPES, norm_forward),
        check("norm/backward", &SHAPES, norm_backward),
        check("rms-norm/forward", &SHAPES, rms_norm_forward),
        check("rms-norm/backward", &SHAPES, rms_norm_backward),
        check("gated/forward", &ACTIVATIONS, gated_forward),
        check("gated/backward", &ACTIVATIONS, gated_backward),
        check("activation/forward", &ACTIVATIONS, activation_forward),
        check("activation/backward", &ACTIVATIONS, activation_backward),
        check("dropout", &SHAPES, dropout),
        check("residual", &SHAPES, residual),
    ]
}

fn norm_forward(case: &mut Case, &(rows, width): &(usize, usize)) -> Result<()> {
    let ((mut x, x_values), (residual, residual_values)) =
        (case.input(rows * width, 1.0)?, case.input(rows * width, 1.0)?);
    let ((gamma, gamma_values), (beta, beta_values)) =
        (case.input_f32(width, 1.0)?, case.input_f32(width, 0.5)?);
    let layer = norm::LayerNorm { gamma: &gamma, beta: &beta, eps: 1e-12 };
    let off = case.dropout(0.0, 0);
    norm::forward(&case.ctx, &mut x, &residual, layer, off, None)?;
    case.result("y", &x)?;
    case.expect("y", || {
        let [x, r, g, b] =
            [&x_values, &residual_values, &gamma_values, &beta_values].map(|v| wide(v));
        reference::layer_norm(&x, &r, &g, &b, 1e-12)
    });
    Ok(())
}

fn norm_backward(case: &mut Case, &(rows, width): &(usize, usize)) -> Result<()> {
    let ((mut x, _), (residual, _)) =
        (case.input(rows * width, 1.0)?, case.input(rows * width, 1.0)?);
    let ((gamma, _), (beta, _)) = (case.input_f32(width, 1.0)?, case.input_f32(width, 0.5)?);
    let (mut normalised, mut rstd) = (case.room(rows * width)?, case.room_f32(rows)?);
    let dropout = case.dropout(DROPPED, 1);
    case.stage(&super::case::sequences(&[rows])?, &super::case::Lists::Sequences)?;
    let layer = norm::LayerNorm { gamma: &gamma, beta: &beta, eps: 1e-12 };
    let kept = norm::Kept { normalised: &mut normalised, rstd: &mut rstd };
    norm::forward(&case.ctx, &mut x, &residual, layer, dropout, Some(kept))?;
    case.result("y with dropout", &x)?;
    let (mut dy, _) = case.input(rows * width, 1.0)?;
    let mut dx = case.room(rows * width)?;
    let (mut dgamma, mut dbeta) = (case.room_f32(width)?, case.room_f32(width)?);
    let gradients = norm::Gradients { dgamma: &mut dgamma, dbeta: &mut dbeta };
    let (ctx, dx_there) = (&case.ctx, Some(&mut dx));
    norm::backward(ctx, &mut dy, &normalised, &rstd, &gamma, dropout, dx_there, gradients)?;
    case.result("dx", &dx)?;
    case.result("gradient of the residual", &dy)?;
    case.result("dgamma", &dgamma)?;
    case.result("dbeta", &dbeta)
}

fn rms_norm_forward(case: &mut Case, &(rows, width): &(usize, usize)) -> Result<()> {
    let (x, x_values) = case.input(rows * width, 1.0)?;
    let (weight, weight_values) = case.input_f32(width, 0.5)?;
    let mut y = case.room(rows * width)?;
    let norm = rms_norm::RmsNorm { weight: &weight, eps: 1e-6 };
    rms_norm::forward(&case.ctx, &x, norm, &mut y)?;
    case.result("y", &y)?;
    case.expect("y", || reference::rms_norm(&wide(&x_values), &wide(&weight_values), 1e-6));
    let (mut sum, _) = case.input(rows * width, 1.0)?;
    rms_norm::add(&case.ctx, &x, norm, &mut sum)?;
    case.result("sum", &sum)
}

fn rms_norm_backward(case: &mut Case, &(rows, width): &(usize, usize)) -> Result<()> {
    let ((mut x, _), (dy, _)) = (case.input(rows * width, 1.0)?, case.input(rows * width, 1.0)?);
    let (weight, _) = case.input_f32(width, 0.5)?;
    let (mut dx, mut dweight) = (case.room(rows * width)?, case.room_f32(width)?);
    let norm = rms_norm::RmsNorm { weight: &weight, eps: 1e-6 };
    rms_norm::backward(&case.ctx, &mut x, norm, &dy, &mut dx, &mut dweight)?;
    case.result("dx", &dx)?;
    case.result("dweight", &dweight)
}

type Activated = (usize, usize, Activation);

fn gated_forward(case: &mut Case, &(rows, width, act): &Activated) -> Result<()> {
    let (gate_up, values) = case.input(2 * rows * width, 1.0)?;
    let mut y = case.room(rows * width)?;
    gated::forward(&case.ctx, &gate_up, width, act, &mut y)?;
    case.result("y", &y)?;
    case.expect("y", || reference::gated(&wide(&values), width, act));
    Ok(())
}

fn gated_backward(case: &mut Case, &(rows, width, act): &Activated) -> Result<()> {
    let (gate_up, _) = case.input(2 * rows * width, 1.0)?;
    let (dy, _) = case.input(rows * width, 1.0)?;
    let mut dgate_up = case.room(2 * rows * width)?;
    gated::backward(&case.ctx, &gate_up, width, act, &dy, &mut dgate_up)?;
    case.result("gradient of gate and up", &dgate_up)
}

fn activation_forward(case: &mut Case, &(rows, width, act): &Activated) -> Result<()> {
    let (mut x, values) = case.input(rows * width, 2.0)?;
    pointwise::activate(&case.ctx, &mut x, act, width)?;
    case.result("y", &x)?;
    case.expect("y", || wide(&values).into_iter().map(|x| reference::activation(act, x)).collect());
    Ok(())
}

fn activation_backward(case: &mut Case, &(rows, width, act): &Activated) -> Result<()> {
    let ((mut dy, _), (pre, _)) = (case.input(rows * width, 1.0)?, case.input(rows * width, 2.0)?);
    pointwise::activate_backward(&case.ctx, &mut dy, act, &pre)?;
    case.result("dx", &dy)
}

/// The mask is the CPU's, element by element.
fn dropout(case: &mut Case, &(rows, width): &(usize, usize)) -> Result<()> {
    let (mut x, _) = case.input(rows * width, 1.0)?;
    case.stage(&super::case::sequences(&[rows])?, &super::case::Lists::Sequences)?;
    let dropout = case.dropout(DROPPED, 5);
    pointwise::dropout(&case.ctx, &mut x, dropout)?;
    case.result("y", &x)
}

fn residual(case: &mut Case, &(rows, width): &(usize, usize)) -> Result<()> {
    let ((mut y, y_values), (x, x_values)) =
        (case.input(rows * width, 1.0)?, case.input(rows * width, 1.0)?);
    pointwise::add(&case.ctx, &mut y, &x)?;
    case.result("sum", &y)?;
    case.expect("sum", || {
        wide(&y_values).iter().zip(wide(&x_values)).map(|(y, x)| y + x).collect()
    });
    Ok(())
}
