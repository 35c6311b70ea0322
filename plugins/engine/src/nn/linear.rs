//! A linear layer as a module.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::ops::activation::Activation;
use crate::ops::linear::{self, Shape, Weights};
use crate::ops::residual;
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::saved::Saved;

#[derive(Debug)]
enum Bias {
    Trained(Arc<Parameter>),
    /// None: zeros for the kernel to add, behind a lock only to be read like the other.
    Zeros(RwLock<Buffer>),
}

impl Bias {
    fn read(&self) -> RwLockReadGuard<'_, Buffer> {
        match self {
            Self::Trained(bias) => bias.read(),
            Self::Zeros(zeros) => zeros.read().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// y = act(x W^T + b).
#[derive(Debug)]
pub struct Linear {
    weight: Arc<Parameter>,
    bias: Bias,
    inputs: usize,
    outputs: usize,
    act: Activation,
}

impl Linear {
    /// Declares a layer whose weight and bias are the checkpoint's `{name}.weight` and
    /// `{name}.bias` of all `names`, stacked; each gives `outputs` columns of y.
    pub fn declare(
        store: &mut ParamStore,
        names: &[String],
        (inputs, outputs): (usize, usize),
        act: Activation,
        std: f32,
    ) -> Self {
        let mut layer = Self::declare_without_bias(store, names, (inputs, outputs), act, std);
        layer.bias = Bias::Trained(store.declare(parts(names, "bias", &[outputs]), Init::Zeros));
        layer
    }

    /// The same layer without a bias.
    pub fn declare_without_bias(
        store: &mut ParamStore,
        names: &[String],
        (inputs, outputs): (usize, usize),
        act: Activation,
        std: f32,
    ) -> Self {
        let shape = [outputs, inputs];
        let weight =
            store.declare_weights(parts(names, "weight", &shape), Init::Normal(std), inputs);
        let outputs = outputs * names.len();
        let bias = Bias::Zeros(RwLock::new(Buffer::from_vec(vec![0.0; outputs])));
        Self { weight, bias, inputs, outputs, act }
    }

    /// A layer without activation whose stacked tensors (name, columns of y) differ in their sizes.
    pub fn declare_stacked(
        store: &mut ParamStore,
        stacked: &[(String, usize)],
        inputs: usize,
        bias: bool,
        std: f32,
    ) -> Self {
        let part = |(name, outputs): &(String, usize)| Part {
            name: format!("{name}.weight"),
            shape: vec![*outputs, inputs],
        };
        let parts = stacked.iter().map(part).collect();
        let weight = store.declare_weights(parts, Init::Normal(std), inputs);
        let outputs = stacked.iter().map(|(_, outputs)| outputs).sum();
        let bias = match bias {
            true => {
                let part = |(name, outputs): &(String, usize)| Part {
                    name: format!("{name}.bias"),
                    shape: vec![*outputs],
                };
                Bias::Trained(store.declare(stacked.iter().map(part).collect(), Init::Zeros))
            }
            false => Bias::Zeros(RwLock::new(Buffer::from_vec(vec![0.0; outputs]))),
        };
        Self { weight, bias, inputs, outputs, act: Activation::Identity }
    }

    /// Columns of y.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    fn shape(&self, rows: usize) -> Shape {
        Shape { rows, inputs: self.inputs, outputs: self.outputs }
    }

    /// x `[rows, inputs]` to y `[rows, outputs]`.
    ///
    /// Keeps what the activation's derivative needs; x belongs to the caller, who keeps it too.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    pub fn forward(&self, ctx: &mut Context, x: &Buffer, saved: &mut Saved) -> Result<Buffer> {
        let rows = x.len() / self.inputs;
        let shape = self.shape(rows);
        let mut y = ctx.take(rows * self.outputs)?;
        let (weight, bias) = (self.weight.read(), self.bias.read());
        let (x, w, b) = (x.f32()?, Weights::of(&weight)?, bias.f32()?);
        if saved.trains() && self.act != Activation::Identity {
            let mut pre = ctx.take(rows * self.outputs)?;
            linear::forward(shape, x, w, b, self.act, y.f32_mut()?, Some(pre.f32_mut()?));
            saved.keep(ctx, pre);
        } else {
            linear::forward(shape, x, w, b, self.act, y.f32_mut()?, None);
        }
        Ok(y)
    }

    /// The columns `outputs` of y alone, before the activation: x `[rows, inputs]` to
    /// `[rows, outputs.len()]`. Keeps nothing.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    ///
    /// # Panics
    /// When y does not have these columns.
    pub(crate) fn forward_columns(
        &self,
        ctx: &mut Context,
        x: &Buffer,
        outputs: Range<usize>,
    ) -> Result<Buffer> {
        let rows = x.len() / self.inputs;
        let mut y = ctx.take(rows * outputs.len())?;
        let (weight, bias) = (self.weight.read(), self.bias.read());
        let w = Weights::of(&weight)?.rows(outputs.clone(), self.inputs);
        let b = &bias.f32()?[outputs.clone()];
        let shape = Shape { rows, inputs: self.inputs, outputs: outputs.len() };
        linear::forward(shape, x.f32()?, w, b, Activation::Identity, y.f32_mut()?, None);
        Ok(y)
    }

