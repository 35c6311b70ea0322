//! BERT's head for sequence classification and regression: pooler (dense + tanh on the first
//! token), dropout, linear.

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::encoder::EncoderConfig;
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::Linear;
use crate::ops::activation::Activation;
use crate::param::ParamStore;
use crate::saved::Saved;

/// First tokens' hidden states to logits.
#[derive(Debug)]
pub struct SequenceHead {
    pooler: Linear,
    classifier: Linear,
    hidden: usize,
    dropout: f32,
}

impl SequenceHead {
    /// Declares `{prefix}.pooler.dense` and `classifier`.
    pub fn declare(store: &mut ParamStore, prefix: &str, config: &EncoderConfig) -> Self {
        let (hidden, std) = (config.hidden_size, config.initializer_range);
        let pooler = [format!("{prefix}.pooler.dense")];
        let pooler = Linear::declare(store, &pooler, (hidden, hidden), Activation::Tanh, std);
        let sizes = (hidden, config.num_labels);
        let classifier =
            Linear::declare(store, &["classifier".to_owned()], sizes, Activation::Identity, std);
        Self { pooler, classifier, hidden, dropout: config.classifier_dropout }
    }

    /// Logits `[B, num_labels]` from hidden states x `[T, hidden]`.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    pub fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let mut first = ctx.take(batch.sequences() * self.hidden)?;
        let rows = first.f32_mut()?.chunks_exact_mut(self.hidden).zip(batch.cu_seqlens());
        let source = x.f32()?;
        for (row, &token) in rows {
            let start = token as usize * self.hidden;
            row.copy_from_slice(&source[start..start + self.hidden]);
        }
        ctx.give(x);
        let mut pooled = self.pooler.forward(ctx, &first, saved)?;
        saved.keep(ctx, first);
        saved.dropout(self.dropout).apply(pooled.f32_mut()?, 0);
        let logits = self.classifier.forward(ctx, &pooled, saved)?;
        saved.keep(ctx, pooled);
        Ok(logits)
    }

    /// dx `[T, hidden]` from the gradient of the logits.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`], or whatever the sink reports.
    pub fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dlogits: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let pooled = saved.pop()?;
        let mut dpooled = self.classifier.backward(ctx, &pooled, dlogits, saved, sink)?;
        saved.dropout_again(self.dropout).apply(dpooled.f32_mut()?, 0);
        let first = saved.pop()?;
        let dfirst = self.pooler.backward(ctx, &first, dpooled, saved, sink)?;
        let mut dx = ctx.take(batch.tokens() * self.hidden)?;
        let target = dx.f32_mut()?;
        target.fill(0.0);
        let rows = dfirst.f32()?.chunks_exact(self.hidden).zip(batch.cu_seqlens());
        for (row, &token) in rows {
            let start = token as usize * self.hidden;
            target[start..start + self.hidden].copy_from_slice(row);
        }
        for buffer in [pooled, first, dfirst] {
            ctx.give(buffer);
        }
        Ok(dx)
    }
}
