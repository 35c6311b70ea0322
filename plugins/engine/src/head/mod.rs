//! Heads: hidden states to logits.

mod rows;
mod sequence;

use std::fmt::Debug;

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::ModelConfig;
use crate::context::Context;
use crate::error::Result;
use crate::grad::GradSink;
use crate::param::ParamStore;
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::Stage;

use kobench_plugin_sdk::Head as Kind;

/// What stands on a trunk.
pub trait Head: Debug + Send + Sync {
    /// Logits from hidden states x `[T, hidden]`: a row for each sequence or token.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer>;

    /// Collects the lists that a pass on a device reads.
    #[cfg(feature = "cuda")]
    fn stage(&self, batch: &PackedBatch, stage: &mut Stage);

    /// dx `[T, hidden]` from the gradient of the logits.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`], or whatever the sink reports.
    fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dlogits: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer>;
}

/// Declares the head of that kind, with the parameter names of the architecture's checkpoints.
pub fn declare(store: &mut ParamStore, config: &ModelConfig, kind: Kind) -> Box<dyn Head> {
    let width = config.logits_width(kind);
    match kind {
        Kind::Sequence => Box::new(sequence::SequenceHead::declare(store, config, width)),
        Kind::Token => Box::new(rows::RowHead::declare(store, config, &config.head.token, width)),
        Kind::Span => Box::new(rows::RowHead::declare(store, config, &config.head.span, width)),
    }
}
