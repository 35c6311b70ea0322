//! The encoder with absolute positions: embeddings and a stack of layers.

use super::config::EncoderConfig;
use super::embeddings::Embeddings;
use super::layer::Layer;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::param::ParamStore;
use crate::saved::Saved;

/// Token ids to hidden states. Devlin et al. 2019; names and order of operations are Hugging
/// Face's `BertModel`.
#[derive(Debug)]
pub struct Encoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
}

impl Encoder {
    /// Declares all parameters under `prefix` (`bert`).
    pub fn declare(store: &mut ParamStore, prefix: &str, config: &EncoderConfig) -> Self {
        let embeddings = Embeddings::declare(store, &format!("{prefix}.embeddings"), config);
        let layers = (0..config.num_hidden_layers)
            .map(|i| Layer::declare(store, &format!("{prefix}.encoder.layer.{i}"), config))
            .collect();
        Self { embeddings, layers }
    }

    /// Hidden states of the last layer, `[T, hidden]`.
    ///
    /// `between` is called before each layer; an error from it (a cancellation) ends the pass.
    ///
    /// # Errors
    /// [`crate::EngineError::Input`] for ids or lengths out of range,
    /// [`crate::EngineError::OutOfMemory`], and whatever `between` returns.
    pub fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
        between: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<Buffer> {
        self.embeddings.check(batch)?;
        let mut x = self.embeddings.forward(ctx, batch, saved)?;
        for layer in &self.layers {
            between()?;
            x = layer.forward(ctx, batch, x, saved)?;
        }
        Ok(x)
    }

    /// Sends all gradients to the sink, last layer first.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`], or whatever the sink reports.
    pub fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()> {
        let mut dy = dy;
        for layer in self.layers.iter().rev() {
            dy = layer.backward(ctx, batch, dy, saved, sink)?;
        }
        self.embeddings.backward(ctx, batch, dy, saved, sink)
    }
}
