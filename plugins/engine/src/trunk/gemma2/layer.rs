//! One layer: attention and a gated feed-forward part, each between two norms.

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{Gemma2Config, ModelConfig};
use crate::context::Context;
use crate::dispatch::{causal, gated, pointwise, rope};
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::{Linear, RmsNorm};
use crate::ops::activation::Activation;
use crate::ops::causal::Shape;
use crate::param::ParamStore;
use crate::saved::Saved;

/// x += norm(attention(norm(x))); x += norm(feed_forward(norm(x))).
#[derive(Debug)]
pub(super) struct Layer {
    input_norm: RmsNorm,
    /// Queries, keys and values in one product.
    qkv: Linear,
    output: Linear,
    post_attention_norm: RmsNorm,
    pre_feedforward_norm: RmsNorm,
    /// Gate and up in one product.
    gate_up: Linear,
    down: Linear,
    post_feedforward_norm: RmsNorm,
    intermediate: usize,
    act: Activation,
    attention_dropout: f32,
    /// The attention of an empty batch.
    shape: Shape<'static>,
}

impl Layer {
    pub(super) fn declare(
        store: &mut ParamStore,
        prefix: &str,
        window: Option<usize>,
        config: &ModelConfig,
        own: &Gemma2Config,
    ) -> Self {
        let (hidden, std) = (config.hidden_size, config.initializer_range);
        let heads = own.num_attention_heads * own.head_dim;
        let kv_heads = own.num_key_value_heads * own.head_dim;
        let (wide, bias) = (own.intermediate_size, own.attention_bias);
        let mut linear = |parts: &[(&str, usize)], inputs, bias| {
            let parts: Vec<_> =
                parts.iter().map(|(name, n)| (format!("{prefix}.{name}_proj"), *n)).collect();
            Linear::declare_stacked(store, &parts, inputs, bias, std)
        };
        let qkv = [("self_attn.q", heads), ("self_attn.k", kv_heads), ("self_attn.v", kv_heads)];
        let qkv = linear(&qkv, hidden, bias);
        let output = linear(&[("self_attn.o", hidden)], heads, bias);
        let gate_up = linear(&[("mlp.gate", wide), ("mlp.up", wide)], hidden, false);
        let down = linear(&[("mlp.down", hidden)], wide, false);
        let mut norm = |name: &str| {
            RmsNorm::declare(store, &format!("{prefix}.{name}_layernorm"), hidden, own.rms_norm_eps)
        };
        Self {
            input_norm: norm("input"),
            qkv,
            output,
            post_attention_norm: norm("post_attention"),
            pre_feedforward_norm: norm("pre_feedforward"),
            gate_up,
            down,
            post_feedforward_norm: norm("post_feedforward"),
            intermediate: wide,
            act: own.hidden_act,
            attention_dropout: own.attention_dropout,
            shape: Shape {
                cu_seqlens: &[],
                heads: own.num_attention_heads,
                kv_heads: own.num_key_value_heads,
                head_dim: own.head_dim,
                scale: own.query_pre_attn_scalar.powf(-0.5) as f32,
                soft_cap: own.attn_logit_softcapping,
                window,
            },
        }
    }

