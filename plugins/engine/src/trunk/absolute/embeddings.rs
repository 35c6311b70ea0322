//! Word, position and token type embeddings with layer norm and dropout.

use std::borrow::Cow;
use std::sync::Arc;

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{AbsoluteConfig, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::{Linear, Norm};
use crate::ops::activation::Activation;
use crate::ops::dropout::Dropout;
use crate::ops::embedding::{self, Lookup};
use crate::ops::norm::{self, Kept, LayerNorm};
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::saved::Saved;

/// dropout(LayerNorm(word + token type + position)), and ELECTRA's projection to the width of the
/// hidden states where that is another one.
#[derive(Debug)]
pub(crate) struct Embeddings {
    word: Arc<Parameter>,
    /// DistilBERT has none.
    token_type: Option<Arc<Parameter>>,
    position: Arc<Parameter>,
    norm: Norm,
    project: Option<Linear>,
    width: usize,
    padding_idx: Option<u32>,
    pad_token_id: Option<u32>,
    frozen_positions: bool,
}

impl Embeddings {
    pub(crate) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        own: &AbsoluteConfig,
    ) -> Self {
        let prefix = config.architecture.prefix();
        let width = own.embedding_size;
        let mut table = |name: &str, rows| {
            let part = Part {
                name: format!("{prefix}.embeddings.{name}.weight"),
                shape: vec![rows, width],
            };
            store.declare(vec![part], Init::Normal(config.initializer_range))
        };
        let word = table("word_embeddings", config.vocab_size);
        let position = table("position_embeddings", own.max_position_embeddings);
        let token_type = match own.type_vocab_size {
            0 => None,
            rows => Some(table("token_type_embeddings", rows)),
        };
        let norm = Norm::declare(
            store,
            &format!("{prefix}.embeddings.LayerNorm"),
            width,
            own.layer_norm_eps,
            own.hidden_dropout_prob,
        );
        let project = (width != config.hidden_size).then(|| {
            let name = [format!("{prefix}.embeddings_project")];
            let sizes = (width, config.hidden_size);
            Linear::declare(store, &name, sizes, Activation::Identity, config.initializer_range)
        });
        Self {
            word,
            token_type,
            position,
            norm,
            project,
            width,
            padding_idx: own.padding_idx,
            pad_token_id: config.pad_token_id,
            frozen_positions: own.frozen_positions,
        }
    }

    /// The tables, and which of their rows each token takes.
    fn lookups<'a>(&'a self, batch: &'a PackedBatch) -> Vec<(&'a Arc<Parameter>, Cow<'a, [u32]>)> {
        let positions = match self.padding_idx {
            None => Cow::Borrowed(batch.position_ids()),
            Some(pad) => Cow::Owned(positions_behind(batch, pad)),
        };
        let token_type = self.token_type.as_ref();
        [(&self.word, Cow::Borrowed(batch.input_ids()))]
            .into_iter()
            .chain(token_type.map(|table| (table, Cow::Borrowed(batch.token_type_ids()))))
            .chain([(&self.position, positions)])
            .collect()
    }

    /// `[T, hidden]`.
    pub(crate) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let dropout = saved.dropout(self.norm.dropout);
        let mut y = ctx.take(batch.tokens() * self.width)?;
        let tables = self.lookups(batch);
        let values: Vec<_> = tables.iter().map(|(table, _)| table.read()).collect();
        let lookups = values
            .iter()
            .zip(&tables)
            .map(|(value, (_, ids))| Ok(Lookup { table: value.f32()?, ids }))
            .collect::<Result<Vec<_>>>()?;
        let (gamma, beta) = (self.norm.gamma.read(), self.norm.beta.read());
        let layer = LayerNorm { gamma: gamma.f32()?, beta: beta.f32()?, eps: self.norm.eps };
        if saved.trains() {
            let mut normalised = ctx.take(y.len())?;
            let mut rstd = ctx.take(batch.tokens())?;
            let kept = Kept { normalised: normalised.f32_mut()?, rstd: rstd.f32_mut()? };
            embedding::forward(&lookups, layer, dropout, y.f32_mut()?, Some(kept));
            saved.keep(ctx, normalised);
            saved.keep(ctx, rstd);
        } else {
            embedding::forward(&lookups, layer, dropout, y.f32_mut()?, None);
        }
        let Some(project) = &self.project else { return Ok(y) };
        let projected = project.forward(ctx, &y, saved)?;
        saved.keep(ctx, y);
        Ok(projected)
    }

    /// Sends the gradients of the tables and the norm to the sink.
    pub(crate) fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        mut dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()> {
        if let Some(project) = &self.project {
            let x = saved.pop()?;
            dy = project.backward(ctx, &x, dy, saved, sink)?;
            ctx.give(x);
        }
        saved.dropout_again(self.norm.dropout).apply_all(dy.f32_mut()?);
        let (rstd, normalised) = (saved.pop()?, saved.pop()?);
        let mut dgamma = ctx.take(self.width)?;
        let mut dbeta = ctx.take(self.width)?;
        norm::backward(
            dy.f32_mut()?,
            normalised.f32()?,
            rstd.f32()?,
            self.norm.gamma.read().f32()?,
            Dropout::off(),
            None,
            dgamma.f32_mut()?,
            dbeta.f32_mut()?,
        );
        sink.dense(&self.norm.gamma, dgamma.f32()?)?;
        sink.dense(&self.norm.beta, dbeta.f32()?)?;
        for (table, ids) in self.lookups(batch) {
            let is = |other: &Arc<Parameter>| table.id() == other.id();
            if is(&self.position) && self.frozen_positions {
                continue;
            }
            let rows = embedding::backward(dy.f32()?, &ids, self.width);
            // In RoBERTa the padding token has a position of its own, which is not trained either.
            let padding = if is(&self.word) {
                self.pad_token_id
            } else {
                self.padding_idx.filter(|_| is(&self.position))
            };
            sink.sparse_rows(table, &rows.without(padding))?;
        }
        for buffer in [rstd, normalised, dgamma, dbeta, dy] {
            ctx.give(buffer);
        }
        Ok(())
    }
}

/// RoBERTa's positions: tokens are counted from behind `pad`, and a token that is `pad` itself
/// (written out in a text) has position `pad` and is not counted (`create_position_ids_from_input_ids`).
fn positions_behind(batch: &PackedBatch, pad: u32) -> Vec<u32> {
    let mut positions = Vec::with_capacity(batch.tokens());
    for span in batch.cu_seqlens().windows(2) {
        let mut next = pad;
        positions.extend(batch.input_ids()[span[0] as usize..span[1] as usize].iter().map(|&id| {
            let counts = id != pad;
            next += u32::from(counts);
            if counts { next } else { pad }
        }));
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_in_a_text_keeps_its_own_position() {
        let mut batch = PackedBatch::default();
        batch.push(&[0, 7, 1, 8, 2], &[0; 5]).unwrap();
        batch.push(&[0, 2], &[0; 2]).unwrap();
        assert_eq!(positions_behind(&batch, 1), [2, 3, 1, 4, 5, 2, 3]);
    }
}
