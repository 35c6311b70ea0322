//! Word, position and token type embeddings with layer norm and dropout.

use std::borrow::Cow;
use std::sync::Arc;

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{AbsoluteConfig, ModelConfig};
use crate::context::Context;
use crate::dispatch::embedding::{self, Backward, Lookup, Table};
use crate::dispatch::norm::{self, Gradients, Kept, LayerNorm};
use crate::dispatch::pointwise;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::{Linear, Norm};
use crate::ops::activation::Activation;
use crate::ops::dropout::Dropout;
use crate::param::{ParamStore, Parameter, Part};
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::Stage;

/// A table, its parameter, and the row that each token takes.
type Taken<'a> = (Table, &'a Arc<Parameter>, Cow<'a, [u32]>);

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
            store.declare_table(part, config.initializer_range)
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
    fn lookups<'a>(&'a self, batch: &'a PackedBatch) -> Vec<Taken<'a>> {
        let positions = match self.padding_idx {
            None => Cow::Borrowed(batch.position_ids()),
            Some(pad) => Cow::Owned(positions_behind(batch, pad)),
        };
        let token_type = self.token_type.as_ref();
        let token_type = token_type
            .map(|param| (Table::TokenTypes, param, Cow::Borrowed(batch.token_type_ids())));
        [(Table::Words, &self.word, Cow::Borrowed(batch.input_ids()))]
            .into_iter()
            .chain(token_type)
            .chain([(Table::Positions, &self.position, positions)])
            .collect()
    }

    /// Collects the rows that each token takes.
    #[cfg(feature = "cuda")]
    pub(crate) fn stage(&self, batch: &PackedBatch, stage: &mut Stage) {
        for (table, _, ids) in self.lookups(batch) {
            let trained = !(table == Table::Positions && self.frozen_positions);
            stage.lookup(table, &ids, self.padding(table), trained);
        }
    }

    /// The row of a table that is not trained. In RoBERTa the padding token has a position of its own, which is not
    /// trained either.
    fn padding(&self, table: Table) -> Option<u32> {
        match table {
            Table::Words => self.pad_token_id,
            Table::Positions => self.padding_idx,
            Table::TokenTypes | Table::Relative => None,
        }
    }

    /// `[T, hidden]`.
    pub(crate) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let dropout = saved.dropout(self.norm.dropout);
        let mut y = ctx.take(batch.rows() * self.width)?;
        let tables = self.lookups(batch);
        let values: Vec<_> = tables.iter().map(|(_, param, _)| param.read()).collect();
        let lookups: Vec<_> = values
            .iter()
            .zip(&tables)
            .map(|(values, (table, _, ids))| Lookup { values, ids, table: *table })
            .collect();
        let (gamma, beta) = (self.norm.gamma.read(), self.norm.beta.read());
        let layer = LayerNorm { gamma: &gamma, beta: &beta, eps: self.norm.eps };
        if saved.trains() {
            let mut normalised = ctx.take(y.len())?;
            let mut rstd = ctx.take_f32(batch.rows())?;
            let kept = Kept { normalised: &mut normalised, rstd: &mut rstd };
            embedding::forward(ctx, &lookups, layer, dropout, &mut y, Some(kept))?;
            saved.keep(ctx, normalised);
            saved.keep(ctx, rstd);
        } else {
            embedding::forward(ctx, &lookups, layer, dropout, &mut y, None)?;
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
        pointwise::dropout(ctx, &mut dy, saved.dropout_again(self.norm.dropout))?;
        let (rstd, normalised) = (saved.pop()?, saved.pop()?);
        let mut dgamma = ctx.take_f32(self.width)?;
        let mut dbeta = ctx.take_f32(self.width)?;
        let gradients = Gradients { dgamma: &mut dgamma, dbeta: &mut dbeta };
        let (gamma, off) = (self.norm.gamma.read(), Dropout::off());
        norm::backward(ctx, &mut dy, &normalised, &rstd, &gamma, off, None, gradients)?;
        // A sink may change the weights at once.
        drop(gamma);
        sink.dense(ctx, &self.norm.gamma, &dgamma)?;
        sink.dense(ctx, &self.norm.beta, &dbeta)?;
        for (table, param, ids) in self.lookups(batch) {
            if table == Table::Positions && self.frozen_positions {
                continue;
            }
            let padding = self.padding(table);
            let of = Backward { param, ids: &ids, table, padding, scale: 1.0 };
            embedding::backward(ctx, &dy, self.width, of, sink)?;
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
