//! The decoder of Gemma-2: scaled embeddings, layers with causal attention, a last norm.

mod layer;

use std::sync::Arc;

use self::layer::Layer;
use super::{Between, Trunk, segment};
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{Gemma2Config, ModelConfig};
use crate::context::Context;
#[cfg(feature = "cuda")]
use crate::dispatch::causal;
use crate::dispatch::embedding::{self, Backward, Lookup, Table};
use crate::dispatch::rope;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::RmsNorm;
use crate::ops::rope::frequencies;
use crate::param::{ParamStore, Parameter, Part};
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::{List, Stage};

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
        let embed_tokens = store.declare_table(table, config.initializer_range);
        let layers = own.windows.iter().enumerate().map(|(i, window)| {
            Layer::declare(store, &format!("{prefix}.layers.{i}"), *window, config, own)
        });
        let layers = layers.collect();
        let norm = RmsNorm::declare(store, &format!("{prefix}.norm"), hidden, own.rms_norm_eps);
        let frequencies = frequencies(own.rope_theta, own.head_dim);
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
        let lookup = Lookup { values: &table, ids: batch.input_ids(), table: Table::Words };
        embedding::scaled(ctx, lookup, self.scale(), self.hidden, &mut x)?;
        Ok(x)
    }

    /// Cosines and sines of the positions in a batch.
    fn angles(&self, ctx: &mut Context, batch: &PackedBatch) -> Result<Arc<[Buffer; 2]>> {
        rope::angles(ctx, &self.frequencies, batch.max_seqlen())
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
        let tables = self.angles(ctx, batch)?;
        let [cos, sin] = &*tables;
        let angles = rope::Angles { cos, sin };
        let mut x = self.embed(ctx, batch)?;
        for layer in &self.layers {
            between()?;
            x = segment::forward(ctx, x, saved, |ctx, x, saved| {
                layer.forward(ctx, batch, angles, x, saved)
            })?;
        }
        let y = self.norm.forward(ctx, &x)?;
        saved.keep(ctx, x);
        Ok(y)
    }

    #[cfg(feature = "cuda")]
    fn stage(&self, ctx: &Context, batch: &PackedBatch, stage: &mut Stage) {
        stage.sequences(batch);
        stage.push(List::PositionIds, batch.position_ids().to_vec());
        stage.lookup(Table::Words, batch.input_ids(), self.pad_token_id, true);
        if let Some(layer) = self.layers.first() {
            causal::stage(ctx, layer.shape(batch), stage);
        }
    }

    fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()> {
        let tables = self.angles(ctx, batch)?;
        let [cos, sin] = &*tables;
        let angles = rope::Angles { cos, sin };
        let x = saved.pop()?;
        let mut dx = self.norm.backward(ctx, x, &dy, sink)?;
        ctx.give(dy);
        for layer in self.layers.iter().rev() {
            segment::repeat(ctx, saved, |ctx, x, saved| {
                layer.forward(ctx, batch, angles, x, saved)
            })?;
            dx = layer.backward(ctx, batch, angles, dx, saved, sink)?;
        }
        let of = Backward {
            param: &self.embed_tokens,
            ids: batch.input_ids(),
            table: Table::Words,
            padding: self.pad_token_id,
            scale: self.scale(),
        };
        embedding::backward(ctx, &dx, self.hidden, of, sink)?;
        ctx.give(dx);
        Ok(())
    }
}
