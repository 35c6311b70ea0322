//! The table of relative positions, which all layers project.

use std::sync::Arc;

use super::{norm_alone, norm_alone_backward};
use crate::buffer::Buffer;
use crate::config::{DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::dispatch::embedding;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Norm;
use crate::ops::distance::{DistanceTable, RelativePositions};
use crate::param::{ParamStore, Parameter, Part};
use crate::saved::Saved;

/// `encoder.rel_embeddings` and `encoder.LayerNorm`, either of which may be absent.
#[derive(Debug)]
pub(super) struct Relative {
    table: Option<(Arc<Parameter>, RelativePositions)>,
    norm: Option<Norm>,
    /// Whether layers look at positions at all.
    used: bool,
    hidden: usize,
}

/// What a batch needs of the table.
#[derive(Debug)]
pub(super) struct Positions {
    /// The rows that its distances can meet, normalised, `[rows, hidden]`.
    pub(super) rows: Buffer,
    pub(super) distances: DistanceTable,
}

impl Relative {
    pub(super) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        own: &DebertaV2Config,
    ) -> Self {
        let hidden = config.hidden_size;
        let name = |suffix: &str| format!("{}.encoder.{suffix}", config.architecture.prefix());
        let table = own.relative.map(|relative| {
            let shape = vec![2 * relative.span(), hidden];
            let part = Part { name: name("rel_embeddings.weight"), shape };
            (store.declare_table(part, config.initializer_range), relative)
        });
        let norm = own
            .norm_rel_ebd
            .then(|| Norm::declare(store, &name("LayerNorm"), hidden, own.layer_norm_eps, 0.0));
        Self { table, norm, used: own.c2p || own.p2c, hidden }
    }

    /// The distances in sequences of up to `longest` tokens, where layers look at them.
    pub(super) fn distances(&self, longest: usize) -> Option<DistanceTable> {
        let (_, relative) = self.table.as_ref().filter(|_| self.used)?;
        Some(DistanceTable::new(*relative, longest))
    }

    /// The rows that sequences of up to `longest` tokens meet.
    ///
    /// Short sequences meet few, so a batch does not pay for the whole table, and nothing has to be
    /// remembered from one batch to the next.
    pub(super) fn forward(
        &self,
        ctx: &mut Context,
        longest: usize,
        saved: &mut Saved,
    ) -> Result<Option<Positions>> {
        let (Some(distances), Some((table, _))) = (self.distances(longest), &self.table) else {
            return Ok(None);
        };
        let met = distances.rows();
        let mut rows = ctx.take(met.len() * self.hidden)?;
        let table = table.read();
        embedding::copy_rows(ctx, &table, self.hidden, met, &mut rows)?;
        if let Some(norm) = &self.norm {
            rows = norm_alone(norm, ctx, rows, saved)?;
        }
        Ok(Some(Positions { rows, distances }))
    }

    /// Sends the gradients of the table's rows that were met, and of the norm; `drows` is the sum over
    /// all layers.
    pub(super) fn backward(
        &self,
        ctx: &mut Context,
        distances: &DistanceTable,
        mut drows: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()> {
        if let Some(norm) = &self.norm {
            drows = norm_alone_backward(norm, ctx, drows, saved, sink)?;
        }
        if let Some((table, _)) = &self.table {
            embedding::send_rows(ctx, table, self.hidden, distances.rows(), &drows, sink)?;
        }
        ctx.give(drows);
        Ok(())
    }
}
