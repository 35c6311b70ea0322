//! What harness and worker say to each other.
//!
//! Both are the same executable, so that the format needs no versions: a frame is a length and a
//! postcard value (see [`super::frame`]).

use super::bench::{BenchRequest, BenchRows, Benched};
use crate::data::Input;
use crate::plugin::{Context, Description, Example, Head, ModelRequest, TokenizerRequest};
use crate::qa::{Pieces, QaOptions, Window};
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
    /// Open a model alone, say what it is, and close it.
    Inspect(InspectRequest),
    /// Run the open model on examples.
    Evaluate(EvaluateRequest),
    /// Run a tokeniser on examples.
    Tokenize(TokenizeRequest),
    /// Encode the rows that the open model is to be trained on.
    Prepare(PrepareRequest),
    /// Make the open model ready to train.
    BeginTraining(BeginRequest),
    /// One step on some of the prepared sequences.
    Step(StepRequest),
    /// Free what training needed.
    EndTraining,
    /// Write the open model into a directory.
    Save(StateRequest),
    /// Read back what was saved.
    Load(StateRequest),
    /// Keep the rows that queries are drawn from.
    BenchRows(BenchRows),
    /// Answer queries, and say how long each took.
    Bench(BenchRequest),
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

/// A model that is opened to be looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InspectRequest {
    /// The plugin library.
    pub library: PathBuf,
    /// For its `model_open`.
    pub model: ModelRequest,
}

/// Examples for the open model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluateRequest {
    /// The rows; all of one kind.
    pub examples: Vec<RowInput>,
    /// The head, which the model was opened with.
    pub head: Head,
    /// How rows become sequences.
    pub encoding: Encoding,
    /// Tokens a batch; a sequence that is longer makes a batch of its own.
    pub batch_tokens: u64,
    /// Whether the next rows are tokenised while the model computes: where a GPU does that.
    pub overlap: bool,
}

/// Examples for a tokeniser alone, which is opened for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenizeRequest {
    /// The plugin library.
    pub library: PathBuf,
    /// For its `tokenizer_open`.
    pub tokenizer: TokenizerRequest,
    /// The rows; all of one kind.
    pub examples: Vec<RowInput>,
    /// How rows become sequences.
    pub encoding: Encoding,
    /// Whether the tokens' texts are wanted; those of contexts are there in any case.
    pub pieces: bool,
}

/// Rows to train the open model on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrepareRequest {
    /// The rows; all of one kind.
    pub examples: Vec<RowInput>,
    /// What is right for each.
    pub targets: RowTargets,
    /// The head, which the model was opened with.
    pub head: Head,
    /// How rows become sequences.
    pub encoding: Encoding,
    /// The loss's factor for each class, where it has one: a mean is over as much.
    pub class_weights: Option<Vec<f64>>,
}

/// What is right for each row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RowTargets {
    /// A class.
    Class(Vec<i32>),
    /// A number.
    Real(Vec<f32>),
    /// A class for each word; those of row `i` are `classes[cu_words[i]..cu_words[i + 1]]`.
    Words {
        /// The classes.
        classes: Vec<i32>,
        /// `[rows + 1]`
        cu_words: Vec<u64>,
    },
    /// An answer, and the byte of the context at which it begins.
    Answers(Vec<(String, u32)>),
}

/// How a training begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginRequest {
    /// What dropout follows from.
    pub seed: u64,
    /// The document of `train_begin`, as JSON text.
    pub settings: String,
}

/// A training step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRequest {
    /// Numbers of prepared sequences.
    pub sequences: Vec<u64>,
    /// The batch that they are a part of; empty where they are all of it. The loss of a part counts for as much as the part
    /// has of the batch's targets, so that the parts' losses add up to the mean over the batch.
    pub part_of: Vec<u64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// A factor on the loss.
    pub loss_scale: f64,
    /// Whether to add to the gradients without an update yet.
    pub accumulate: bool,
}

/// Where a model is saved to, or loaded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRequest {
    /// The directory, which is there.
    pub directory: PathBuf,
    /// Whether what a resumed training needs belongs to it.
    pub training: bool,
}

/// How rows become sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoding {
    /// Tokens a sequence, special tokens included; 0: the model's limit.
    pub max_seq_len: u32,
    /// Question and context: tokens from one window's start to the next.
    pub doc_stride: u32,
    /// Question and context: tokens of the question that are kept.
    pub max_question_len: u32,
}

impl Encoding {
    /// Sequences of so many tokens at most, with windows as `qa` has them.
    pub fn new(max_seq_len: u32, qa: QaOptions) -> Self {
        Self { max_seq_len, doc_stride: qa.doc_stride, max_question_len: qa.max_question_len }
    }
}

/// One row, as the harness sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowInput {
    /// A text.
    Text(String),
    /// A pair of texts.
    Pair(String, String),
    /// A text that is split into words.
    Words(Vec<String>),
    /// A question about a context.
    Question {
        /// The question.
        question: String,
        /// The context.
        context: String,
    },
}

impl RowInput {
    /// The same, as the plugin's side wants it.
    pub(crate) fn view(&self) -> Example<'_> {
        match self {
            Self::Text(text) => Example::Text(text),
            Self::Pair(first, second) => Example::Pair(first, second),
            Self::Words(words) => Example::Words(words.iter().map(String::as_str).collect()),
            Self::Question { question, context } => {
                Example::QuestionContext { question, context: Context::Text(context) }
            }
        }
    }
}

