//! The convolution beside the first layer.

use std::sync::Arc;

use rayon::prelude::*;

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{ConvConfig, DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Norm;
use crate::ops::activation::Activation;
use crate::ops::{conv, linear};
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::saved::Saved;

/// LayerNorm(first layer's output + act(dropout(conv(embeddings)))), Hugging Face's `ConvLayer`.
#[derive(Debug)]
pub(super) struct Conv {
    /// `[hidden, hidden, kernel]`
    weight: Arc<Parameter>,
    bias: Arc<Parameter>,
    norm: Norm,
    own: ConvConfig,
    hidden: usize,
    dropout: f32,
}

impl Conv {
    pub(super) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        trunk: &DebertaV2Config,
        own: ConvConfig,
    ) -> Self {
        let hidden = config.hidden_size;
        let name = |suffix: &str| format!("{}.encoder.conv.{suffix}", config.architecture.prefix());
        let part = |suffix: &str, shape: &[usize]| {
            vec![Part { name: name(suffix), shape: shape.to_vec() }]
        };
        let shape = [hidden, hidden, own.kernel_size];
        let weight =
            store.declare(part("conv.weight", &shape), Init::Normal(config.initializer_range));
        let bias = store.declare(part("conv.bias", &[hidden]), Init::Zeros);
        let norm = Norm::declare(store, &name("LayerNorm"), hidden, trunk.layer_norm_eps, 0.0);
        Self { weight, bias, norm, own, hidden, dropout: trunk.hidden_dropout_prob }
    }

    /// act(dropout(conv(x))), x and result `[T, hidden]`; to be joined with the first layer's output.
    pub(super) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: &Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let shape = self.shape(batch.tokens());
        let mut windows = ctx.take(batch.tokens() * shape.inputs)?;
        let kernel = self.own.kernel_size;
        conv::windows(batch.cu_seqlens(), x.f32()?, self.hidden, kernel, windows.f32_mut()?);
        let mut y = ctx.take(x.len())?;
        let (weight, bias) = (self.weight.read(), self.bias.read());
        let (w, b) = (weight.f32()?, bias.f32()?);
        linear::forward(shape, windows.f32()?, w, b, Activation::Identity, y.f32_mut()?, None);
        saved.keep(ctx, windows);
        saved.dropout(self.dropout).apply_all(y.f32_mut()?);
        if saved.trains() {
            let pre = ctx.copy(&y)?;
            saved.keep(ctx, pre);
        }
        let zeros = vec![0.0; self.hidden];
        y.f32_mut()?
            .par_chunks_exact_mut(self.hidden)
            .for_each(|row| linear::activate(self.own.act, row, &zeros));
        Ok(y)
    }

    /// The layer norm of both together.
    pub(super) fn join(
        &self,
        ctx: &mut Context,
        beside: Buffer,
        layer: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let y = self.norm.forward(ctx, beside, &layer, saved)?;
        ctx.give(layer);
        Ok(y)
    }

    /// (dbeside, dlayer) of [`Conv::join`], both `[T, hidden]`.
    pub(super) fn part(
        &self,
        ctx: &mut Context,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<(Buffer, Buffer)> {
        self.norm.backward(ctx, dy, saved, sink)
    }

    /// dx `[T, hidden]` of [`Conv::forward`].
    pub(super) fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        mut dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let pre = saved.pop()?;
        linear::activate_backward(self.own.act, dy.f32_mut()?, pre.f32()?);
        saved.dropout_again(self.dropout).apply_all(dy.f32_mut()?);
        let windows = saved.pop()?;
        let shape = self.shape(batch.tokens());
        let mut dwindows = ctx.take(windows.len())?;
        let mut dw = ctx.take(self.hidden * shape.inputs)?;
        let mut db = ctx.take(self.hidden)?;
        linear::backward(
            shape,
            windows.f32()?,
            self.weight.read().f32()?,
            Activation::Identity,
            &[],
            dy.f32_mut()?,
            Some(dwindows.f32_mut()?),
            dw.f32_mut()?,
            db.f32_mut()?,
        );
        sink.dense(&self.weight, dw.f32()?)?;
        sink.dense(&self.bias, db.f32()?)?;
        // dy is of x's size, and has been used.
        let (kernel, mut dx) = (self.own.kernel_size, dy);
        let cu_seqlens = batch.cu_seqlens();
        conv::backward(cu_seqlens, dwindows.f32()?, self.hidden, kernel, dx.f32_mut()?);
        for buffer in [pre, windows, dwindows, dw, db] {
            ctx.give(buffer);
        }
        Ok(dx)
    }

    /// The convolution as a linear layer.
    fn shape(&self, rows: usize) -> linear::Shape {
        linear::Shape { rows, inputs: self.hidden * self.own.kernel_size, outputs: self.hidden }
    }
}
