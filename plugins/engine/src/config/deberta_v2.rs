//! DeBERTa-v2 and v3.

use serde::Deserialize;

use super::architecture::Architecture;
use super::head::{Dense, HeadConfig, Pick, RowHeadConfig, SequenceHeadConfig};
use super::{ModelConfig, TrunkConfig, fields};
use crate::error::{EngineError, Result};
use crate::ops::activation::Activation;
use crate::ops::distance::RelativePositions;

/// Sizes and constants of a DeBERTa-v2 encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DebertaV2Config {
    /// Width of the embeddings; where it is not the width of the hidden states, a linear layer
    /// without a bias stands between them.
    pub embedding_size: usize,
    /// Attention heads; they divide the width of the hidden states.
    pub num_attention_heads: usize,
    /// Width between the two linear layers of the feed-forward part.
    pub intermediate_size: usize,
    /// Activation of the feed-forward part.
    pub hidden_act: Activation,
    /// Dropout of embeddings, relative positions and both halves of a layer in training.
    pub hidden_dropout_prob: f32,
    /// Dropout of attention probabilities in training.
    pub attention_probs_dropout_prob: f32,
    /// Longest sequence; also the number of absolute positions where there are any.
    pub max_position_embeddings: usize,
    /// Whether absolute positions are added to the embeddings.
    pub position_biased_input: bool,
    /// Rows of the token type embedding; 0: there is none.
    pub type_vocab_size: usize,
    /// Epsilon of every layer norm.
    pub layer_norm_eps: f64,
    /// `relative_attention`: which relative positions there are, if any.
    pub relative: Option<RelativePositions>,
    /// Whether `pos_att_type` has `c2p`. The scale of the scores counts it even without `relative`.
    pub c2p: bool,
    /// Whether `pos_att_type` has `p2c`; counted likewise.
    pub p2c: bool,
    /// Whether relative positions go through the content's query and key projections.
    pub share_att_key: bool,
    /// Whether `norm_rel_ebd` has `layer_norm`, for the table of relative positions.
    pub norm_rel_ebd: bool,
    /// The convolution beside the first layer (deberta-v2-xlarge and larger).
    pub conv: Option<ConvConfig>,
}

/// A convolution over tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvConfig {
    /// `conv_kernel_size`, odd.
    pub kernel_size: usize,
    /// `conv_act`.
    pub act: Activation,
}

/// `pos_att_type` is a list, or the text that it was in older files.
#[derive(Deserialize)]
#[serde(untagged)]
enum PosAttType {
    Text(String),
    List(Vec<String>),
}

/// The keys that matter, with the defaults of Hugging Face's `DebertaV2Config` and of the code that
/// reads what that class does not name.
#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    vocab_size: usize,
    embedding_size: Option<usize>,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    attention_head_size: Option<usize>,
    intermediate_size: usize,
    hidden_act: String,
    hidden_dropout_prob: f32,
    attention_probs_dropout_prob: f32,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    initializer_range: f32,
    layer_norm_eps: f64,
    relative_attention: bool,
    max_relative_positions: i64,
    position_buckets: i64,
    position_biased_input: bool,
    pos_att_type: Option<PosAttType>,
    share_att_key: bool,
    norm_rel_ebd: Option<String>,
    conv_kernel_size: i64,
    conv_groups: usize,
    conv_act: String,
    pad_token_id: Option<u32>,
    pooler_hidden_size: Option<usize>,
    pooler_dropout: f32,
    pooler_hidden_act: String,
    cls_dropout: Option<f32>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            vocab_size: 128_100,
            embedding_size: None,
            hidden_size: 1536,
            num_hidden_layers: 24,
            num_attention_heads: 24,
            attention_head_size: None,
            intermediate_size: 6144,
            hidden_act: "gelu".to_owned(),
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 0,
            initializer_range: 0.02,
            layer_norm_eps: 1e-7,
            // The documentation of Hugging Face says true; its code says false.
            relative_attention: false,
            max_relative_positions: -1,
            position_buckets: -1,
            position_biased_input: true,
            pos_att_type: None,
            share_att_key: false,
            norm_rel_ebd: None,
            conv_kernel_size: 0,
            conv_groups: 1,
            conv_act: "tanh".to_owned(),
            pad_token_id: Some(0),
            pooler_hidden_size: None,
            pooler_dropout: 0.0,
            pooler_hidden_act: "gelu".to_owned(),
            cls_dropout: None,
        }
    }
}

impl Raw {
    fn has_type(&self, name: &str) -> bool {
        match &self.pos_att_type {
            None => false,
            Some(PosAttType::Text(text)) => {
                text.to_lowercase().split('|').any(|part| part.trim() == name)
            }
            Some(PosAttType::List(list)) => list.iter().any(|part| part == name),
        }
    }

    fn norms_positions(&self) -> bool {
        let text = self.norm_rel_ebd.as_deref().unwrap_or("none").to_lowercase();
        text.split('|').any(|part| part.trim() == "layer_norm")
    }
}

