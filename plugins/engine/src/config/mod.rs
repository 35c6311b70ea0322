//! Hugging Face's config.json, with Hugging Face's defaults for what it leaves out.
//!
//! One file an architecture says which keys it has; [`ModelConfig`] is what all have in common.

mod absolute;
mod architecture;
mod deberta_v2;
mod distilbert;
mod fields;
mod gemma2;
mod head;

pub use absolute::AbsoluteConfig;
pub use architecture::Architecture;
pub use deberta_v2::{ConvConfig, DebertaV2Config};
pub use gemma2::Gemma2Config;
pub use head::{Dense, HeadConfig, Pick, RowHeadConfig, SequenceHeadConfig};

use kobench_plugin_sdk::Head;

use crate::error::{EngineError, Result};

/// What a config.json describes: the trunk, and what its heads look like.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The architecture.
    pub architecture: Architecture,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Longest sequence in tokens, special tokens included.
    pub max_seq_len: usize,
    /// Segments that token type ids may name; up to 1, the ids are not fed to the model.
    pub type_vocab_size: usize,
    /// Deviation of newly initialised weights.
    pub initializer_range: f32,
    /// The row of the word embeddings that is not trained, torch's `padding_idx`; only a text that
    /// holds the padding token would.
    pub pad_token_id: Option<u32>,
    /// Outputs of a classification head.
    pub num_labels: usize,
    /// The heads.
    pub head: HeadConfig,
    /// The trunk's own sizes.
    pub trunk: TrunkConfig,
    /// The class that `architectures` names, when it has a head.
    pub trained_head: Option<(Head, String)>,
}

/// The part of a configuration that only one kind of trunk has.
#[derive(Debug, Clone, PartialEq)]
pub enum TrunkConfig {
    /// Encoders with absolute positions.
    Absolute(AbsoluteConfig),
    /// DeBERTa-v2 and v3.
    DebertaV2(DebertaV2Config),
    /// Gemma-2.
    Gemma2(Gemma2Config),
}

impl ModelConfig {
    /// Parses config.json; `origin` names it in errors.
    ///
    /// `num_labels` is the size of `id2label`, else `num_labels`, else 2, as in Hugging Face.
    ///
    /// # Errors
    /// [`EngineError::Config`] for text that is not JSON, values of the wrong type, sizes that
    /// contradict each other, and features that the architecture's code does not have.
    pub fn from_json(architecture: Architecture, json: &[u8], origin: &str) -> Result<Self> {
        fields::check_model_type(architecture, json, origin)?;
        match architecture {
            Architecture::Bert | Architecture::Electra | Architecture::Roberta => {
                absolute::parse(architecture, json, origin)
            }
            Architecture::DistilBert => distilbert::parse(json, origin),
            Architecture::DebertaV2 => deberta_v2::parse(json, origin),
            Architecture::Gemma2 => gemma2::parse(json, origin),
        }
    }

    /// Columns of the logits of a head.
    pub fn logits_width(&self, head: Head) -> usize {
        match head {
            Head::Sequence | Head::Token => self.num_labels,
            Head::Span => 2,
        }
    }

    /// The same model with ELECTRA's older classifier: the first token's hidden state, dropout and
    /// one linear layer. KoELECTRA's fine-tuning had it until July 2020.
    #[must_use]
    pub fn with_linear_classifier(mut self) -> Self {
        let head = &mut self.head.sequence;
        head.dense = None;
        head.input_dropout = 0.0;
        "classifier".clone_into(&mut head.output);
        self
    }

    /// The same model with one probability for every dropout.
    #[must_use]
    pub fn with_dropout(mut self, p: f32) -> Self {
        match &mut self.trunk {
            TrunkConfig::Absolute(own) => {
                own.hidden_dropout_prob = p;
                own.attention_output_dropout = p;
                own.attention_probs_dropout_prob = p;
            }
            TrunkConfig::DebertaV2(own) => {
                own.hidden_dropout_prob = p;
                own.attention_probs_dropout_prob = p;
            }
            TrunkConfig::Gemma2(own) => own.attention_dropout = p,
        }
        self.head.sequence.input_dropout = p;
        self.head.sequence.dropout = p;
        self.head.token.dropout = p;
        self.head.span.dropout = p;
        self
    }

    /// Refuses a checkpoint whose `architectures` names a class with another head than `head`.
    ///
    /// # Errors
    /// [`EngineError::Config`].
    pub fn check_head(&self, head: Head, origin: &str) -> Result<()> {
        match &self.trained_head {
            Some((trained, class)) if *trained != head => Err(EngineError::config(
                origin,
                format!(
                    "architectures says {class}: the checkpoint was trained with a {} head, but \
                     the task needs a {} head; choose a checkpoint that was fine-tuned for this \
                     kind of task",
                    trained.name(),
                    head.name()
                ),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
