//! Word, position and token type embeddings with layer norm and dropout.

use std::sync::Arc;

use super::config::EncoderConfig;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::{EngineError, Result};
use crate::grad::GradSink;
use crate::nn::Norm;
use crate::ops::embedding::{self, Lookup};
use crate::ops::norm::{self, Kept, LayerNorm};
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::saved::Saved;

/// dropout(LayerNorm(word + token type + position)).
#[derive(Debug)]
pub(crate) struct Embeddings {
    word: Arc<Parameter>,
    token_type: Arc<Parameter>,
    position: Arc<Parameter>,
    norm: Norm,
    config: EncoderConfig,
}

impl Embeddings {
    pub(crate) fn declare(store: &mut ParamStore, prefix: &str, config: &EncoderConfig) -> Self {
        let mut table = |name: &str, rows| {
            let part = Part {
                name: format!("{prefix}.{name}.weight"),
                shape: vec![rows, config.hidden_size],
            };
            store.declare(vec![part], Init::Normal(config.initializer_range))
        };
        let word = table("word_embeddings", config.vocab_size);
        let position = table("position_embeddings", config.max_position_embeddings);
        let token_type = table("token_type_embeddings", config.type_vocab_size);
        let norm = Norm::declare(
            store,
            &format!("{prefix}.LayerNorm"),
            config.hidden_size,
            config.layer_norm_eps,
            config.hidden_dropout_prob,
        );
        Self { word, token_type, position, norm, config: config.clone() }
    }

    /// Checks ids and lengths, so that the lookups need no further check.
    pub(crate) fn check(&self, batch: &PackedBatch) -> Result<()> {
        if batch.max_seqlen() > self.config.max_position_embeddings {
            return Err(EngineError::Input(format!(
                "a sequence has {} tokens, but the model takes {} at most; set max_seq_len to {} \
                 or less",
                batch.max_seqlen(),
                self.config.max_position_embeddings,
                self.config.max_position_embeddings
            )));
        }
        for (ids, limit, what) in [
            (batch.input_ids(), self.config.vocab_size, "token id"),
            (batch.token_type_ids(), self.config.type_vocab_size, "token type id"),
        ] {
            if let Some(id) = ids.iter().find(|&&id| id as usize >= limit) {
                return Err(EngineError::Input(format!(
                    "{what} {id} is out of range: the model has {limit}; do the tokeniser's files \
                     and the weights belong to the same model?"
                )));
            }
        }
        Ok(())
    }

    /// `[T, hidden]`.
    pub(crate) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let dropout = saved.dropout(self.norm.dropout);
        let hidden = self.config.hidden_size;
        let mut y = ctx.take(batch.tokens() * hidden)?;
        let (word, token_type, position) =
            (self.word.read(), self.token_type.read(), self.position.read());
        let lookups = [
            Lookup { table: word.f32()?, ids: batch.input_ids() },
            Lookup { table: token_type.f32()?, ids: batch.token_type_ids() },
            Lookup { table: position.f32()?, ids: batch.position_ids() },
        ];
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
        Ok(y)
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
        use crate::ops::dropout::Dropout;
        let hidden = self.config.hidden_size;
        saved.dropout_again(self.norm.dropout).apply(dy.f32_mut()?, 0);
        let (rstd, normalised) = (saved.pop()?, saved.pop()?);
        let mut dgamma = ctx.take(hidden)?;
        let mut dbeta = ctx.take(hidden)?;
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
        for (table, ids) in [
            (&self.word, batch.input_ids()),
            (&self.token_type, batch.token_type_ids()),
            (&self.position, batch.position_ids()),
        ] {
            sink.sparse_rows(table, &embedding::backward(dy.f32()?, ids, hidden))?;
        }
        for buffer in [rstd, normalised, dgamma, dbeta, dy] {
            ctx.give(buffer);
        }
        Ok(())
    }
}
