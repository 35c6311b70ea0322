//! The head of sequence classification and regression: one token, dropout, (dense, activation,)
//! dropout, linear.

use super::Head;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{ModelConfig, Pick};
use crate::context::Context;
use crate::dispatch::{pick, pointwise};
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Linear;
use crate::ops::activation::Activation;
use crate::param::ParamStore;
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::{List, Stage};

/// One hidden state of each sequence to a row of logits.
#[derive(Debug)]
pub(super) struct SequenceHead {
    pick: Pick,
    input_dropout: f32,
    dense: Option<Linear>,
    dropout: f32,
    output: Linear,
    hidden: usize,
}

impl SequenceHead {
    pub(super) fn declare(store: &mut ParamStore, config: &ModelConfig, width: usize) -> Self {
        let own = &config.head.sequence;
        let (hidden, std) = (config.hidden_size, config.initializer_range);
        let dense = own.dense.as_ref().map(|dense| {
            let sizes = (hidden, dense.outputs);
            Linear::declare(store, std::slice::from_ref(&dense.name), sizes, dense.act, std)
        });
        let sizes = (own.dense.as_ref().map_or(hidden, |dense| dense.outputs), width);
        let name = std::slice::from_ref(&own.output);
        let output = match own.bias {
            true => Linear::declare(store, name, sizes, Activation::Identity, std),
            false => Linear::declare_without_bias(store, name, sizes, Activation::Identity, std),
        };
        Self {
            pick: own.pick,
            input_dropout: own.input_dropout,
            dense,
            dropout: own.dropout,
            output,
            hidden,
        }
    }

    /// The token of each sequence, `[B]`.
    fn tokens(&self, batch: &PackedBatch) -> Vec<u32> {
        let spans = batch.cu_seqlens().windows(2);
        let Pick::LastExcept(pad) = self.pick else { return spans.map(|span| span[0]).collect() };
        spans
            .map(|span| {
                let ids = &batch.input_ids()[span[0] as usize..span[1] as usize];
                let last = (span[0]..).zip(ids).filter(|&(_, &id)| id != pad).last();
                last.map_or(span[0], |(token, _)| token)
            })
            .collect()
    }
}

impl Head for SequenceHead {
    fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let mut picked = ctx.take(batch.sequences() * self.hidden)?;
        pick::forward(ctx, &x, self.hidden, &self.tokens(batch), &mut picked)?;
        ctx.give(x);
        if let Some(dense) = &self.dense {
            pointwise::dropout(ctx, &mut picked, saved.dropout(self.input_dropout))?;
            let wide = dense.forward(ctx, &picked, saved)?;
            saved.keep(ctx, picked);
            picked = wide;
        }
        pointwise::dropout(ctx, &mut picked, saved.dropout(self.dropout))?;
        let logits = self.output.forward(ctx, &picked, saved)?;
        saved.keep(ctx, picked);
        Ok(logits)
    }

    #[cfg(feature = "cuda")]
    fn stage(&self, batch: &PackedBatch, stage: &mut Stage) {
        stage.push(List::Picked, self.tokens(batch));
    }

    fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dlogits: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let x = saved.pop()?;
        let mut dpicked = self.output.backward(ctx, &x, dlogits, saved, sink)?;
        ctx.give(x);
        pointwise::dropout(ctx, &mut dpicked, saved.dropout_again(self.dropout))?;
        if let Some(dense) = &self.dense {
            let x = saved.pop()?;
            dpicked = dense.backward(ctx, &x, dpicked, saved, sink)?;
            ctx.give(x);
            let dropout = saved.dropout_again(self.input_dropout);
            pointwise::dropout(ctx, &mut dpicked, dropout)?;
        }
        let mut dx = ctx.take(batch.tokens() * self.hidden)?;
        pick::backward(ctx, &dpicked, self.hidden, &self.tokens(batch), &mut dx)?;
        ctx.give(dpicked);
        Ok(dx)
    }
}
