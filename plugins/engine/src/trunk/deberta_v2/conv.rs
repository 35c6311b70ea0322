//! The convolution beside the first layer.

use std::sync::Arc;

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{ConvConfig, DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::dispatch::linear::{self, Gradients, Layer};
use crate::dispatch::{conv, pointwise};
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Norm;
use crate::ops::activation::Activation;
use crate::ops::linear::Shape;
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
        let std = Init::Normal(config.initializer_range);
        let weight = store.declare_rounded(part("conv.weight", &shape), std);
        let bias = store.declare_bias(part("conv.bias", &[hidden]));
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
        conv::windows(ctx, batch.cu_seqlens(), x, self.hidden, kernel, &mut windows)?;
        let mut y = ctx.take(x.len())?;
        let act = Activation::Identity;
        linear::forward(ctx, shape, &windows, &self.layer(), act, &mut y, None)?;
        saved.keep(ctx, windows);
        pointwise::dropout(ctx, &mut y, saved.dropout(self.dropout))?;
        if saved.trains() {
            let pre = ctx.copy(&y)?;
            saved.keep(ctx, pre);
        }
        pointwise::activate(ctx, &mut y, self.own.act, self.hidden)?;
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
        pointwise::activate_backward(ctx, &mut dy, self.own.act, &pre)?;
        pointwise::dropout(ctx, &mut dy, saved.dropout_again(self.dropout))?;
        let windows = saved.pop()?;
        let shape = self.shape(batch.tokens());
        let mut dwindows = ctx.take(windows.len())?;
        let mut dw = ctx.take_f32(self.hidden * shape.inputs)?;
        let mut db = ctx.take_f32(self.hidden)?;
        let gradients = Gradients { dx: &mut dwindows, dw: &mut dw, dbias: &mut db };
        let (layer, act) = (self.layer(), Activation::Identity);
        linear::backward(ctx, shape, &windows, &layer, act, None, &mut dy, gradients)?;
        sink.dense(ctx, &self.weight, &dw)?;
        sink.dense(ctx, &self.bias, &db)?;
        // dy is of x's size, and has been used.
        let (kernel, mut dx) = (self.own.kernel_size, dy);
        let cu_seqlens = batch.cu_seqlens();
        conv::backward(ctx, cu_seqlens, &dwindows, self.hidden, kernel, &mut dx)?;
        for buffer in [pre, windows, dwindows, dw, db] {
            ctx.give(buffer);
        }
        Ok(dx)
    }

    /// The convolution as a linear layer.
    fn shape(&self, rows: usize) -> Shape {
        Shape { rows, inputs: self.hidden * self.own.kernel_size, outputs: self.hidden }
    }

    fn layer(&self) -> Layer<'_> {
        let (weight, bias) = (&*self.weight, Some(&*self.bias));
        Layer { weight, bias, zeros: &[], outputs: 0..self.hidden }
    }
}
