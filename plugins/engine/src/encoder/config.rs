//! Hugging Face's config.json, with Hugging Face's defaults for what it leaves out.

use serde::Deserialize;
use serde_json::Value;

use crate::error::{EngineError, Result};
use crate::ops::activation::Activation;

/// Architectures with absolute positions; they differ in names, embeddings and heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// BERT (Devlin et al. 2019).
    Bert,
}

impl Architecture {
    /// The name in descriptions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
        }
    }
}

/// Sizes and constants of an encoder and its head.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// The architecture.
    pub architecture: Architecture,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads; they divide `hidden_size`.
    pub num_attention_heads: usize,
    /// Width between the two linear layers of the feed-forward part.
    pub intermediate_size: usize,
    /// Activation of the feed-forward part.
    pub hidden_act: Activation,
    /// Dropout of hidden states in training.
    pub hidden_dropout_prob: f32,
    /// Dropout of attention probabilities in training.
    pub attention_probs_dropout_prob: f32,
    /// Dropout before the classifier in training.
    pub classifier_dropout: f32,
    /// Longest sequence.
    pub max_position_embeddings: usize,
    /// Rows of the token type embedding.
    pub type_vocab_size: usize,
    /// Epsilon of every layer norm.
    pub layer_norm_eps: f64,
    /// Deviation of newly initialised weights.
    pub initializer_range: f32,
    /// Outputs of a classification head.
    pub num_labels: usize,
}

/// The keys that matter, each optional, with the defaults of Hugging Face's `BertConfig`.
#[derive(Deserialize)]
#[serde(default)]
struct Raw {
    model_type: Option<String>,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    hidden_dropout_prob: f32,
    attention_probs_dropout_prob: f32,
    classifier_dropout: Option<f32>,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    initializer_range: f32,
    position_embedding_type: Option<String>,
    is_decoder: bool,
    id2label: Option<serde_json::Map<String, Value>>,
    num_labels: Option<usize>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            model_type: None,
            vocab_size: 30_522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: "gelu".to_owned(),
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            classifier_dropout: None,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            initializer_range: 0.02,
            position_embedding_type: None,
            is_decoder: false,
            id2label: None,
            num_labels: None,
        }
    }
}

impl EncoderConfig {
    /// Parses config.json; `origin` names it in errors.
    ///
    /// `num_labels` is the size of `id2label`, else `num_labels`, else 2, as in Hugging Face.
    ///
    /// # Errors
    /// [`EngineError::Config`] for text that is not JSON, values of the wrong type, sizes that
    /// contradict each other, and features that the encoder does not have.
    pub fn from_json(architecture: Architecture, json: &[u8], origin: &str) -> Result<Self> {
        let fail = |message: String| Err(EngineError::config(origin, message));
        let raw: Raw = match serde_json::from_slice(json) {
            Ok(raw) => raw,
            Err(e) => {
                return fail(format!("not a Hugging Face config.json: {e}; download it again"));
            }
        };
        let Architecture::Bert = architecture;
        if let Some(found) = raw.model_type.filter(|t| t != "bert") {
            return fail(format!(
                "model_type is \"{found}\", but this plugin's models are \"bert\"; choose the \
                 plugin for {found}, or another checkpoint"
            ));
        }
        let Some(hidden_act) = Activation::from_hidden_act(&raw.hidden_act) else {
            return fail(format!(
                "hidden_act \"{}\" is not supported; known are gelu, gelu_new, \
                 gelu_pytorch_tanh, relu, tanh and linear",
                raw.hidden_act
            ));
        };
        if let Some(kind) = raw.position_embedding_type.filter(|t| t != "absolute") {
            return fail(format!(
                "position_embedding_type \"{kind}\" is not supported; only absolute positions are"
            ));
        }
        if raw.is_decoder {
            return fail("is_decoder is true; only encoders are supported".to_owned());
        }
        for (key, value) in [
            ("vocab_size", raw.vocab_size),
            ("hidden_size", raw.hidden_size),
            ("num_attention_heads", raw.num_attention_heads),
            ("intermediate_size", raw.intermediate_size),
            ("max_position_embeddings", raw.max_position_embeddings),
            ("type_vocab_size", raw.type_vocab_size),
        ] {
            // The upper bound keeps products of two sizes far from overflow.
            if value == 0 || value > 1 << 28 {
                return fail(format!("{key} is {value}; expected a size from 1 to 2^28"));
            }
        }
        if !raw.hidden_size.is_multiple_of(raw.num_attention_heads) {
            return fail(format!(
                "hidden_size {} is not a multiple of num_attention_heads {}",
                raw.hidden_size, raw.num_attention_heads
            ));
        }
        if raw.num_hidden_layers > 1024 {
            return fail(format!(
                "num_hidden_layers is {}; expected up to 1024",
                raw.num_hidden_layers
            ));
        }
        let num_labels = raw.id2label.map(|m| m.len()).or(raw.num_labels).unwrap_or(2);
        if num_labels == 0 || num_labels > 1 << 20 {
            return fail(format!("{num_labels} labels; expected 1 to 2^20"));
        }
        Ok(Self {
            architecture,
            vocab_size: raw.vocab_size,
            hidden_size: raw.hidden_size,
            num_hidden_layers: raw.num_hidden_layers,
            num_attention_heads: raw.num_attention_heads,
            intermediate_size: raw.intermediate_size,
            hidden_act,
            hidden_dropout_prob: raw.hidden_dropout_prob,
            attention_probs_dropout_prob: raw.attention_probs_dropout_prob,
            classifier_dropout: raw.classifier_dropout.unwrap_or(raw.hidden_dropout_prob),
            max_position_embeddings: raw.max_position_embeddings,
            type_vocab_size: raw.type_vocab_size,
            layer_norm_eps: raw.layer_norm_eps,
            initializer_range: raw.initializer_range,
            num_labels,
        })
    }

    /// Width of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<EncoderConfig> {
        EncoderConfig::from_json(Architecture::Bert, json.as_bytes(), "config.json")
    }

    #[test]
    fn missing_keys_take_the_defaults_of_hugging_face() {
        let config = parse("{}").unwrap();
        assert_eq!(
            (config.vocab_size, config.layer_norm_eps, config.num_labels),
            (30522, 1e-12, 2)
        );
        assert_eq!(config.classifier_dropout, 0.1);
        let config = parse(r#"{"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 9}"#);
        assert_eq!(config.unwrap().num_labels, 3);
        assert_eq!(parse(r#"{"num_labels": 1}"#).unwrap().num_labels, 1);
    }

    #[test]
    fn what_cannot_be_computed_is_named() {
        for (json, expected) in [
            ("{", "not a Hugging Face config.json"),
            (r#"{"hidden_size": "x"}"#, "expected usize"),
            (r#"{"hidden_act": "swish"}"#, "hidden_act \"swish\""),
            (r#"{"position_embedding_type": "relative_key"}"#, "relative_key"),
            (r#"{"hidden_size": 100, "num_attention_heads": 3}"#, "not a multiple"),
            (r#"{"model_type": "electra"}"#, "\"electra\""),
            (r#"{"vocab_size": 0}"#, "vocab_size is 0"),
            (r#"{"is_decoder": true}"#, "is_decoder"),
        ] {
            let message = parse(json).unwrap_err().to_string();
            assert!(
                message.starts_with("config.json: ") && message.contains(expected),
                "{message}"
            );
        }
    }
}
