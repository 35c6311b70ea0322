//! DeBERTa-v2 and v3: an encoder whose attention adds relative positions to its scores
//! (He et al. 2021, 2023). The order of operations is that of Hugging Face's `DebertaV2Model`.
//!
//! Where Hugging Face does something unexpected, so does this:
//! * scores are divided by sqrt(head_dim (1 + number of `pos_att_type`)) even without
//!   `relative_attention`;
//! * buckets are computed in f32, whose rounding decides some of them ([`crate::ops::distance`]);
//! * with buckets, `max_relative_positions` shapes their logarithm alone: the table has
//!   2 `position_buckets` rows, and distances beyond take the first or the last;
//! * position-to-content scores are made with keys as rows and transposed, with an index that comes
//!   to the same row of the table as content-to-position's ([`crate::ops::distance`]). The case of
//!   fewer queries than keys, where Hugging Face swaps two arguments, does not arise: all tokens are
//!   queries;
//! * `encoder.LayerNorm` is there with `norm_rel_ebd` alone, and without `relative_attention` it has
//!   no effect;
//! * the convolution sees the embeddings, and its output is added to the first layer's.
//!
//! DeBERTa's first version ("deberta", with `in_proj`) is another architecture.

mod conv;
mod embeddings;
mod layer;
mod relative;

use self::conv::Conv;
use self::embeddings::Embeddings;
use self::layer::Layer;
use self::relative::{Positions, Relative};
use super::{Between, Trunk, segment};
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{DebertaV2Config, ModelConfig};
use crate::context::Context;
#[cfg(feature = "cuda")]
use crate::dispatch::disentangled;
use crate::dispatch::pointwise;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Norm;
use crate::param::ParamStore;
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::Stage;

/// Embeddings, a table of relative positions for all layers, and the layers.
#[derive(Debug)]
pub(super) struct Encoder {
    embeddings: Embeddings,
    relative: Relative,
    layers: Vec<Layer>,
    conv: Option<Conv>,
}

impl Encoder {
    /// Declares all parameters.
    pub(super) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        own: &DebertaV2Config,
    ) -> Self {
        let embeddings = Embeddings::declare(store, config, own);
        let relative = Relative::declare(store, config, own);
        let layers =
            (0..config.num_hidden_layers).map(|i| Layer::declare(store, i, config, own)).collect();
        let conv = own.conv.map(|conv| Conv::declare(store, config, own, conv));
        Self { embeddings, relative, layers, conv }
    }
}

impl Encoder {
    /// One layer, and the convolution beside the first.
    fn layer(
        &self,
        index: usize,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: Buffer,
        positions: Option<&Positions>,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let Some(conv) = self.conv.as_ref().filter(|_| index == 0) else {
            return self.layers[index].forward(ctx, batch, x, positions, saved);
        };
        let beside = conv.forward(ctx, batch, &x, saved)?;
        let y = self.layers[index].forward(ctx, batch, x, positions, saved)?;
        conv.join(ctx, beside, y, saved)
    }
}

impl Trunk for Encoder {
    fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
        between: Between<'_>,
    ) -> Result<Buffer> {
        let mut x = self.embeddings.forward(ctx, batch, saved)?;
        let positions = self.relative.forward(ctx, batch.max_seqlen(), saved)?;
        for index in 0..self.layers.len() {
            between()?;
            x = segment::forward(ctx, x, saved, |ctx, x, saved| {
                self.layer(index, ctx, batch, x, positions.as_ref(), saved)
            })?;
        }
        if let Some(positions) = positions {
            saved.keep(ctx, positions.rows);
        }
        Ok(x)
    }

    #[cfg(feature = "cuda")]
    fn stage(&self, ctx: &Context, batch: &PackedBatch, stage: &mut Stage) {
        stage.sequences(batch);
        self.embeddings.stage(batch, stage);
        let distances = self.relative.distances(batch.max_seqlen());
        if let Some(layer) = self.layers.first() {
            disentangled::stage(ctx, layer.shape(batch), distances.as_ref(), stage);
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
        let positions = match self.relative.distances(batch.max_seqlen()) {
            Some(distances) => Some(Positions { rows: saved.pop()?, distances }),
            None => None,
        };
        let mut drows = match &positions {
            Some(positions) => Some(ctx.take(positions.rows.len())?),
            None => None,
        };
        if let Some(drows) = &mut drows {
            ctx.zero(drows)?;
        }
        let mut dy = dy;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            segment::repeat(ctx, saved, |ctx, x, saved| {
                self.layer(index, ctx, batch, x, positions.as_ref(), saved)
            })?;
            let both = positions.as_ref().zip(drows.as_mut());
            let Some(conv) = self.conv.as_ref().filter(|_| index == 0) else {
                dy = layer.backward(ctx, batch, dy, both, saved, sink)?;
                continue;
            };
            let (dbeside, dlayer) = conv.part(ctx, dy, saved, sink)?;
            dy = layer.backward(ctx, batch, dlayer, both, saved, sink)?;
            let through = conv.backward(ctx, batch, dbeside, saved, sink)?;
            pointwise::add(ctx, &mut dy, &through)?;
            ctx.give(through);
        }
        if let (Some(positions), Some(drows)) = (positions, drows) {
            ctx.give(positions.rows);
            self.relative.backward(ctx, &positions.distances, drows, saved, sink)?;
        }
        self.embeddings.backward(ctx, batch, dy, saved, sink)
    }
}

/// LayerNorm(x) of a module that has neither residual nor dropout in front.
fn norm_alone(norm: &Norm, ctx: &mut Context, x: Buffer, saved: &mut Saved) -> Result<Buffer> {
    let mut nothing = ctx.take(x.len())?;
    ctx.zero(&mut nothing)?;
    let y = norm.forward(ctx, x, &nothing, saved)?;
    ctx.give(nothing);
    Ok(y)
}

/// The gradient of [`norm_alone`]'s x.
fn norm_alone_backward(
    norm: &Norm,
    ctx: &mut Context,
    dy: Buffer,
    saved: &mut Saved,
    sink: &mut dyn GradSink,
) -> Result<Buffer> {
    let (dx, dnothing) = norm.backward(ctx, dy, saved, sink)?;
    ctx.give(dnothing);
    Ok(dx)
}
