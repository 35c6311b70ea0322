//! A linear layer as a module.

use std::ops::Range;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::dispatch::linear::{self, Gradients, Layer};
use crate::error::Result;
use crate::grad::GradSink;
use crate::ops::activation::Activation;
use crate::ops::linear::Shape;
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::saved::Saved;

/// y = act(x W^T + b).
#[derive(Debug)]
pub struct Linear {
    weight: Arc<Parameter>,
    bias: Option<Arc<Parameter>>,
    /// A bias of nothing, where there is none, for kernels that always add one.
    zeros: Vec<f32>,
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
        layer.bias = Some(store.declare_bias(parts(names, "bias", &[outputs])));
        layer.zeros = Vec::new();
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
        Self { weight, bias: None, zeros: vec![0.0; outputs], inputs, outputs, act }
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
        let bias = bias.then(|| {
            let part = |(name, outputs): &(String, usize)| Part {
                name: format!("{name}.bias"),
                shape: vec![*outputs],
            };
            store.declare_bias(stacked.iter().map(part).collect())
        });
        let zeros = if bias.is_some() { Vec::new() } else { vec![0.0; outputs] };
        Self { weight, bias, zeros, inputs, outputs, act: Activation::Identity }
    }

    /// Columns of y.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    fn shape(&self, rows: usize) -> Shape {
        Shape { rows, inputs: self.inputs, outputs: self.outputs }
    }

    /// Weights and bias of some outputs.
    fn layer(&self, outputs: Range<usize>) -> Layer<'_> {
        Layer { weight: &self.weight, bias: self.bias.as_deref(), zeros: &self.zeros, outputs }
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
        let layer = self.layer(0..self.outputs);
        if saved.trains() && self.act != Activation::Identity {
            let mut pre = ctx.take(rows * self.outputs)?;
            linear::forward(ctx, shape, x, &layer, self.act, &mut y, Some(&mut pre))?;
            saved.keep(ctx, pre);
        } else {
            linear::forward(ctx, shape, x, &layer, self.act, &mut y, None)?;
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
        let shape = Shape { rows, inputs: self.inputs, outputs: outputs.len() };
        let layer = self.layer(outputs);
        linear::forward(ctx, shape, x, &layer, Activation::Identity, &mut y, None)?;
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
            None => own.insert(ctx.take_f32(self.outputs * self.inputs)?),
        };
        let (dx, db) = self.gradients(ctx, x, dy, saved, dw)?;
        if let Some(dw) = own {
            sink.dense(ctx, &self.weight, &dw)?;
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
        let mut dw = ctx.take_f32(self.outputs * self.inputs)?;
        let (dx, mut db) = self.gradients(ctx, x, dy, saved, &mut dw)?;
        let Columns { x, mut dy, outputs } = columns;
        let shape =
            Shape { rows: x.len() / self.inputs, inputs: self.inputs, outputs: outputs.len() };
        let mut dx_columns = ctx.take(x.len())?;
        let mut dw_columns = ctx.take_f32(outputs.len() * self.inputs)?;
        let mut db_columns = ctx.take_f32(outputs.len())?;
        let gradients =
            Gradients { dx: &mut dx_columns, dw: &mut dw_columns, dbias: &mut db_columns };
        let (layer, act) = (self.layer(outputs.clone()), Activation::Identity);
        linear::backward(ctx, shape, x, &layer, act, None, &mut dy, gradients)?;
        linear::add_part(ctx, &mut dw, outputs.start * self.inputs, &dw_columns)?;
        linear::add_part(ctx, &mut db, outputs.start, &db_columns)?;
        for buffer in [dy, dw_columns, db_columns] {
            ctx.give(buffer);
        }
        sink.dense(ctx, &self.weight, &dw)?;
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
        dw: &mut Buffer,
    ) -> Result<(Buffer, Buffer)> {
        let pre = match self.act {
            Activation::Identity => None,
            _ => Some(saved.pop()?),
        };
        let rows = x.len() / self.inputs;
        let mut dx = ctx.take(x.len())?;
        let mut db = ctx.take_f32(self.outputs)?;
        let (shape, layer) = (self.shape(rows), self.layer(0..self.outputs));
        let gradients = Gradients { dx: &mut dx, dw, dbias: &mut db };
        linear::backward(ctx, shape, x, &layer, self.act, pre.as_ref(), &mut dy, gradients)?;
        for buffer in [Some(dy), pre].into_iter().flatten() {
            ctx.give(buffer);
        }
        Ok((dx, db))
    }

    fn send_bias(&self, ctx: &mut Context, db: Buffer, sink: &mut dyn GradSink) -> Result<()> {
        if let Some(bias) = &self.bias {
            sink.dense(ctx, bias, &db)?;
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
