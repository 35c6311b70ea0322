//! What a plugin is asked for, as Rust types.

use crate::{Error, Result};
use kobench_plugin_abi as abi;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What `tokenizer_open` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerRequest {
    /// The model's name.
    pub variant: String,
    /// A Hugging Face directory; none for a bundled model.
    #[serde(default)]
    pub checkpoint: Option<PathBuf>,
    /// The plugin's own options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// What `model_open` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRequest {
    /// The model's name.
    pub variant: String,
    /// A Hugging Face directory; none for a bundled model.
    #[serde(default)]
    pub checkpoint: Option<PathBuf>,
    /// The head to put on the encoder.
    #[serde(default)]
    pub head: Head,
    /// Classes of the head; 1 for a regression. None: as the checkpoint says.
    #[serde(default)]
    pub num_labels: Option<u32>,
    /// `cpu` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
    /// `f32` or `bf16`.
    #[serde(default = "f32_precision")]
    pub precision: String,
    /// Threads to compute with; 0: all.
    #[serde(default)]
    pub threads: u32,
    /// Whether a checkpoint without a head gets a new one (for training) instead of an error.
    #[serde(default)]
    pub new_head: bool,
    /// What everything random follows from.
    #[serde(default)]
    pub seed: u64,
    /// Whether the checkpoint is only to be checked: every tensor is read and compared with what the model needs,
    /// and none is kept, so that a model may be checked that does not fit into memory. Only `stats` is called then.
    #[serde(default)]
    pub check: bool,
    /// Whether every weight is new, and follows from the seed: of the checkpoint only config.json and the tokeniser's
    /// files are needed.
    #[serde(default)]
    pub from_scratch: bool,
    /// Which of the weights that a variant carries, by the name of the task that they were trained for; none: the first
    /// that have the head.
    #[serde(default)]
    pub weights: Option<String>,
    /// The plugin's own options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

fn cpu() -> String {
    "cpu".into()
}
fn f32_precision() -> String {
    "f32".into()
}

/// What the logits are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// Each sequence: a row of logits.
    #[default]
    Sequence,
    /// Each token: a row of logits.
    Token,
    /// Each token: a start logit and an end logit.
    Span,
}

impl Head {
    /// The head of an ABI constant.
    ///
    /// # Errors
    /// Unsupported, if a newer host knows a head that this SDK does not.
    pub fn from_abi(head: u32) -> Result<Self> {
        match head {
            abi::HEAD_SEQUENCE => Ok(Self::Sequence),
            abi::HEAD_TOKEN => Ok(Self::Token),
            abi::HEAD_SPAN => Ok(Self::Span),
            other => Err(Error::unsupported(format!(
                "this plugin knows the heads 0 (sequence), 1 (token) and 2 (span), not {other}"
            ))),
        }
    }

    /// The name, as in a description's `heads`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Token => "token",
            Self::Span => "span",
        }
    }
}

/// One row to encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Example<'a> {
    /// One text.
    Text(&'a str),
    /// Two texts.
    Pair(&'a str, &'a str),
    /// Text that is split into words; each is tokenised alone.
    Words(Vec<&'a str>),
    /// A question and a context that is cut into windows where it is too long.
    QuestionContext {
        /// The question.
        question: &'a str,
        /// The context.
        context: Context<'a>,
    },
}

/// The context of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Context<'a> {
    /// One text.
    Text(&'a str),
    /// Words, each tokenised alone.
    Words(Vec<&'a str>),
}

/// What happens to a sequence that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Truncation {
    /// One token at a time is dropped from the longer text; where both are equally long, from the
    /// second (the reference's rule).
    #[default]
    LongestFirst,
    /// It is an error.
    Never,
}

/// How to encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Tokens, special tokens included; 0: the model's limit.
    pub max_seq_len: usize,
    /// What happens to longer sequences.
    pub truncation: Truncation,
    /// Question and context: tokens from one window's start to the next.
    pub doc_stride: usize,
    /// Question and context: tokens of the question that are kept.
    pub max_question_len: usize,
    /// Whether the tokens' text is wanted too.
    pub pieces: bool,
}

impl Default for EncodeOptions {
    /// The reference's values for KorQuAD: stride 128, question 64.
    fn default() -> Self {
        Self {
            max_seq_len: 0,
            truncation: Truncation::LongestFirst,
            doc_stride: 128,
            max_question_len: 64,
            pieces: false,
        }
    }
}
