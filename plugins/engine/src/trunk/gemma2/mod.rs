//! The decoder of Gemma-2: scaled embeddings, layers with causal attention, a last norm.

mod layer;

use std::sync::Arc;

use self::layer::Layer;
use super::{Between, Trunk};
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{Gemma2Config, ModelConfig};
use crate::context::Context;
use crate::error::{EngineError, Result};
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
        Self { embed_tokens, hidden, layers, norm, frequencies }
    }

    /// The tokens' embeddings times sqrt(hidden).
    fn embed(&self, ctx: &mut Context, batch: &PackedBatch) -> Result<Buffer> {
        // Hugging Face rounds the factor to the dtype of the hidden states, here f32.
        let scale = (self.hidden as f64).sqrt() as f32;
        let mut x = ctx.take(batch.tokens() * self.hidden)?;
        let table = self.embed_tokens.read();
        let lookup = Lookup { table: table.f32()?, ids: batch.input_ids() };
        embedding::scaled(lookup, scale, self.hidden, x.f32_mut()?);
        Ok(x)
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
        if saved.trains() {
            return Err(EngineError::Unsupported("Gemma-2 cannot be trained yet".to_owned()));
        }
        let angles = batch.max_seqlen() * self.frequencies.len();
        let (mut cos, mut sin) = (ctx.take(angles)?, ctx.take(angles)?);
        rope::angles(&self.frequencies, cos.f32_mut()?, sin.f32_mut()?);
        let mut x = self.embed(ctx, batch)?;
        for layer in &self.layers {
            between()?;
            let angles = rope::Angles { cos: cos.f32()?, sin: sin.f32()? };
            layer.forward(ctx, batch, angles, &mut x, saved)?;
        }
        let y = self.norm.forward(ctx, &x)?;
        for buffer in [x, cos, sin] {
            ctx.give(buffer);
        }
        Ok(y)
    }
}
