//! What harness and worker say to each other.
//!
//! Both are the same executable, so that the format needs no versions: a frame is a length and a
//! postcard value (see [`super::frame`]).

use crate::plugin::{Description, Example, ModelRequest, TokenizerRequest};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// From the harness. Each is answered by events, and then by exactly one [`Reply::Done`] or
/// [`Reply::Failed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Request {
    /// Load a library and describe it.
    Describe(PathBuf),
    /// Open a tokeniser and a model, instead of those that are open.
    Open(OpenRequest),
    /// Run the open model on examples.
    Evaluate(EvaluateRequest),
}

/// What to open. The requests travel as JSON text: they hold free-form options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// The plugin library.
    pub library: PathBuf,
    /// For its `tokenizer_open`.
    pub tokenizer: TokenizerRequest,
    /// For its `model_open`.
    pub model: ModelRequest,
}

/// Examples for the sequence head of the open model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluateRequest {
    /// The texts.
    pub examples: Vec<TextExample>,
    /// Tokens a sequence, special tokens included.
    pub max_seq_len: u32,
    /// Tokens a batch; a sequence that is longer makes a batch of its own.
    pub batch_tokens: u64,
}

/// One row: a text, or a pair of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextExample {
    /// The text, or the first of two.
    pub text: String,
    /// The second text.
    pub pair: Option<String>,
}

impl TextExample {
    /// The same, as the plugin's side wants it.
    pub(super) fn view(&self) -> Example<'_> {
        match &self.pair {
            None => Example::Text(&self.text),
            Some(pair) => Example::Pair(&self.text, pair),
        }
    }
}

/// From the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Reply {
    /// Something that happened on the way.
    Event(Event),
    /// The request is done.
    Done(Outcome),
    /// The request failed, and the worker is as usable as before.
    Failed {
        /// The kind of error, for records: the ABI's status by name, or `plugin` for one that does not
        /// load.
        code: String,
        /// The message.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

/// Something that happened while a request was worked on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The worker enters a call of the plugin; if it dies, it was there.
    Stage(String),
    /// Logits of some examples.
    Logits {
        /// The examples, by their index in the request.
        examples: Vec<u32>,
        /// Values for each.
        width: u32,
        /// `[examples.len() * width]`
        values: Vec<f32>,
        /// Tokens of these examples.
        tokens: u64,
    },
    /// A message of the plugin's or the worker's; level as in the ABI.
    Log {
        /// 1 error to 4 debug.
        level: i32,
        /// The text.
        message: String,
    },
}

/// How a request ended well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Of [`Request::Describe`].
    Described(Description),
    /// Of [`Request::Open`].
    Opened(Opened),
    /// Of [`Request::Evaluate`].
    Evaluated(Evaluated),
}

/// What was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Seconds for library, tokeniser and model.
    pub load_seconds: f64,
    /// The plugin's statistics, as JSON text.
    pub stats: String,
}

/// What an evaluation took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evaluated {
    /// Tokens, special tokens included.
    pub tokens: u64,
    /// Examples that were cut.
    pub truncated_rows: u64,
    /// Unknown tokens.
    pub unknown_tokens: u64,
    /// Tokens of the longest sequence.
    pub max_len: u64,
    /// Seconds in the tokeniser.
    pub tokenize_seconds: f64,
    /// Seconds in the model.
    pub forward_seconds: f64,
    /// Seconds for everything, from the request to the last logits.
    pub total_seconds: f64,
    /// Batches.
    pub batches: u64,
    /// How often device memory ran out, so that the budget was halved.
    pub budget_halvings: u32,
    /// The highest resident set of the worker while it evaluated, if the system says.
    pub peak_rss_bytes: Option<u64>,
    /// The plugin's statistics afterwards, as JSON text.
    pub stats: String,
}
