//! Extractive question answering: from windows and logits to answers, and from answers to label spans.
//!
//! This is the pipeline of the reference (transformers 3.3.1: `data/processors/squad.py`,
//! `data/metrics/squad_metrics.py`), over what a plugin's tokeniser reports. The plugin cuts a context
//! into windows that start [`QaOptions::doc_stride`] tokens apart; everything after that happens here:
//!
//! ```text
//! Words        the context at white space          word of a token, text of a range of words
//! Window       the context's tokens of a window    Document: the windows put together again
//! best_window  where a token has most context
//! candidates   the best starts x the best ends, those that may be an answer, by the sum of their logits
//! n_best       detokenise -> final_text: the answer's own characters within its words
//! label_span   the tokens of a right answer, for training and for the best that a vocabulary can do
//! ```
//!
//! One thing differs: nothing is padded here. The reference's logits of padding can push tokens out of the
//! `n_best` best of a short window, before they are discarded.

mod answer;
mod basic;
mod candidates;
mod detokenise;
mod final_text;
#[cfg(test)]
mod golden_tests;
mod label;
mod max_context;
mod pieces;
mod window;
mod words;

pub use crate::task::QaOptions;
pub use answer::{Answer, NO_ANSWER, answer, n_best, span_text, whole_words};
pub use candidates::{Candidate, WindowLogits, candidates};
pub use detokenise::{PieceStyle, detokenise};
pub use final_text::final_text;
pub use label::{LabelSpan, label_span};
pub use max_context::best_window;
pub use pieces::Pieces;
pub use window::{Document, Window, WindowError, check_overlaps};
pub use words::Words;
