//! The head of token classification and of question answering: dropout, linear.

use super::Head;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{ModelConfig, RowHeadConfig};
use crate::context::Context;
use crate::dispatch::pointwise;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Linear;
use crate::ops::activation::Activation;
use crate::param::ParamStore;
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::Stage;

/// Each token's hidden state to a row of logits.
#[derive(Debug)]
pub(super) struct RowHead {
    output: Linear,
    dropout: f32,
}

impl RowHead {
    pub(super) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        own: &RowHeadConfig,
        width: usize,
    ) -> Self {
        let name = [own.output.clone()];
        let sizes = (config.hidden_size, width);
        let output =
            Linear::declare(store, &name, sizes, Activation::Identity, config.initializer_range);
        Self { output, dropout: own.dropout }
    }
}

impl Head for RowHead {
    fn forward(
        &self,
        ctx: &mut Context,
        _batch: &PackedBatch,
        mut x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        pointwise::dropout(ctx, &mut x, saved.dropout(self.dropout))?;
        let logits = self.output.forward(ctx, &x, saved)?;
        saved.keep(ctx, x);
        Ok(logits)
    }

    #[cfg(feature = "cuda")]
    fn stage(&self, _batch: &PackedBatch, _stage: &mut Stage) {}

    fn backward(
        &self,
        ctx: &mut Context,
        _batch: &PackedBatch,
        dlogits: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let x = saved.pop()?;
        let mut dx = self.output.backward(ctx, &x, dlogits, saved, sink)?;
        pointwise::dropout(ctx, &mut dx, saved.dropout_again(self.dropout))?;
        ctx.give(x);
        Ok(dx)
    }
}
