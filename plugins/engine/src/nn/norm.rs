//! Dropout, residual and layer norm as a module.

use std::sync::Arc;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::ops::norm::{self, Kept, LayerNorm};
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
        let layer = LayerNorm { gamma: gamma.f32()?, beta: beta.f32()?, eps: self.eps };
        if saved.trains() {
            let mut normalised = ctx.take(x.len())?;
            let mut rstd = ctx.take(x.len() / self.hidden)?;
            let kept = Kept { normalised: normalised.f32_mut()?, rstd: rstd.f32_mut()? };
            norm::forward(x.f32_mut()?, residual.f32()?, layer, dropout, Some(kept));
            saved.keep(ctx, normalised);
            saved.keep(ctx, rstd);
        } else {
            norm::forward(x.f32_mut()?, residual.f32()?, layer, dropout, None);
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
        let mut dgamma = ctx.take(self.hidden)?;
        let mut dbeta = ctx.take(self.hidden)?;
        norm::backward(
            dy.f32_mut()?,
            normalised.f32()?,
            rstd.f32()?,
            self.gamma.read().f32()?,
            dropout,
            Some(dx.f32_mut()?),
            dgamma.f32_mut()?,
            dbeta.f32_mut()?,
        );
        sink.dense(&self.gamma, dgamma.f32()?)?;
        sink.dense(&self.beta, dbeta.f32()?)?;
        for buffer in [rstd, normalised, dgamma, dbeta] {
            ctx.give(buffer);
        }
        Ok((dx, dy))
    }
}
