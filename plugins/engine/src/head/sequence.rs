//! The head of sequence classification and regression: one token, dropout, (dense, activation,)
//! dropout, linear.

use super::Head;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{ModelConfig, Pick};
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Linear;
use crate::ops::activation::Activation;
use crate::param::ParamStore;
use crate::saved::Saved;

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
    fn tokens(&self, batch: &PackedBatch) -> Vec<usize> {
        let spans = batch.cu_seqlens().windows(2).map(|s| s[0] as usize..s[1] as usize);
        match self.pick {
            Pick::First => spans.map(|span| span.start).collect(),
            Pick::LastExcept(pad) => spans
                .map(|span| {
                    let last = batch.input_ids()[span.clone()].iter().rposition(|&id| id != pad);
                    span.start + last.unwrap_or(0)
                })
                .collect(),
        }
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
        let rows = picked.f32_mut()?.chunks_exact_mut(self.hidden);
        for (row, token) in rows.zip(self.tokens(batch)) {
            row.copy_from_slice(&x.f32()?[token * self.hidden..][..self.hidden]);
        }
        ctx.give(x);
        if let Some(dense) = &self.dense {
            saved.dropout(self.input_dropout).apply(picked.f32_mut()?, 0);
            let wide = dense.forward(ctx, &picked, saved)?;
            saved.keep(ctx, picked);
            picked = wide;
        }
        saved.dropout(self.dropout).apply(picked.f32_mut()?, 0);
        let logits = self.output.forward(ctx, &picked, saved)?;
        saved.keep(ctx, picked);
        Ok(logits)
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
        saved.dropout_again(self.dropout).apply(dpicked.f32_mut()?, 0);
        if let Some(dense) = &self.dense {
            let x = saved.pop()?;
            dpicked = dense.backward(ctx, &x, dpicked, saved, sink)?;
            ctx.give(x);
            saved.dropout_again(self.input_dropout).apply(dpicked.f32_mut()?, 0);
        }
        let mut dx = ctx.take(batch.tokens() * self.hidden)?;
        let target = dx.f32_mut()?;
        target.fill(0.0);
        let rows = dpicked.f32()?.chunks_exact(self.hidden);
        for (row, token) in rows.zip(self.tokens(batch)) {
            target[token * self.hidden..][..self.hidden].copy_from_slice(row);
        }
        ctx.give(dpicked);
        Ok(dx)
    }
}
