//! DistilBERT, whose keys have names of their own.

use serde::Deserialize;

use super::architecture::Architecture;
use super::head::{Dense, HeadConfig, Pick, RowHeadConfig, SequenceHeadConfig};
use super::{AbsoluteConfig, ModelConfig, TrunkConfig, fields};
use crate::error::Result;
use crate::ops::activation::Activation;

/// The keys that matter, with the defaults of Hugging Face's `DistilBertConfig`.
#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    vocab_size: usize,
    max_position_embeddings: usize,
    n_layers: usize,
    n_heads: usize,
    dim: usize,
    hidden_dim: usize,
    dropout: f32,
    attention_dropout: f32,
    activation: String,
    initializer_range: f32,
    qa_dropout: f32,
    seq_classif_dropout: f32,
    pad_token_id: Option<u32>,
    sinusoidal_pos_embds: bool,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            vocab_size: 30_522,
            max_position_embeddings: 512,
            n_layers: 6,
            n_heads: 12,
            dim: 768,
            hidden_dim: 3072,
            dropout: 0.1,
            attention_dropout: 0.1,
            activation: "gelu".to_owned(),
            initializer_range: 0.02,
            qa_dropout: 0.1,
            seq_classif_dropout: 0.2,
            pad_token_id: Some(0),
            sinusoidal_pos_embds: false,
        }
    }
}

/// DistilBERT has no token types, no dropout behind the attention's projection, and the epsilon
/// 1e-12 in every layer norm whatever config.json says; its position embeddings come from the
/// checkpoint even where they were sinusoidal at first, but then they are not trained.
pub(super) fn parse(json: &[u8], origin: &str) -> Result<ModelConfig> {
    let raw: Raw = fields::parse(json, origin)?;
    let (num_labels, trained_head) = fields::labels_and_head(json, origin)?;
    let hidden_act = fields::activation(origin, "activation", &raw.activation)?;
    fields::check_sizes(
        origin,
        &[
            ("vocab_size", raw.vocab_size),
            ("dim", raw.dim),
            ("n_heads", raw.n_heads),
            ("hidden_dim", raw.hidden_dim),
            ("max_position_embeddings", raw.max_position_embeddings),
        ],
    )?;
    fields::check_layers(origin, "n_layers", raw.n_layers)?;
    fields::check_heads(origin, ("dim", raw.dim), ("n_heads", raw.n_heads))?;
    Ok(ModelConfig {
        architecture: Architecture::DistilBert,
        vocab_size: raw.vocab_size,
        hidden_size: raw.dim,
        num_hidden_layers: raw.n_layers,
        max_seq_len: raw.max_position_embeddings,
        type_vocab_size: 0,
        initializer_range: raw.initializer_range,
        pad_token_id: raw.pad_token_id,
        num_labels,
        head: HeadConfig {
            sequence: SequenceHeadConfig {
                pick: Pick::First,
                input_dropout: 0.0,
                dense: Some(Dense {
                    name: "pre_classifier".to_owned(),
                    outputs: raw.dim,
                    act: Activation::Relu,
                }),
                dropout: raw.seq_classif_dropout,
                output: "classifier".to_owned(),
                bias: true,
            },
            token: RowHeadConfig { dropout: raw.dropout, output: "classifier".to_owned() },
            span: RowHeadConfig { dropout: raw.qa_dropout, output: "qa_outputs".to_owned() },
        },
        trunk: TrunkConfig::Absolute(AbsoluteConfig {
            embedding_size: raw.dim,
            num_attention_heads: raw.n_heads,
            intermediate_size: raw.hidden_dim,
            hidden_act,
            hidden_dropout_prob: raw.dropout,
            attention_probs_dropout_prob: raw.attention_dropout,
            attention_output_dropout: 0.0,
            max_position_embeddings: raw.max_position_embeddings,
            padding_idx: None,
            frozen_positions: raw.sinusoidal_pos_embds,
            type_vocab_size: 0,
            layer_norm_eps: 1e-12,
        }),
        trained_head,
    })
}
