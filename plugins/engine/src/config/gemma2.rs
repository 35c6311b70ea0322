//! Gemma-2.

use serde::Deserialize;
use serde_json::Value;

use super::architecture::Architecture;
use super::head::{HeadConfig, Pick, RowHeadConfig, SequenceHeadConfig};
use super::{ModelConfig, TrunkConfig, fields};
use crate::error::{EngineError, Result};
use crate::ops::activation::Activation;

/// Sizes and constants of a Gemma-2 decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Gemma2Config {
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; they divide the query heads.
    pub num_key_value_heads: usize,
    /// Width of a head, even; need not be hidden size / heads.
    pub head_dim: usize,
    /// Width between the linear layers of the feed-forward part.
    pub intermediate_size: usize,
    /// Activation of the feed-forward part's gate.
    pub hidden_act: Activation,
    /// Epsilon of every norm.
    pub rms_norm_eps: f64,
    /// Base of the rotary positions' wavelengths.
    pub rope_theta: f64,
    /// Whether the projections of the attention have biases.
    pub attention_bias: bool,
    /// Scores are divided by the square root of this.
    pub query_pre_attn_scalar: f64,
    /// Scores are bent into ±this.
    pub attn_logit_softcapping: Option<f32>,
    /// Dropout of attention probabilities in training.
    pub attention_dropout: f32,
    /// Keys that each layer's queries see, their own included; none: all before them.
    pub windows: Vec<Option<usize>>,
}

/// The keys that matter, each optional, with the defaults of Hugging Face's `Gemma2Config`.
#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
    hidden_activation: Option<String>,
    max_position_embeddings: usize,
    initializer_range: f32,
    rms_norm_eps: f64,
    pad_token_id: Option<i64>,
    rope_theta: f64,
    rope_scaling: Option<serde_json::Map<String, Value>>,
    partial_rotary_factor: f64,
    attention_bias: bool,
    query_pre_attn_scalar: f64,
    sliding_window: Option<usize>,
    layer_types: Option<Vec<String>>,
    attn_logit_softcapping: Option<f64>,
    attention_dropout: f32,
    classifier_dropout: Option<f32>,
    hidden_dropout: Option<f32>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            vocab_size: 256_000,
            hidden_size: 2304,
            intermediate_size: 9216,
            num_hidden_layers: 26,
            num_attention_heads: 8,
            num_key_value_heads: 4,
            head_dim: 256,
            hidden_activation: None,
            max_position_embeddings: 8192,
            initializer_range: 0.02,
            rms_norm_eps: 1e-6,
            pad_token_id: Some(0),
            rope_theta: 10_000.0,
            rope_scaling: None,
            partial_rotary_factor: 1.0,
            attention_bias: false,
            query_pre_attn_scalar: 256.0,
            sliding_window: Some(4096),
            layer_types: None,
            attn_logit_softcapping: Some(50.0),
            attention_dropout: 0.0,
            classifier_dropout: None,
            hidden_dropout: None,
        }
    }
}

/// `hidden_act`, which published files have too, means nothing, as in Hugging Face; nor does
/// `final_logit_softcapping`, which bends the logits of the language model alone.
pub(super) fn parse(json: &[u8], origin: &str) -> Result<ModelConfig> {
    let raw: Raw = fields::parse(json, origin)?;
    let (num_labels, trained_head) = fields::labels_and_head(json, origin)?;
    let act = raw.hidden_activation.as_deref().unwrap_or("gelu_pytorch_tanh");
    let hidden_act = fields::activation(origin, "hidden_activation", act)?;
    fields::check_sizes(
        origin,
        &[
            ("vocab_size", raw.vocab_size),
            ("hidden_size", raw.hidden_size),
            ("intermediate_size", raw.intermediate_size),
            ("num_attention_heads", raw.num_attention_heads),
            ("num_key_value_heads", raw.num_key_value_heads),
            ("head_dim", raw.head_dim),
            ("max_position_embeddings", raw.max_position_embeddings),
        ],
    )?;
    fields::check_layers(origin, "num_hidden_layers", raw.num_hidden_layers)?;
    fields::check_heads(
        origin,
        ("num_attention_heads", raw.num_attention_heads),
        ("num_key_value_heads", raw.num_key_value_heads),
    )?;
    check_numbers(&raw, origin)?;
    let score = || "score".to_owned();
    // The default of Hugging Face's class for tokens, which no key of this configuration sets.
    let dropout = raw.classifier_dropout.or(raw.hidden_dropout).unwrap_or(0.1);
    let pad_token_id = raw.pad_token_id.and_then(|id| u32::try_from(id).ok());
    Ok(ModelConfig {
        architecture: Architecture::Gemma2,
        vocab_size: raw.vocab_size,
        hidden_size: raw.hidden_size,
        num_hidden_layers: raw.num_hidden_layers,
        max_seq_len: raw.max_position_embeddings,
        type_vocab_size: 0,
        initializer_range: raw.initializer_range,
        pad_token_id,
        num_labels,
        head: HeadConfig {
            sequence: SequenceHeadConfig {
                // Without a pad token the last one counts: no token has this id.
                pick: Pick::LastExcept(pad_token_id.unwrap_or(u32::MAX)),
                input_dropout: 0.0,
                dense: None,
                dropout: 0.0,
                output: score(),
                bias: false,
            },
            token: RowHeadConfig { dropout, output: score() },
            // Hugging Face has none.
            span: RowHeadConfig { dropout: 0.0, output: "qa_outputs".to_owned() },
        },
        trunk: TrunkConfig::Gemma2(Gemma2Config {
            num_attention_heads: raw.num_attention_heads,
            num_key_value_heads: raw.num_key_value_heads,
            head_dim: raw.head_dim,
            intermediate_size: raw.intermediate_size,
            hidden_act,
            rms_norm_eps: raw.rms_norm_eps,
            rope_theta: raw.rope_theta,
            attention_bias: raw.attention_bias,
            query_pre_attn_scalar: raw.query_pre_attn_scalar,
            attn_logit_softcapping: raw.attn_logit_softcapping.map(|cap| cap as f32),
            attention_dropout: raw.attention_dropout,
            windows: windows(&raw, origin)?,
        }),
        trained_head,
    })
}