    /// x `[T, hidden]` to y `[T, hidden]`.
    pub(super) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        angles: rope::Angles<'_>,
        x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let x = self.attend(ctx, batch, angles, x, saved)?;
        self.feed_forward(ctx, batch, x, saved)
    }

    /// dx `[T, hidden]` from dy `[T, hidden]`.
    pub(super) fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        angles: rope::Angles<'_>,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let dx = self.feed_forward_backward(ctx, batch, dy, saved, sink)?;
        self.attend_backward(ctx, batch, angles, dx, saved, sink)
    }

    /// The attention of a batch.
    pub(super) fn shape<'a>(&self, batch: &'a PackedBatch) -> Shape<'a> {
        Shape { cu_seqlens: batch.cu_seqlens(), ..self.shape }
    }

    /// Queries and keys lie side by side and turn alike: how many heads, and their width.
    fn turned(&self) -> (usize, usize) {
        (self.shape.heads + self.shape.kv_heads, self.shape.head_dim)
    }

    /// x + norm(attention(norm(x))).
    fn attend(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        angles: rope::Angles<'_>,
        x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let normed = self.input_norm.forward(ctx, &x)?;
        let mut qkv = self.qkv.forward(ctx, &normed, saved)?;
        ctx.give(normed);
        let shape = self.shape(batch);
        let width = shape.width();
        rope::forward(ctx, &mut qkv, width, self.turned(), batch.position_ids(), angles)?;
        let dropout = saved.dropout(self.attention_dropout);
        let mut mixed = ctx.take(batch.tokens() * shape.heads * shape.head_dim)?;
        let mut lse = match saved.trains() {
            true => Some(ctx.take_f32(batch.tokens() * shape.heads)?),
            false => None,
        };
        causal::forward(ctx, shape, &qkv, dropout, &mut mixed, lse.as_mut())?;
        saved.keep(ctx, qkv);
        if let Some(lse) = lse {
            saved.keep(ctx, lse);
        }
        let projected = self.output.forward(ctx, &mixed, saved)?;
        saved.keep(ctx, mixed);
        add(&self.post_attention_norm, ctx, projected, x, saved)
    }

    /// dx of [`Layer::attend`]. What was the norm of x is made again, which costs less than to keep it.
    fn attend_backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        angles: rope::Angles<'_>,
        mut dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let (x, projected) = (saved.pop()?, saved.pop()?);
        let dprojected = self.post_attention_norm.backward(ctx, projected, &dy, sink)?;
        let (mixed, lse, qkv) = (saved.pop()?, saved.pop()?, saved.pop()?);
        let dmixed = self.output.backward(ctx, &mixed, dprojected, saved, sink)?;
        let dropout = saved.dropout_again(self.attention_dropout);
        let shape = self.shape(batch);
        let mut dqkv = ctx.take(qkv.len())?;
        causal::backward(ctx, shape, &qkv, dropout, &mixed, &lse, &dmixed, &mut dqkv)?;
        for buffer in [mixed, lse, qkv, dmixed] {
            ctx.give(buffer);
        }
        let width = shape.width();
        rope::backward(ctx, &mut dqkv, width, self.turned(), batch.position_ids(), angles)?;
        let normed = self.input_norm.forward(ctx, &x)?;
        let dnormed = self.qkv.backward(ctx, &normed, dqkv, saved, sink)?;
        ctx.give(normed);
        let through = self.input_norm.backward(ctx, x, &dnormed, sink)?;
        pointwise::add(ctx, &mut dy, &through)?;
        ctx.give(dnormed);
        ctx.give(through);
        Ok(dy)
    }

    /// x + norm(down(act(gate) * up)), gate and up of norm(x).
    fn feed_forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let normed = self.pre_feedforward_norm.forward(ctx, &x)?;
        let gate_up = self.gate_up.forward(ctx, &normed, saved)?;
        ctx.give(normed);
        let wide = self.gate(ctx, batch, &gate_up)?;
        saved.keep(ctx, gate_up);
        let narrow = self.down.forward(ctx, &wide, saved)?;
        ctx.give(wide);
        add(&self.post_feedforward_norm, ctx, narrow, x, saved)
    }

    fn gate(&self, ctx: &mut Context, batch: &PackedBatch, gate_up: &Buffer) -> Result<Buffer> {
        let mut wide = ctx.take(batch.tokens() * self.intermediate)?;
        gated::forward(ctx, gate_up, self.intermediate, self.act, &mut wide)?;
        Ok(wide)
    }

    /// dx of [`Layer::feed_forward`].
    fn feed_forward_backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        mut dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let (x, narrow) = (saved.pop()?, saved.pop()?);
        let dnarrow = self.post_feedforward_norm.backward(ctx, narrow, &dy, sink)?;
        let gate_up = saved.pop()?;
        let wide = self.gate(ctx, batch, &gate_up)?;
        let dwide = self.down.backward(ctx, &wide, dnarrow, saved, sink)?;
        ctx.give(wide);
        let mut dgate_up = ctx.take(gate_up.len())?;
        let (width, act) = (self.intermediate, self.act);
        gated::backward(ctx, &gate_up, width, act, &dwide, &mut dgate_up)?;
        ctx.give(gate_up);
        ctx.give(dwide);
        let normed = self.pre_feedforward_norm.forward(ctx, &x)?;
        let dnormed = self.gate_up.backward(ctx, &normed, dgate_up, saved, sink)?;
        ctx.give(normed);
        let through = self.pre_feedforward_norm.backward(ctx, x, &dnormed, sink)?;
        pointwise::add(ctx, &mut dy, &through)?;
        ctx.give(dnormed);
        ctx.give(through);
        Ok(dy)
    }
}

/// residual + norm(x); keeps x and then the residual.
fn add(
    norm: &RmsNorm,
    ctx: &mut Context,
    x: Buffer,
    residual: Buffer,
    saved: &mut Saved,
) -> Result<Buffer> {
    if !saved.trains() {
        let mut y = residual;
        norm.add(ctx, &x, &mut y)?;
        ctx.give(x);
        return Ok(y);
    }
    let mut y = ctx.copy(&residual)?;
    norm.add(ctx, &x, &mut y)?;
    saved.keep(ctx, x);
    saved.keep(ctx, residual);
    Ok(y)
}
