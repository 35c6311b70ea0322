//! The second half of an encoder's layer: y = LayerNorm(x + dropout(down(act(up(x))))).

use super::{Linear, Norm};
use crate::buffer::Buffer;
use crate::context::Context;
use crate::dispatch::pointwise;
use crate::error::Result;
use crate::grad::GradSink;
use crate::ops::activation::Activation;
use crate::param::ParamStore;
use crate::saved::Saved;

/// Two linear layers with an activation between them, residual and layer norm (Vaswani et al. 2017).
#[derive(Debug)]
pub struct FeedForward {
    up: Linear,
    down: Linear,
    norm: Norm,
}

/// Names of the three modules in a checkpoint.
#[derive(Debug)]
pub struct FeedForwardNames {
    /// The layer from the hidden width to the intermediate one.
    pub up: String,
    /// The layer back.
    pub down: String,
    /// The layer norm.
    pub norm: String,
}

impl FeedForward {
    /// Declares the parameters; `sizes` are hidden and intermediate, `norm` epsilon and dropout.
    pub fn declare(
        store: &mut ParamStore,
        names: FeedForwardNames,
        (hidden, intermediate): (usize, usize),
        act: Activation,
        std: f32,
        (eps, dropout): (f64, f32),
    ) -> Self {
        let up = Linear::declare(store, &[names.up], (hidden, intermediate), act, std);
        let sizes = (intermediate, hidden);
        let down = Linear::declare(store, &[names.down], sizes, Activation::Identity, std);
        Self { up, down, norm: Norm::declare(store, &names.norm, hidden, eps, dropout) }
    }

    /// x `[rows, hidden]` to y `[rows, hidden]`.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    pub fn forward(&self, ctx: &mut Context, x: Buffer, saved: &mut Saved) -> Result<Buffer> {
        let wide = self.up.forward(ctx, &x, saved)?;
        let narrow = self.down.forward(ctx, &wide, saved)?;
        saved.keep(ctx, wide);
        let y = self.norm.forward(ctx, narrow, &x, saved)?;
        saved.keep(ctx, x);
        Ok(y)
    }

    /// dx `[rows, hidden]` from dy `[rows, hidden]`.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`], or whatever the sink reports.
    pub fn backward(
        &self,
        ctx: &mut Context,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let x = saved.pop()?;
        let (dnarrow, mut dx) = self.norm.backward(ctx, dy, saved, sink)?;
        let wide = saved.pop()?;
        let dwide = self.down.backward(ctx, &wide, dnarrow, saved, sink)?;
        ctx.give(wide);
        let through = self.up.backward(ctx, &x, dwide, saved, sink)?;
        pointwise::add(ctx, &mut dx, &through)?;
        ctx.give(through);
        ctx.give(x);
        Ok(dx)
    }
}
