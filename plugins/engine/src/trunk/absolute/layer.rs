//! One transformer layer with layer norm behind each half (post-norm).

use super::names::Names;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{AbsoluteConfig, ModelConfig};
use crate::context::Context;
use crate::dispatch::{attention, pointwise};
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::{FeedForward, FeedForwardNames, Linear, Norm};
use crate::ops::activation::Activation;
use crate::ops::attention::Shape;
use crate::param::ParamStore;
use crate::saved::Saved;

/// Self-attention and feed-forward, each with dropout, residual and layer norm.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Query, key and value in one product.
    qkv: Linear,
    output: Linear,
    attention_norm: Norm,
    feed_forward: FeedForward,
    heads: usize,
    head_dim: usize,
    attention_dropout: f32,
}

impl Layer {
    pub(crate) fn declare(
        store: &mut ParamStore,
        names: &Names,
        index: usize,
        config: &ModelConfig,
        own: &AbsoluteConfig,
    ) -> Self {
        let (hidden, middle, std) =
            (config.hidden_size, own.intermediate_size, config.initializer_range);
        let name = |suffix: &str| names.of_layer(index, suffix);
        let mut linear = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| name(n)).collect();
            Linear::declare(store, &names, (hidden, hidden), Activation::Identity, std)
        };
        let qkv = linear(&names.qkv);
        let output = linear(&[names.output]);
        let (eps, dropout) = (own.layer_norm_eps, own.attention_output_dropout);
        let attention_norm =
            Norm::declare(store, &name(names.attention_norm), hidden, eps, dropout);
        let feed_forward = FeedForward::declare(
            store,
            FeedForwardNames { up: name(names.up), down: name(names.down), norm: name(names.norm) },
            (hidden, middle),
            own.hidden_act,
            std,
            (eps, own.hidden_dropout_prob),
        );
        Self {
            qkv,
            output,
            attention_norm,
            feed_forward,
            heads: own.num_attention_heads,
            head_dim: hidden / own.num_attention_heads,
            attention_dropout: own.attention_probs_dropout_prob,
        }
    }

    /// The attention of a batch.
    pub(super) fn shape<'a>(&self, batch: &'a PackedBatch) -> Shape<'a> {
        Shape { cu_seqlens: batch.cu_seqlens(), heads: self.heads, head_dim: self.head_dim }
    }

    /// x `[T, hidden]` to y `[T, hidden]`.
    pub(crate) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let qkv = self.qkv.forward(ctx, &x, saved)?;
        let dropout = saved.dropout(self.attention_dropout);
        let mut mixed = ctx.take(x.len())?;
        let mut lse = match saved.trains() {
            true => Some(ctx.take_f32(batch.tokens() * self.heads)?),
            false => None,
        };
        attention::forward(ctx, self.shape(batch), &qkv, dropout, &mut mixed, lse.as_mut())?;
        saved.keep(ctx, qkv);
        if let Some(lse) = lse {
            saved.keep(ctx, lse);
        }
        let projected = self.output.forward(ctx, &mixed, saved)?;
        saved.keep(ctx, mixed);
        let middle = self.attention_norm.forward(ctx, projected, &x, saved)?;
        saved.keep(ctx, x);
        self.feed_forward.forward(ctx, middle, saved)
    }

    /// dx `[T, hidden]` from dy `[T, hidden]`.
    pub(crate) fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let dmiddle = self.feed_forward.backward(ctx, dy, saved, sink)?;
        let x = saved.pop()?;
        let (dprojected, mut dx) = self.attention_norm.backward(ctx, dmiddle, saved, sink)?;
        let (mixed, lse, qkv) = (saved.pop()?, saved.pop()?, saved.pop()?);
        let dmixed = self.output.backward(ctx, &mixed, dprojected, saved, sink)?;
        let dropout = saved.dropout_again(self.attention_dropout);
        let mut dqkv = ctx.take(qkv.len())?;
        let shape = self.shape(batch);
        attention::backward(ctx, shape, &qkv, dropout, &mixed, &lse, &dmixed, &mut dqkv)?;
        for buffer in [mixed, lse, qkv, dmixed] {
            ctx.give(buffer);
        }
        let through = self.qkv.backward(ctx, &x, dqkv, saved, sink)?;
        pointwise::add(ctx, &mut dx, &through)?;
        ctx.give(through);
        ctx.give(x);
        Ok(dx)
    }
}
