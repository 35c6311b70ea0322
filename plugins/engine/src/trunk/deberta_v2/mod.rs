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
use self::relative::Relative;
use super::{Between, Trunk};
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::nn::Norm;
use crate::param::ParamStore;
use crate::saved::Saved;

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
        for (i, layer) in self.layers.iter().enumerate() {
            between()?;
            let conv = self.conv.as_ref().filter(|_| i == 0);
            let beside = conv.map(|conv| conv.forward(ctx, batch, &x, saved)).transpose()?;
            x = layer.forward(ctx, batch, x, positions.as_ref(), saved)?;
            if let (Some(conv), Some(beside)) = (conv, beside) {
                x = conv.join(ctx, beside, x, saved)?;
            }
        }
        if let Some(positions) = positions {
            saved.keep(ctx, positions.rows);
        }
        Ok(x)
    }
}

/// LayerNorm(x) of a module that has neither residual nor dropout in front.
fn norm_alone(norm: &Norm, ctx: &mut Context, x: Buffer, saved: &mut Saved) -> Result<Buffer> {
    let mut nothing = ctx.take(x.len())?;
    nothing.f32_mut()?.fill(0.0);
    let y = norm.forward(ctx, x, &nothing, saved)?;
    ctx.give(nothing);
    Ok(y)
}