impl From<Input<'_>> for RowInput {
    fn from(input: Input<'_>) -> Self {
        match input {
            Input::Text(text) => Self::Text(text.to_owned()),
            Input::Pair(first, second) => Self::Pair(first.to_owned(), second.to_owned()),
            Input::Words(words) => Self::Words(words.iter().map(ToOwned::to_owned).collect()),
            Input::Question { question, context } => {
                Self::Question { question: question.to_owned(), context: context.to_owned() }
            }
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
    /// Logits of a head. Rows are counted in the request.
    Logits {
        /// What they are of.
        logits: Logits,
        /// Tokens of the batch.
        tokens: u64,
    },
    /// What a tokeniser made of some rows.
    Sequences(Vec<Sequence>),
    /// So many queries of a measurement are answered by now.
    Queries(u64),
    /// A message of the plugin's or the worker's; level as in the ABI.
    Log {
        /// 1 error to 4 debug.
        level: i32,
        /// The text.
        message: String,
    },
}

/// Logits of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Logits {
    /// Of the sequence head.
    Rows {
        /// The rows.
        rows: Vec<u32>,
        /// Values a row.
        width: u32,
        /// `[rows.len() * width]`
        values: Vec<f32>,
    },
    /// Of the token head, at the first token of each word that the model saw.
    Words {
        /// The rows, each with the number of its first words that the model saw.
        rows: Vec<(u32, u32)>,
        /// Values a word.
        width: u32,
        /// `[words * width]`
        values: Vec<f32>,
    },
    /// Of the span head.
    Spans(Vec<SpanLogits>),
}

/// Logits of the span head for one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanLogits {
    /// The row.
    pub row: u32,
    /// The window, from 0.
    pub window: u32,
    /// How many windows the row has.
    pub windows: u32,
    /// What it shows of the context.
    pub context: Window,
    /// `[tokens of the sequence]`
    pub start: Vec<f32>,
    /// `[tokens of the sequence]`
    pub end: Vec<f32>,
}

/// What a tokeniser made of a row, or of one window of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// The row, counted in the request.
    pub row: u32,
    /// Tokens, special tokens included.
    pub tokens: u32,
    /// Special tokens among them.
    pub special: u32,
    /// Tokens of the row that were cut off.
    pub truncated: u32,
    /// Unknown tokens.
    pub unknown: u32,
    /// Of a row of words, how many the sequence shows.
    pub words: u32,
    /// Of a context, the part that the window shows.
    pub context: Option<Window>,
    /// The texts of all tokens that are not special, if they were asked for.
    pub pieces: Pieces,
}

/// How a request ended well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Of [`Request::Describe`].
    Described(Description),
    /// Of [`Request::Open`].
    Opened(Opened),
    /// Of [`Request::Inspect`]: the plugin's statistics, as JSON text.
    Inspected(String),
    /// Of [`Request::Evaluate`].
    Evaluated(Evaluated),
    /// Of [`Request::Tokenize`].
    Tokenized,
    /// Of [`Request::Prepare`].
    Prepared(Prepared),
    /// Of [`Request::Step`].
    Stepped(Stepped),
    /// Of [`Request::BeginTraining`]: the plugin's statistics, as JSON text.
    Begun(String),
    /// Of [`Request::EndTraining`].
    Trained(Ended),
    /// Of [`Request::Bench`].
    Benched(Benched),
    /// Of [`Request::BenchRows`], and of the other requests of a training.
    Ready,
}

/// What a training took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ended {
    /// The highest resident set since the rows were prepared, in bytes, if the system says.
    pub peak_rss_bytes: Option<u64>,
    /// The plugin's statistics after the last step, as JSON text.
    pub stats: String,
}

/// The sequences that can be trained on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Prepared {
    /// Their numbers.
    pub sequences: Vec<u64>,
    /// For each the row that it is of.
    pub rows: Vec<u32>,
    /// For each its tokens, special tokens included.
    pub lengths: Vec<u32>,
    /// Rows that were cut.
    pub truncated_rows: u64,
    /// Seconds in the tokeniser.
    pub tokenize_seconds: f64,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stepped {
    /// The loss before scaling.
    pub loss: f64,
    /// The global norm of the gradients before clipping; NaN while accumulating.
    pub grad_norm: f64,
    /// How much of its batch's targets it had, from 0 to 1.
    pub share: f64,
    /// Tokens of its sequences.
    pub tokens: u64,
    /// The sum of the squares of the sequences' lengths.
    pub pairs: u64,
    /// Seconds in the model.
    pub seconds: f64,
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
    /// Sequences: as many as rows, but for windows.
    pub sequences: u64,
    /// Rows that were cut.
    pub truncated_rows: u64,
    /// Unknown tokens; where windows overlap they count in each.
    pub unknown_tokens: u64,
    /// The sum of the squares of the sequences' lengths.
    pub pairs: u64,
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
    /// Tokens a batch at the end.
    pub budget: u64,
    /// The highest resident set of the worker while it evaluated, if the system says.
    pub peak_rss_bytes: Option<u64>,
    /// The plugin's statistics afterwards, as JSON text.
    pub stats: String,
}
