//! Trunks: token ids to hidden states.
//!
//! # What a training step keeps
//!
//! In elements, for T tokens, hidden width H, intermediate width F and A heads ([`Saved::peak_bytes`] counts them, 4
//! bytes each):
//!
//! - a layer of BERT's kind: T (8 H + 2 F + A + 2): its input, the attention's result, the middle and two
//!   normalised rows (5 H), queries, keys and values (3 H), both sides of the activation, the log-sum-exp
//!   of each head's row, two deviations;
//! - a layer of DeBERTa: the same, and with R rows of the table that distances meet and P kinds of terms
//!   (c2p, p2c) another R H (1 + P);
//! - a layer of Gemma-2, with K key heads of width D: T (4 H + (2 A + 2 K) D + A + 2 F): both halves' input and
//!   output (4 H), queries, keys, values and the attention's result, log-sum-exps, gate and up. The norms of
//!   the inputs and the gated product are computed again;
//! - embeddings of width E: T (E + 1), and another T E before a projection; DeBERTa: T (H + 1), and T E before
//!   a projection; its table of positions: R H, and R (H + 1) for its norm; its convolution of K tokens:
//!   T (K H + 2 H + 1); Gemma's last norm: T H.
//!
//! With activation checkpointing ([`Saved::checkpointing`]) each layer keeps T H, its input, and one layer at
//! a time what is written above.

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
#[cfg(feature = "cuda")]
use crate::stage::Stage;

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

    /// Collects the lists that a pass on a device reads.
    #[cfg(feature = "cuda")]
    fn stage(&self, ctx: &Context, batch: &PackedBatch, stage: &mut Stage);

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
