//! Word, and perhaps position and token type embeddings, with layer norm and dropout.

use std::sync::Arc;

use super::{norm_alone, norm_alone_backward};
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::dispatch::embedding::{self, Backward, Lookup, Table};
use crate::dispatch::pointwise;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::{Linear, Norm};
use crate::ops::activation::Activation;
use crate::param::{ParamStore, Parameter, Part};
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::Stage;

/// dropout(LayerNorm(project(word + position + token type))). There is no padding, so Hugging Face's
/// product with the mask has nothing to do.
#[derive(Debug)]
pub(super) struct Embeddings {
    word: Arc<Parameter>,
    /// With `position_biased_input`.
    position: Option<Arc<Parameter>>,
    token_type: Option<Arc<Parameter>>,
    /// Where `embedding_size` is not the width of the hidden states.
    project: Option<Linear>,
    norm: Norm,
    width: usize,
    dropout: f32,
    pad_token_id: Option<u32>,
}

impl Embeddings {
    pub(super) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        own: &DebertaV2Config,
    ) -> Self {
        let name = |suffix: &str| format!("{}.embeddings.{suffix}", config.architecture.prefix());
        let (width, hidden) = (own.embedding_size, config.hidden_size);
        let mut table = |suffix: &str, rows| {
            let part = Part { name: name(suffix), shape: vec![rows, width] };
            store.declare_table(part, config.initializer_range)
        };
        let word = table("word_embeddings.weight", config.vocab_size);
        let position = own
            .position_biased_input
            .then(|| table("position_embeddings.weight", own.max_position_embeddings));
        let token_type = (own.type_vocab_size > 0)
            .then(|| table("token_type_embeddings.weight", own.type_vocab_size));
        let project = (width != hidden).then(|| {
            let (act, std) = (Activation::Identity, config.initializer_range);
            Linear::declare_without_bias(store, &[name("embed_proj")], (width, hidden), act, std)
        });
        let norm = Norm::declare(store, &name("LayerNorm"), hidden, own.layer_norm_eps, 0.0);
        let dropout = own.hidden_dropout_prob;
        let pad_token_id = config.pad_token_id;
        Self { word, position, token_type, project, norm, width, dropout, pad_token_id }
    }

    /// The tables, and which of their rows each token takes.
    fn tables<'a>(&'a self, batch: &'a PackedBatch) -> Vec<(Table, &'a Arc<Parameter>, &'a [u32])> {
        let tables = [
            (Table::Words, Some(&self.word), batch.input_ids()),
            (Table::Positions, self.position.as_ref(), batch.position_ids()),
            (Table::TokenTypes, self.token_type.as_ref(), batch.token_type_ids()),
        ];
        tables.into_iter().filter_map(|(table, param, ids)| Some((table, param?, ids))).collect()
    }

    /// Collects the rows that each token takes.
    #[cfg(feature = "cuda")]
    pub(super) fn stage(&self, batch: &PackedBatch, stage: &mut Stage) {
        for (table, _, ids) in self.tables(batch) {
            stage.lookup(table, ids, self.pad_token_id.filter(|_| table == Table::Words), true);
        }
    }

    /// `[T, hidden]`.
    pub(super) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let mut x = ctx.take(batch.tokens() * self.width)?;
        let tables = self.tables(batch);
        let tables: Vec<_> =
            tables.iter().map(|(table, param, ids)| (*table, param.read(), *ids)).collect();
        let lookup = |(table, values, ids)| Lookup { values, ids, table };
        let lookups: Vec<_> =
            tables.iter().map(|(table, values, ids)| lookup((*table, &**values, *ids))).collect();
        embedding::sum(ctx, &lookups, self.width, &mut x)?;
        if let Some(project) = &self.project {
            let projected = project.forward(ctx, &x, saved)?;
            saved.keep(ctx, x);
            x = projected;
        }
        let mut y = norm_alone(&self.norm, ctx, x, saved)?;
        pointwise::dropout(ctx, &mut y, saved.dropout(self.dropout))?;
        Ok(y)
    }

    /// Sends the gradients of the tables, the projection and the norm, from dy `[T, hidden]`.
    pub(super) fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        mut dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()> {
        pointwise::dropout(ctx, &mut dy, saved.dropout_again(self.dropout))?;
        let mut dx = norm_alone_backward(&self.norm, ctx, dy, saved, sink)?;
        if let Some(project) = &self.project {
            let x = saved.pop()?;
            dx = project.backward(ctx, &x, dx, saved, sink)?;
            ctx.give(x);
        }
        for (table, param, ids) in self.tables(batch) {
            let padding = self.pad_token_id.filter(|_| table == Table::Words);
            let of = Backward { param, ids, table, padding, scale: 1.0 };
            embedding::backward(ctx, &dx, self.width, of, sink)?;
        }
        ctx.give(dx);
        Ok(())
    }
}
