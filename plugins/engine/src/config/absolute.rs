//! Encoders with absolute positions: BERT, ELECTRA, RoBERTa and XLM-R.

use serde::Deserialize;

use super::architecture::Architecture;
use super::head::{Dense, HeadConfig, Pick, RowHeadConfig, SequenceHeadConfig};
use super::{ModelConfig, TrunkConfig, fields};
use crate::error::{EngineError, Result};
use crate::ops::activation::Activation;

/// Sizes and constants of an encoder with absolute positions.
#[derive(Debug, Clone, PartialEq)]
pub struct AbsoluteConfig {
    /// Width of the embeddings; where it is not the width of the hidden states, a linear layer
    /// stands between them.
    pub embedding_size: usize,
    /// Attention heads; they divide the width of the hidden states.
    pub num_attention_heads: usize,
    /// Width between the two linear layers of the feed-forward part.
    pub intermediate_size: usize,
    /// Activation of the feed-forward part.
    pub hidden_act: Activation,
    /// Dropout of embeddings and of the feed-forward part in training.
    pub hidden_dropout_prob: f32,
    /// Dropout of attention probabilities in training.
    pub attention_probs_dropout_prob: f32,
    /// Dropout behind the attention's output projection in training.
    pub attention_output_dropout: f32,
    /// Rows of the position embedding.
    pub max_position_embeddings: usize,
    /// RoBERTa counts positions from behind this id, which itself keeps its own position; all
    /// others from 0.
    pub padding_idx: Option<u32>,
    /// Whether position embeddings stay as the checkpoint has them.
    pub frozen_positions: bool,
    /// Rows of the token type embedding; 0: there is none.
    pub type_vocab_size: usize,
    /// Epsilon of every layer norm.
    pub layer_norm_eps: f64,
}

/// The keys that matter.
#[derive(Deserialize)]
struct Raw {
    vocab_size: Option<usize>,
    embedding_size: Option<usize>,
    hidden_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    intermediate_size: Option<usize>,
    hidden_act: Option<String>,
    hidden_dropout_prob: Option<f32>,
    attention_probs_dropout_prob: Option<f32>,
    classifier_dropout: Option<f32>,
    max_position_embeddings: Option<usize>,
    type_vocab_size: Option<usize>,
    layer_norm_eps: Option<f64>,
    initializer_range: Option<f32>,
    pad_token_id: Option<u32>,
    position_embedding_type: Option<String>,
    is_decoder: Option<bool>,
}

/// The sizes whose defaults differ: vocabulary, hidden, heads, intermediate
/// (`BertConfig`, `ElectraConfig`, `RobertaConfig`).
fn defaults(architecture: Architecture) -> (usize, usize, usize, usize) {
    match architecture {
        Architecture::Electra => (30_522, 256, 4, 1024),
        Architecture::Roberta => (50_265, 768, 12, 3072),
        _ => (30_522, 768, 12, 3072),
    }
}