/// Refuses numbers that give no model, and rotary positions other than the plain ones.
fn check_numbers(raw: &Raw, origin: &str) -> Result<()> {
    let fail = |message: String| Err(EngineError::config(origin, message));
    if !raw.head_dim.is_multiple_of(2) {
        return fail(format!("head_dim is {}; rotary positions need an even one", raw.head_dim));
    }
    for (key, value) in [
        ("query_pre_attn_scalar", Some(raw.query_pre_attn_scalar)),
        ("rope_theta", Some(raw.rope_theta)),
        ("attn_logit_softcapping", raw.attn_logit_softcapping),
    ] {
        if let Some(value) = value.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return fail(format!("{key} is {value}; expected a number above 0"));
        }
    }
    if raw.partial_rotary_factor != 1.0 {
        return fail(format!(
            "partial_rotary_factor is {}; only heads that turn as a whole are supported",
            raw.partial_rotary_factor
        ));
    }
    if let Some(scaling) = &raw.rope_scaling {
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type")).and_then(Value::as_str);
        if kind != Some("default") {
            return fail(format!(
                "rope_scaling has the type {}; Gemma-2 was published without, and only plain \
                 rotary positions are supported",
                kind.unwrap_or("(none)")
            ));
        }
    }
    Ok(())
}

/// Each layer's window: as `layer_types` says, else every other layer's, from the first.
fn windows(raw: &Raw, origin: &str) -> Result<Vec<Option<usize>>> {
    let fail = |message: String| EngineError::config(origin, message);
    let window = || match raw.sliding_window {
        Some(window) if window > 0 => Ok(Some(window)),
        other => Err(fail(format!(
            "sliding_window is {}; layers with sliding attention need one of at least 1",
            other.map_or("null".to_owned(), |window| window.to_string())
        ))),
    };
    let layers = raw.num_hidden_layers;
    let Some(types) = &raw.layer_types else {
        return (0..layers).map(|i| if i % 2 == 0 { window() } else { Ok(None) }).collect();
    };
    if types.len() != layers {
        return Err(fail(format!(
            "layer_types has {} entries, but num_hidden_layers is {layers}",
            types.len()
        )));
    }
    types
        .iter()
        .map(|kind| match kind.as_str() {
            "sliding_attention" => window(),
            "full_attention" => Ok(None),
            other => Err(fail(format!(
                "layer_types has \"{other}\"; Gemma-2 has sliding_attention and full_attention"
            ))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<(ModelConfig, Gemma2Config)> {
        let config = ModelConfig::from_json(Architecture::Gemma2, json.as_bytes(), "config.json")?;
        match config.trunk.clone() {
            TrunkConfig::Gemma2(own) => Ok((config, own)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn missing_keys_take_the_defaults_of_hugging_face() {
        let (config, own) = parse("{}").unwrap();
        assert_eq!((config.vocab_size, config.max_seq_len, own.head_dim), (256_000, 8192, 256));
        assert_eq!(own.windows[..3], [Some(4096), None, Some(4096)]);
        assert_eq!(
            (own.attn_logit_softcapping, own.hidden_act),
            (Some(50.0), Activation::GeluTanh)
        );
        assert_eq!(config.head.sequence.pick, Pick::LastExcept(0));
        assert_eq!((config.head.token.dropout, config.head.sequence.dropout), (0.1, 0.0));
        let (config, own) = parse(
            r#"{"attn_logit_softcapping": null, "pad_token_id": null, "classifier_dropout": 0.3,
                "num_hidden_layers": 2, "layer_types": ["full_attention", "sliding_attention"]}"#,
        )
        .unwrap();
        assert_eq!((own.attn_logit_softcapping, own.windows), (None, vec![None, Some(4096)]));
        assert_eq!(config.head.sequence.pick, Pick::LastExcept(u32::MAX));
        assert_eq!(config.head.token.dropout, 0.3);
    }

    #[test]
    fn what_cannot_be_computed_is_named() {
        for (json, expected) in [
            (r#"{"head_dim": 7}"#, "head_dim is 7"),
            (r#"{"num_key_value_heads": 3}"#, "num_key_value_heads 3"),
            (r#"{"sliding_window": null}"#, "sliding_window is null"),
            (r#"{"sliding_window": 0}"#, "sliding_window is 0"),
            (r#"{"layer_types": ["full_attention"]}"#, "1 entries"),
            (r#"{"num_hidden_layers": 1, "layer_types": ["chunked_attention"]}"#, "chunked"),
            (r#"{"rope_scaling": {"rope_type": "yarn", "factor": 2}}"#, "yarn"),
            (r#"{"partial_rotary_factor": 0.5}"#, "partial_rotary_factor"),
            (r#"{"query_pre_attn_scalar": 0}"#, "query_pre_attn_scalar is 0"),
            (r#"{"attn_logit_softcapping": -1}"#, "attn_logit_softcapping is -1"),
            (r#"{"hidden_activation": "silu"}"#, "hidden_activation \"silu\""),
            (r#"{"model_type": "gemma"}"#, "choose the plugin for gemma"),
        ] {
            let message = parse(json).unwrap_err().to_string();
            assert!(
                message.starts_with("config.json: ") && message.contains(expected),
                "{message}"
            );
        }
    }
}
