//! Dropout, residual and layer norm as a module.

use std::sync::Arc;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::dispatch::norm::{self, Gradients, Kept, LayerNorm};
use crate::error::Result;
use crate::grad::GradSink;
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::saved::Saved;

/// y = LayerNorm(residual + dropout(x)).
#[derive(Debug)]
pub struct Norm {
    pub(crate) gamma: Arc<Parameter>,
    pub(crate) beta: Arc<Parameter>,
    pub(crate) hidden: usize,
    pub(crate) eps: f32,
    pub(crate) dropout: f32,
}

impl Norm {
    /// Declares the layer norm `{name}.weight`, `{name}.bias` over rows of `hidden` elements.
    pub fn declare(
        store: &mut ParamStore,
        name: &str,
        hidden: usize,
        eps: f64,
        dropout: f32,
    ) -> Self {
        let part = |suffix| vec![Part { name: format!("{name}.{suffix}"), shape: vec![hidden] }];
        let gamma = store.declare(part("weight"), Init::Ones);
        let beta = store.declare(part("bias"), Init::Zeros);
        Self { gamma, beta, hidden, eps: eps as f32, dropout }
    }

    /// Turns x `[rows, hidden]` into y, reusing its buffer.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    pub fn forward(
        &self,
        ctx: &mut Context,
        mut x: Buffer,
        residual: &Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let dropout = saved.dropout(self.dropout);
        let (gamma, beta) = (self.gamma.read(), self.beta.read());
        let layer = LayerNorm { gamma: &gamma, beta: &beta, eps: self.eps };
        if saved.trains() {
            let mut normalised = ctx.take(x.len())?;
            let mut rstd = ctx.take_f32(x.len() / self.hidden)?;
            let kept = Kept { normalised: &mut normalised, rstd: &mut rstd };
            norm::forward(ctx, &mut x, residual, layer, dropout, Some(kept))?;
            saved.keep(ctx, normalised);
            saved.keep(ctx, rstd);
        } else {
            norm::forward(ctx, &mut x, residual, layer, dropout, None)?;
        }
        Ok(x)
    }

    /// (dx, dresidual), both `[rows, hidden]`, from dy.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`], or whatever the sink reports.
    pub fn backward(
        &self,
        ctx: &mut Context,
        mut dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<(Buffer, Buffer)> {
        let dropout = saved.dropout_again(self.dropout);
        let (rstd, normalised) = (saved.pop()?, saved.pop()?);
        let mut dx = ctx.take(dy.len())?;
        let mut dgamma = ctx.take_f32(self.hidden)?;
        let mut dbeta = ctx.take_f32(self.hidden)?;
        let gradients = Gradients { dgamma: &mut dgamma, dbeta: &mut dbeta };
        let gamma = self.gamma.read();
        norm::backward(
            ctx,
            &mut dy,
            &normalised,
            &rstd,
            &gamma,
            dropout,
            Some(&mut dx),
            gradients,
        )?;
        // A sink may change the weights at once.
        drop(gamma);
        sink.dense(ctx, &self.gamma, &dgamma)?;
        sink.dense(ctx, &self.beta, &dbeta)?;
        for buffer in [rstd, normalised, dgamma, dbeta] {
            ctx.give(buffer);
        }
        Ok((dx, dy))
    }
}