pub(super) fn parse(architecture: Architecture, json: &[u8], origin: &str) -> Result<ModelConfig> {
    let raw: Raw = fields::parse(json, origin)?;
    let (num_labels, trained_head) = fields::labels_and_head(json, origin)?;
    let fail = |message: String| Err(EngineError::config(origin, message));
    let (vocab, hidden, heads, intermediate) = defaults(architecture);
    let vocab_size = raw.vocab_size.unwrap_or(vocab);
    let hidden_size = raw.hidden_size.unwrap_or(hidden);
    let num_attention_heads = raw.num_attention_heads.unwrap_or(heads);
    let intermediate_size = raw.intermediate_size.unwrap_or(intermediate);
    let num_hidden_layers = raw.num_hidden_layers.unwrap_or(12);
    let max_position_embeddings = raw.max_position_embeddings.unwrap_or(512);
    let type_vocab_size = raw.type_vocab_size.unwrap_or(2);
    let embedding_size = match architecture {
        Architecture::Electra => raw.embedding_size.unwrap_or(128),
        _ => hidden_size,
    };
    let hidden_act =
        fields::activation(origin, "hidden_act", raw.hidden_act.as_deref().unwrap_or("gelu"))?;
    if let Some(kind) = raw.position_embedding_type.filter(|t| t != "absolute") {
        return fail(format!(
            "position_embedding_type \"{kind}\" is not supported; only absolute positions are"
        ));
    }
    if raw.is_decoder == Some(true) {
        return fail("is_decoder is true; only encoders are supported".to_owned());
    }
    fields::check_sizes(
        origin,
        &[
            ("vocab_size", vocab_size),
            ("embedding_size", embedding_size),
            ("hidden_size", hidden_size),
            ("num_attention_heads", num_attention_heads),
            ("intermediate_size", intermediate_size),
            ("max_position_embeddings", max_position_embeddings),
            ("type_vocab_size", type_vocab_size),
        ],
    )?;
    fields::check_layers(origin, "num_hidden_layers", num_hidden_layers)?;
    fields::check_heads(
        origin,
        ("hidden_size", hidden_size),
        ("num_attention_heads", num_attention_heads),
    )?;
    let pad_token_id =
        raw.pad_token_id.unwrap_or(if architecture == Architecture::Roberta { 1 } else { 0 });
    let padding_idx = (architecture == Architecture::Roberta).then_some(pad_token_id);
    let max_seq_len = match padding_idx {
        Some(pad) => max_position_embeddings.saturating_sub(pad as usize + 1),
        None => max_position_embeddings,
    };
    if max_seq_len == 0 {
        return fail(format!(
            "max_position_embeddings {max_position_embeddings} leaves no position behind \
             pad_token_id; expected more than pad_token_id + 1"
        ));
    }
    let hidden_dropout_prob = raw.hidden_dropout_prob.unwrap_or(0.1);
    let dropout = raw.classifier_dropout.unwrap_or(hidden_dropout_prob);
    Ok(ModelConfig {
        architecture,
        vocab_size,
        hidden_size,
        num_hidden_layers,
        max_seq_len,
        type_vocab_size,
        initializer_range: raw.initializer_range.unwrap_or(0.02),
        pad_token_id: Some(pad_token_id),
        num_labels,
        head: HeadConfig {
            sequence: sequence_head(architecture, hidden_size, dropout),
            token: RowHeadConfig { dropout, output: "classifier".to_owned() },
            span: RowHeadConfig { dropout: 0.0, output: "qa_outputs".to_owned() },
        },
        trunk: TrunkConfig::Absolute(AbsoluteConfig {
            embedding_size,
            num_attention_heads,
            intermediate_size,
            hidden_act,
            hidden_dropout_prob,
            attention_probs_dropout_prob: raw.attention_probs_dropout_prob.unwrap_or(0.1),
            attention_output_dropout: hidden_dropout_prob,
            max_position_embeddings,
            padding_idx,
            frozen_positions: false,
            type_vocab_size,
            layer_norm_eps: raw.layer_norm_eps.unwrap_or(1e-12),
        }),
        trained_head,
    })
}

/// BERT pools (dense, tanh) and then classifies; ELECTRA and RoBERTa have a dense layer in the
/// classifier itself, with a dropout before it.
fn sequence_head(
    architecture: Architecture,
    hidden_size: usize,
    dropout: f32,
) -> SequenceHeadConfig {
    let (dense, act, input_dropout, output) = match architecture {
        Architecture::Electra => {
            ("classifier.dense", Activation::Gelu, dropout, "classifier.out_proj")
        }
        Architecture::Roberta => {
            ("classifier.dense", Activation::Tanh, dropout, "classifier.out_proj")
        }
        _ => ("bert.pooler.dense", Activation::Tanh, 0.0, "classifier"),
    };
    SequenceHeadConfig {
        pick: Pick::First,
        input_dropout,
        dense: Some(Dense { name: dense.to_owned(), outputs: hidden_size, act }),
        dropout,
        output: output.to_owned(),
        bias: true,
    }
}