pub(super) fn parse(json: &[u8], origin: &str) -> Result<ModelConfig> {
    let raw: Raw = fields::parse(json, origin)?;
    let (num_labels, trained_head) = fields::labels_and_head(json, origin)?;
    let embedding_size = raw.embedding_size.unwrap_or(raw.hidden_size);
    fields::check_sizes(
        origin,
        &[
            ("vocab_size", raw.vocab_size),
            ("embedding_size", embedding_size),
            ("hidden_size", raw.hidden_size),
            ("num_attention_heads", raw.num_attention_heads),
            ("intermediate_size", raw.intermediate_size),
            ("max_position_embeddings", raw.max_position_embeddings),
            // 0 is a size here: no token types.
            ("type_vocab_size", raw.type_vocab_size.max(1)),
        ],
    )?;
    fields::check_layers(origin, "num_hidden_layers", raw.num_hidden_layers)?;
    fields::check_heads(
        origin,
        ("hidden_size", raw.hidden_size),
        ("num_attention_heads", raw.num_attention_heads),
    )?;
    check_what_hugging_face_cannot_compute(&raw, origin)?;
    let dropout = raw.cls_dropout.unwrap_or(raw.hidden_dropout_prob);
    Ok(ModelConfig {
        architecture: Architecture::DebertaV2,
        vocab_size: raw.vocab_size,
        hidden_size: raw.hidden_size,
        num_hidden_layers: raw.num_hidden_layers,
        max_seq_len: raw.max_position_embeddings,
        type_vocab_size: raw.type_vocab_size,
        initializer_range: raw.initializer_range,
        pad_token_id: raw.pad_token_id,
        num_labels,
        head: HeadConfig {
            sequence: SequenceHeadConfig {
                pick: Pick::First,
                input_dropout: raw.pooler_dropout,
                dense: Some(Dense {
                    name: "pooler.dense".to_owned(),
                    outputs: raw.hidden_size,
                    act: fields::activation(origin, "pooler_hidden_act", &raw.pooler_hidden_act)?,
                }),
                dropout,
                output: "classifier".to_owned(),
                bias: true,
            },
            token: RowHeadConfig {
                dropout: raw.hidden_dropout_prob,
                output: "classifier".to_owned(),
            },
            span: RowHeadConfig { dropout: 0.0, output: "qa_outputs".to_owned() },
        },
        trunk: TrunkConfig::DebertaV2(DebertaV2Config {
            embedding_size,
            num_attention_heads: raw.num_attention_heads,
            intermediate_size: raw.intermediate_size,
            hidden_act: fields::activation(origin, "hidden_act", &raw.hidden_act)?,
            hidden_dropout_prob: raw.hidden_dropout_prob,
            attention_probs_dropout_prob: raw.attention_probs_dropout_prob,
            max_position_embeddings: raw.max_position_embeddings,
            position_biased_input: raw.position_biased_input,
            type_vocab_size: raw.type_vocab_size,
            layer_norm_eps: raw.layer_norm_eps,
            relative: relative(&raw, origin)?,
            c2p: raw.has_type("c2p"),
            p2c: raw.has_type("p2c"),
            share_att_key: raw.share_att_key,
            norm_rel_ebd: raw.norms_positions(),
            conv: conv(&raw, origin)?,
        }),
        trained_head,
    })
}

/// Sizes that Hugging Face's classes accept, and then fail on in their first forward pass.
fn check_what_hugging_face_cannot_compute(raw: &Raw, origin: &str) -> Result<()> {
    let head_size = raw.hidden_size / raw.num_attention_heads;
    for (key, found, expected) in [
        ("attention_head_size", raw.attention_head_size, head_size),
        ("pooler_hidden_size", raw.pooler_hidden_size, raw.hidden_size),
    ] {
        if let Some(found) = found.filter(|&found| found != expected) {
            return Err(EngineError::config(
                origin,
                format!(
                    "{key} is {found}; expected {expected}, which hidden_size {} asks for: no other \
                     value can be computed",
                    raw.hidden_size
                ),
            ));
        }
    }
    Ok(())
}

/// The relative positions; buckets and limits of 0 and less mean none and the longest sequence.
fn relative(raw: &Raw, origin: &str) -> Result<Option<RelativePositions>> {
    if !raw.relative_attention {
        return Ok(None);
    }
    let longest = raw.max_position_embeddings;
    let size = |key: &str, value: i64, otherwise: usize| match usize::try_from(value) {
        Ok(value) if value > 0 => {
            fields::check_sizes(origin, &[(key, value)])?;
            Ok::<_, EngineError>(value)
        }
        _ => Ok(otherwise),
    };
    let max_relative_positions =
        size("max_relative_positions", raw.max_relative_positions, longest)?;
    let position_buckets = size("position_buckets", raw.position_buckets, 0)?;
    let middle = position_buckets / 2;
    // Beyond the middle, the formula divides by ln((max_relative_positions - 1) / middle).
    if position_buckets == 1
        || (position_buckets > 0 && longest > middle + 1 && max_relative_positions <= middle + 1)
    {
        return Err(EngineError::config(
            origin,
            format!(
                "position_buckets {position_buckets} with max_relative_positions \
                 {max_relative_positions} leaves no logarithmic buckets; expected 2 buckets or \
                 more, and max_relative_positions above {}",
                middle + 1
            ),
        ));
    }
    Ok(Some(RelativePositions { position_buckets, max_relative_positions }))
}

fn conv(raw: &Raw, origin: &str) -> Result<Option<ConvConfig>> {
    let Some(kernel_size) = usize::try_from(raw.conv_kernel_size).ok().filter(|&size| size > 0)
    else {
        return Ok(None);
    };
    if kernel_size.is_multiple_of(2) || kernel_size > 1024 || raw.conv_groups != 1 {
        return Err(EngineError::config(
            origin,
            format!(
                "conv_kernel_size {kernel_size} with conv_groups {} is not supported; expected an \
                 odd size up to 1023 and one group",
                raw.conv_groups
            ),
        ));
    }
    Ok(Some(ConvConfig {
        kernel_size,
        act: fields::activation(origin, "conv_act", &raw.conv_act)?,
    }))
}

#[cfg(test)]
mod tests;
