//! One layer: attention and a gated feed-forward part, each between two norms.

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{Gemma2Config, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::nn::{Linear, RmsNorm};
use crate::ops::activation::Activation;
use crate::ops::causal::{self, Shape};
use crate::ops::{gated, rope};
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

    /// x `[T, hidden]`, in place.
    pub(super) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        angles: rope::Angles<'_>,
        x: &mut Buffer,
        saved: &mut Saved,
    ) -> Result<()> {
        let normed = self.input_norm.forward(ctx, x)?;
        let mut qkv = self.qkv.forward(ctx, &normed, saved)?;
        ctx.give(normed);
        let shape = Shape { cu_seqlens: batch.cu_seqlens(), ..self.shape };
        // Queries and keys lie side by side and turn alike.
        let turned = (shape.heads + shape.kv_heads, shape.head_dim);
        rope::forward(qkv.f32_mut()?, shape.width(), turned, batch.position_ids(), angles);
        let mut mixed = ctx.take(batch.tokens() * shape.heads * shape.head_dim)?;
        causal::forward(shape, qkv.f32()?, mixed.f32_mut()?);
        ctx.give(qkv);
        let projected = self.output.forward(ctx, &mixed, saved)?;
        ctx.give(mixed);
        self.post_attention_norm.add(&projected, x)?;
        ctx.give(projected);

        let normed = self.pre_feedforward_norm.forward(ctx, x)?;
        let gate_up = self.gate_up.forward(ctx, &normed, saved)?;
        ctx.give(normed);
        let mut wide = ctx.take(batch.tokens() * self.intermediate)?;
        gated::forward(gate_up.f32()?, self.intermediate, self.act, wide.f32_mut()?);
        ctx.give(gate_up);
        let narrow = self.down.forward(ctx, &wide, saved)?;
        ctx.give(wide);
        self.post_feedforward_norm.add(&narrow, x)?;
        ctx.give(narrow);
        Ok(())
    }
}
