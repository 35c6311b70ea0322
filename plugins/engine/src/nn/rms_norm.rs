//! Gemma's root mean square norm as a module.

use std::sync::Arc;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::dispatch::rms_norm;
use crate::error::Result;
use crate::grad::GradSink;
use crate::param::{Init, ParamStore, Parameter, Part};

/// y = x / sqrt(mean(x^2) + eps) * (1 + weight).
#[derive(Debug)]
pub struct RmsNorm {
    weight: Arc<Parameter>,
    eps: f32,
}

impl RmsNorm {
    /// Declares the norm `{name}.weight` over rows of `hidden` elements; its weights begin at 0.
    pub fn declare(store: &mut ParamStore, name: &str, hidden: usize, eps: f64) -> Self {
        let part = Part { name: format!("{name}.weight"), shape: vec![hidden] };
        Self { weight: store.declare(vec![part], Init::Zeros), eps: eps as f32 }
    }

    /// The norm of x `[rows, hidden]`, in a buffer of its own.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    pub fn forward(&self, ctx: &mut Context, x: &Buffer) -> Result<Buffer> {
        let mut y = ctx.take(x.len())?;
        let weight = self.weight.read();
        let norm = rms_norm::RmsNorm { weight: &weight, eps: self.eps };
        rms_norm::forward(ctx, x, norm, &mut y)?;
        Ok(y)
    }

    /// Adds the norm of x to `sum`, both `[rows, hidden]`.
    ///
    /// # Errors
    /// Of the device.
    pub fn add(&self, ctx: &Context, x: &Buffer, sum: &mut Buffer) -> Result<()> {
        let weight = self.weight.read();
        let norm = rms_norm::RmsNorm { weight: &weight, eps: self.eps };
        rms_norm::add(ctx, x, norm, sum)
    }

    /// dx `[rows, hidden]` from dy `[rows, hidden]` and the x of [`RmsNorm::forward`] or
    /// [`RmsNorm::add`], whose residual has dy itself for a gradient.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`], or whatever the sink reports.
    pub fn backward(
        &self,
        ctx: &mut Context,
        mut x: Buffer,
        dy: &Buffer,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let mut dx = ctx.take(x.len())?;
        let mut dweight = ctx.take_f32(self.weight.elements())?;
        {
            let weight = self.weight.read();
            let norm = rms_norm::RmsNorm { weight: &weight, eps: self.eps };
            rms_norm::backward(ctx, &mut x, norm, dy, &mut dx, &mut dweight)?;
        }
        sink.dense(ctx, &self.weight, &dweight)?;
        ctx.give(dweight);
        ctx.give(x);
        Ok(dx)
    }
}
