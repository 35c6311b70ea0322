//! The decoder of Gemma-2: scaled embeddings, layers with causal attention, a last norm.

mod layer;

use std::sync::Arc;

use self::layer::Layer;
use super::{Between, Trunk, segment};
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{Gemma2Config, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::RmsNorm;
use crate::ops::embedding::{self, Lookup};
use crate::ops::rope;
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::saved::Saved;

/// Gemma Team 2024; names and order of operations are Hugging Face's `Gemma2Model` with eager
/// attention. (Its "sdpa" attention, which it takes by default, leaves the soft cap of the scores
/// out and so computes another function.)
#[derive(Debug)]
pub(super) struct Decoder {
    embed_tokens: Arc<Parameter>,
    hidden: usize,
    layers: Vec<Layer>,
    norm: RmsNorm,
    frequencies: Vec<f32>,
    pad_token_id: Option<u32>,
}

impl Decoder {
    /// Declares all parameters under `model`.
    pub(super) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        own: &Gemma2Config,
    ) -> Self {
        let prefix = config.architecture.prefix();
        let hidden = config.hidden_size;
        let table = Part {
            name: format!("{prefix}.embed_tokens.weight"),
            shape: vec![config.vocab_size, hidden],
        };
        let embed_tokens = store.declare(vec![table], Init::Normal(config.initializer_range));
        let layers = own.windows.iter().enumerate().map(|(i, window)| {
            Layer::declare(store, &format!("{prefix}.layers.{i}"), *window, config, own)
        });
        let layers = layers.collect();
        let norm = RmsNorm::declare(store, &format!("{prefix}.norm"), hidden, own.rms_norm_eps);
        let frequencies = rope::frequencies(own.rope_theta, own.head_dim);
        let pad_token_id = config.pad_token_id;
        Self { embed_tokens, hidden, layers, norm, frequencies, pad_token_id }
    }

    /// The factor of the embeddings, sqrt(hidden); Hugging Face rounds it to the dtype of the hidden
    /// states, here f32.
    fn scale(&self) -> f32 {
        (self.hidden as f64).sqrt() as f32
    }

    /// The tokens' embeddings, scaled.
    fn embed(&self, ctx: &mut Context, batch: &PackedBatch) -> Result<Buffer> {
        let mut x = ctx.take(batch.tokens() * self.hidden)?;
        let table = self.embed_tokens.read();
        let lookup = Lookup { table: table.f32()?, ids: batch.input_ids() };
        embedding::scaled(lookup, self.scale(), self.hidden, x.f32_mut()?);
        Ok(x)
    }

    /// Cosines and sines of the positions in a batch.
    fn angles(&self, ctx: &mut Context, batch: &PackedBatch) -> Result<[Buffer; 2]> {
        let angles = batch.max_seqlen() * self.frequencies.len();
        let (mut cos, mut sin) = (ctx.take(angles)?, ctx.take(angles)?);
        rope::angles(&self.frequencies, cos.f32_mut()?, sin.f32_mut()?);
        Ok([cos, sin])
    }
}

impl Trunk for Decoder {
    fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
        between: Between<'_>,
    ) -> Result<Buffer> {
        let [cos, sin] = self.angles(ctx, batch)?;
        let angles = rope::Angles { cos: cos.f32()?, sin: sin.f32()? };
        let mut x = self.embed(ctx, batch)?;
        for layer in &self.layers {
            between()?;
            x = segment::forward(ctx, x, saved, |ctx, x, saved| {
                layer.forward(ctx, batch, angles, x, saved)
            })?;
        }
        let y = self.norm.forward(ctx, &x)?;
        saved.keep(ctx, x);
        ctx.give(cos);
        ctx.give(sin);
        Ok(y)
    }

    fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()> {
        let [cos, sin] = self.angles(ctx, batch)?;
        let angles = rope::Angles { cos: cos.f32()?, sin: sin.f32()? };
        let x = saved.pop()?;
        let mut dx = self.norm.backward(ctx, x, &dy, sink)?;
        ctx.give(dy);
        for layer in self.layers.iter().rev() {
            segment::repeat(ctx, saved, |ctx, x, saved| {
                layer.forward(ctx, batch, angles, x, saved)
            })?;
            dx = layer.backward(ctx, batch, angles, dx, saved, sink)?;
        }
        let mut rows = embedding::backward(dx.f32()?, batch.input_ids(), self.hidden);
        let scale = self.scale();
        rows.grad.iter_mut().for_each(|value| *value *= scale);
        sink.sparse_rows(&self.embed_tokens, &rows.without(self.pad_token_id))?;
        for buffer in [dx, cos, sin] {
            ctx.give(buffer);
        }
        Ok(())
    }
}
