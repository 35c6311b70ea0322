//! The table of relative positions, which all layers project.

use std::sync::Arc;

use super::norm_alone;
use crate::buffer::Buffer;
use crate::config::{DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::nn::Norm;
use crate::ops::distance::{DistanceTable, RelativePositions};
use crate::param::{Init, ParamStore, Parameter, Part};
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
            (store.declare(vec![part], Init::Normal(config.initializer_range)), relative)
        });
        let norm = own
            .norm_rel_ebd
            .then(|| Norm::declare(store, &name("LayerNorm"), hidden, own.layer_norm_eps, 0.0));
        Self { table, norm, used: own.c2p || own.p2c, hidden }
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
        let Some((table, relative)) = self.table.as_ref().filter(|_| self.used) else {
            return Ok(None);
        };
        let distances = DistanceTable::new(*relative, longest);
        let met = distances.rows();
        let mut rows = ctx.take(met.len() * self.hidden)?;
        let table = table.read();
        rows.f32_mut()?
            .copy_from_slice(&table.f32()?[met.start * self.hidden..met.end * self.hidden]);
        if let Some(norm) = &self.norm {
            rows = norm_alone(norm, ctx, rows, saved)?;
        }
        Ok(Some(Positions { rows, distances }))
    }
}
