//! Trunks: token ids to hidden states.

mod absolute;
mod deberta_v2;
mod gemma2;
mod segment;

use std::fmt::Debug;

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{ModelConfig, TrunkConfig};
use crate::context::Context;
use crate::error::{EngineError, Result};
use crate::grad::GradSink;
use crate::param::ParamStore;
use crate::saved::Saved;

/// Called before each layer; an error from it (a cancellation) ends the pass.
pub type Between<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// Everything of a model below its head.
pub trait Trunk: Debug + Send + Sync {
    /// Hidden states of the last layer, `[T, hidden]`.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`], and whatever `between` returns. Ids and lengths were checked.
    fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
        between: Between<'_>,
    ) -> Result<Buffer>;

    /// Sends all gradients to the sink, last layer first, from dy `[T, hidden]`.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`], or whatever the sink reports.
    fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()>;
}

/// Declares the trunk that `config` describes, with the parameter names of its checkpoints.
pub fn declare(store: &mut ParamStore, config: &ModelConfig) -> Box<dyn Trunk> {
    match &config.trunk {
        TrunkConfig::Absolute(own) => Box::new(absolute::Encoder::declare(store, config, own)),
        TrunkConfig::DebertaV2(own) => Box::new(deberta_v2::Encoder::declare(store, config, own)),
        TrunkConfig::Gemma2(own) => Box::new(gemma2::Decoder::declare(store, config, own)),
    }
}

/// Checks ids and lengths, so that no lookup needs a check of its own.
///
/// # Errors
/// [`EngineError::Input`] for what does not fit the model.
pub fn check(config: &ModelConfig, batch: &PackedBatch) -> Result<()> {
    if batch.max_seqlen() > config.max_seq_len {
        return Err(EngineError::Input(format!(
            "a sequence has {} tokens, but the model takes {} at most; set max_seq_len to {} or \
             less",
            batch.max_seqlen(),
            config.max_seq_len,
            config.max_seq_len
        )));
    }
    // A model without token types takes no notice of them.
    let types = (config.type_vocab_size > 0).then(|| batch.token_type_ids());
    for (ids, limit, what) in [
        (Some(batch.input_ids()), config.vocab_size, "token id"),
        (types, config.type_vocab_size, "token type id"),
    ] {
        if let Some(id) = ids.and_then(|ids| ids.iter().find(|&&id| id as usize >= limit)) {
            return Err(EngineError::Input(format!(
                "{what} {id} is out of range: the model has {limit}; do the tokeniser's files \
                 and the weights belong to the same model?"
            )));
        }
    }
    Ok(())
}
