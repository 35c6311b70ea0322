//! A whole model: encoder, head, weights and the context that they compute in.

use crate::batch::PackedBatch;
use crate::checkpoint::{self, Checkpoint, NewHead};
use crate::context::Context;
use crate::encoder::{Encoder, EncoderConfig};
use crate::error::{EngineError, Result};
use crate::grad::GradSink;
use crate::head::SequenceHead;
use crate::ops::loss;
use crate::param::ParamStore;
use crate::saved::Saved;

/// Prefix of the trunk's tensors in a checkpoint.
const PREFIX: &str = "bert";

/// A sequence classifier (or regressor, with one label).
#[derive(Debug)]
pub struct SequenceClassifier {
    config: EncoderConfig,
    encoder: Encoder,
    head: SequenceHead,
    params: ParamStore,
    ctx: Context,
}

impl SequenceClassifier {
    /// Builds the model that `config` describes and fills it from `checkpoint`.
    ///
    /// # Errors
    /// See [`checkpoint::load`].
    pub fn load(
        config: EncoderConfig,
        checkpoint: &Checkpoint,
        new_head: NewHead,
        ctx: Context,
    ) -> Result<Self> {
        let model = Self::declare(config, ctx);
        let threads = model.ctx.threads();
        threads.install(|| checkpoint::load(&model.params, checkpoint, PREFIX, new_head))?;
        Ok(model)
    }

    fn declare(config: EncoderConfig, ctx: Context) -> Self {
        let mut params = ParamStore::default();
        let encoder = Encoder::declare(&mut params, PREFIX, &config);
        let head = SequenceHead::declare(&mut params, PREFIX, &config);
        Self { config, encoder, head, params, ctx }
    }

    /// Number of trunk parameters (pooler included, classifier not) that `config` describes.
    pub fn trunk_parameters(config: &EncoderConfig) -> usize {
        let mut params = ParamStore::default();
        Encoder::declare(&mut params, PREFIX, config);
        SequenceHead::declare(&mut params, PREFIX, config);
        let of_trunk = |name: &str| name.starts_with(PREFIX);
        params
            .iter()
            .filter(|p| of_trunk(&p.parts()[0].name))
            .fold(0, |n, p| n.saturating_add(p.elements()))
    }

    /// The configuration.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The parameters.
    pub fn params(&self) -> &ParamStore {
        &self.params
    }

    /// The context, for its statistics.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// Writes the logits `[B, num_labels]` of a batch to `logits`.
    ///
    /// `between` is called before each layer; an error from it ends the call.
    ///
    /// # Errors
    /// [`EngineError::Input`] for ids or lengths that do not fit the model,
    /// [`EngineError::OutOfMemory`], and whatever `between` returns.
    pub fn forward(
        &mut self,
        batch: &PackedBatch,
        logits: &mut [f32],
        between: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<()> {
        if logits.len() != batch.sequences() * self.config.num_labels {
            return Err(EngineError::Internal("the buffer for logits has the wrong size".into()));
        }
        if logits.is_empty() {
            return Ok(());
        }
        let threads = self.ctx.threads();
        threads.install(|| {
            let mut saved = Saved::eval();
            let hidden = self.encoder.forward(&mut self.ctx, batch, &mut saved, between)?;
            let result = self.head.forward(&mut self.ctx, batch, hidden, &mut saved)?;
            logits.copy_from_slice(result.f32()?);
            self.ctx.give(result);
            Ok(())
        })
    }

    /// One forward and backward pass with cross-entropy against `targets` (class numbers or
    /// [`loss::IGNORE`]); gradients go to `sink`, dropout follows from `seed` and `step`.
    ///
    /// Returns the mean loss.
    ///
    /// # Errors
    /// As [`SequenceClassifier::forward`], and [`EngineError::Input`] for targets that are not
    /// classes.
    pub fn loss_and_gradients(
        &mut self,
        batch: &PackedBatch,
        targets: &[i64],
        (seed, step): (u64, u32),
        sink: &mut (dyn GradSink + Send),
    ) -> Result<f64> {
        let labels = self.config.num_labels;
        if targets.len() != batch.sequences() {
            return Err(EngineError::Input(format!(
                "{} targets for {} sequences",
                targets.len(),
                batch.sequences()
            )));
        }
        let is_class = |t: i64| usize::try_from(t).is_ok_and(|class| class < labels);
        if let Some(bad) = targets.iter().find(|&&t| t != loss::IGNORE && !is_class(t)) {
            return Err(EngineError::Input(format!(
                "target {bad} is not a class: the model has {labels} labels (0 to {})",
                labels - 1
            )));
        }
        let threads = self.ctx.threads();
        threads.install(|| {
            let ctx = &mut self.ctx;
            let mut saved = Saved::train(seed, step);
            let hidden = self.encoder.forward(ctx, batch, &mut saved, &|| Ok(()))?;
            let logits = self.head.forward(ctx, batch, hidden, &mut saved)?;
            let mut dlogits = ctx.take(logits.len())?;
            let loss = loss::cross_entropy(logits.f32()?, targets, dlogits.f32_mut()?);
            ctx.give(logits);
            let dhidden = self.head.backward(ctx, batch, dlogits, &mut saved, sink)?;
            self.encoder.backward(ctx, batch, dhidden, &mut saved, sink)?;
            Ok(loss)
        })
    }
}