    /// dx `[rows, inputs]` from dy `[rows, outputs]` and the x of the forward pass.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`], or whatever the sink reports.
    pub fn backward(
        &self,
        ctx: &mut Context,
        x: &Buffer,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let mut own = None;
        let dw = match sink.place(&self.weight)? {
            Some(place) => place,
            None => own.insert(ctx.take(self.outputs * self.inputs)?).f32_mut()?,
        };
        let (dx, db) = self.gradients(ctx, x, dy, saved, dw)?;
        if let Some(dw) = own {
            sink.dense(&self.weight, dw.f32()?)?;
            ctx.give(dw);
        }
        self.send_bias(ctx, db, sink)?;
        Ok(dx)
    }

    /// [`Linear::backward`] where [`Linear::forward_columns`] has been another use of the layer: dx of
    /// both. The sink gets one gradient for both together, once both have been computed.
    ///
    /// # Errors
    /// As for [`Linear::backward`].
    ///
    /// # Panics
    /// When y does not have these columns.
    pub(crate) fn backward_with_columns(
        &self,
        ctx: &mut Context,
        x: &Buffer,
        dy: Buffer,
        columns: Columns<'_>,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<(Buffer, Buffer)> {
        let mut dw = ctx.take(self.outputs * self.inputs)?;
        let (dx, mut db) = self.gradients(ctx, x, dy, saved, dw.f32_mut()?)?;
        let Columns { x, mut dy, outputs } = columns;
        let elements = outputs.start * self.inputs..outputs.end * self.inputs;
        let shape =
            Shape { rows: x.len() / self.inputs, inputs: self.inputs, outputs: outputs.len() };
        let mut dx_columns = ctx.take(x.len())?;
        let mut dw_columns = ctx.take(elements.len())?;
        let mut db_columns = ctx.take(outputs.len())?;
        linear::backward(
            shape,
            x.f32()?,
            &self.weight.read().f32()?[elements.clone()],
            Activation::Identity,
            &[],
            dy.f32_mut()?,
            Some(dx_columns.f32_mut()?),
            dw_columns.f32_mut()?,
            db_columns.f32_mut()?,
        );
        residual::add(&mut dw.f32_mut()?[elements], dw_columns.f32()?);
        residual::add(&mut db.f32_mut()?[outputs], db_columns.f32()?);
        for buffer in [dy, dw_columns, db_columns] {
            ctx.give(buffer);
        }
        sink.dense(&self.weight, dw.f32()?)?;
        ctx.give(dw);
        self.send_bias(ctx, db, sink)?;
        Ok((dx, dx_columns))
    }

    /// dx and the bias's gradient; that of the weights is written to `dw`.
    fn gradients(
        &self,
        ctx: &mut Context,
        x: &Buffer,
        mut dy: Buffer,
        saved: &mut Saved,
        dw: &mut [f32],
    ) -> Result<(Buffer, Buffer)> {
        let pre = match self.act {
            Activation::Identity => None,
            _ => Some(saved.pop()?),
        };
        let rows = x.len() / self.inputs;
        let mut dx = ctx.take(x.len())?;
        let mut db = ctx.take(self.outputs)?;
        linear::backward(
            self.shape(rows),
            x.f32()?,
            self.weight.read().f32()?,
            self.act,
            pre.as_ref().map_or(Ok(&[][..]), Buffer::f32)?,
            dy.f32_mut()?,
            Some(dx.f32_mut()?),
            dw,
            db.f32_mut()?,
        );
        for buffer in [Some(dy), pre].into_iter().flatten() {
            ctx.give(buffer);
        }
        Ok((dx, db))
    }

    fn send_bias(&self, ctx: &mut Context, db: Buffer, sink: &mut dyn GradSink) -> Result<()> {
        if let Bias::Trained(bias) = &self.bias {
            sink.dense(bias, db.f32()?)?;
        }
        ctx.give(db);
        Ok(())
    }
}

/// A use of some columns alone, and the gradient of what it made.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    /// The x that [`Linear::forward_columns`] got.
    pub(crate) x: &'a Buffer,
    /// The gradient of its result, `[rows, outputs.len()]`.
    pub(crate) dy: Buffer,
    /// The columns.
    pub(crate) outputs: Range<usize>,
}

/// `{name}.{suffix}` of all names.
fn parts(names: &[String], suffix: &str, shape: &[usize]) -> Vec<Part> {
    names
        .iter()
        .map(|name| Part { name: format!("{name}.{suffix}"), shape: shape.to_vec() })
        .collect()
}
