//! Running a model on rows: tokenise a chunk, batch it by tokens, compute, send the logits home.

use super::batching::batches;
use super::encoding::CheckedEncoding;
use super::logits::select;
use super::memory;
use super::protocol::{self, EvaluateRequest, Evaluated, Event, RowInput};
use super::server::{ServeError, Wire};
use crate::plugin::{EncodeOptions, Encoded, Head, Model, Tokenizer};
use std::time::Instant;

/// Rows that are tokenised at once: enough for batches of equal lengths, few enough for memory to stay
/// small next to a model.
const CHUNK: usize = 16_384;
/// The same for questions, each of which makes several long sequences.
const QUESTIONS: usize = 1_024;

/// How many of these rows are tokenised at once.
pub(super) fn chunk_rows(rows: &[RowInput]) -> usize {
    if matches!(rows.first(), Some(RowInput::Question { .. })) { QUESTIONS } else { CHUNK }
}

/// How a plugin is asked to encode.
pub(super) fn options(encoding: protocol::Encoding, pieces: bool) -> EncodeOptions {
    EncodeOptions {
        max_seq_len: encoding.max_seq_len as usize,
        doc_stride: encoding.doc_stride as usize,
        max_question_len: encoding.max_question_len as usize,
        pieces,
        ..EncodeOptions::default()
    }
}

/// Evaluates all rows. Tokenising and computing take turns, so that each is timed alone.
pub(super) fn evaluate(
    request: &EvaluateRequest,
    tokenizer: &mut Tokenizer,
    model: &mut Model,
    wire: &Wire,
) -> Result<Evaluated, ServeError> {
    let started = Instant::now();
    memory::reset_peak();
    let mut run = Run {
        head: request.head,
        budget: request.batch_tokens.max(1),
        done: Evaluated::default(),
        values: Vec::new(),
    };
    let options = options(request.encoding, request.head == Head::Span);
    let mut first_row = 0;
    for rows in request.examples.chunks(chunk_rows(&request.examples)) {
        wire.stage("encode")?;
        let views: Vec<_> = rows.iter().map(RowInput::view).collect();
        let clock = Instant::now();
        let encoded = tokenizer.encode(&views, &options)?;
        run.done.tokenize_seconds += clock.elapsed().as_secs_f64();
        run.forward(&encoded, &CheckedEncoding::new(&encoded, rows, first_row)?, model, wire)?;
        first_row += rows.len();
    }
    let mut done = run.done;
    done.total_seconds = started.elapsed().as_secs_f64();
    done.peak_rss_bytes = memory::peak();
    done.stats = model.stats()?.to_string();
    Ok(done)
}

/// What goes on from chunk to chunk.
struct Run {
    head: Head,
    budget: u64,
    done: Evaluated,
    values: Vec<f32>,
}

impl Run {
    fn forward(
        &mut self,
        encoded: &Encoded,
        encoding: &CheckedEncoding<'_>,
        model: &mut Model,
        wire: &Wire,
    ) -> Result<(), ServeError> {
        let lengths = self.count(encoding);
        wire.stage("forward")?;
        let mut waiting = batches(&lengths, self.budget);
        waiting.reverse();
        while let Some(batch) = waiting.pop() {
            let sequences: Vec<usize> = batch.iter().map(|&s| index(s)).collect();
            let tokens = sequences.iter().map(|&s| lengths[s] as u64).sum::<u64>();
            let clock = Instant::now();
            let outcome = model.forward(encoded, &batch, self.head, &mut self.values);
            self.done.forward_seconds += clock.elapsed().as_secs_f64();
            let shape = match outcome {
                Err(e) if e.is_out_of_device_memory() && batch.len() > 1 => {
                    // The handle is intact: go on with half of what did not fit.
                    self.budget = (tokens / 2).max(1);
                    self.done.budget_halvings += 1;
                    let (first, second) = batch.split_at(batch.len() / 2);
                    waiting.extend([second.to_vec(), first.to_vec()]);
                    continue;
                }
                other => other?,
            };
            self.done.tokens += tokens;
            self.done.batches += 1;
            let values = &self.values[..shape.rows * shape.width];
            let logits = select(self.head, encoding, &sequences, shape, values)?;
            wire.event(Event::Logits { logits, tokens })?;
        }
        Ok(())
    }

    /// The lengths of the sequences; what else the tokeniser said of them is counted.
    fn count(&mut self, encoding: &CheckedEncoding<'_>) -> Vec<usize> {
        let (view, done) = (&encoding.view, &mut self.done);
        let lengths: Vec<usize> = (0..view.n_sequences()).map(|s| view.len_of(s)).collect();
        let is_cut = |&s: &usize| encoding.is_first(s) && view.n_truncated[s] > 0;
        done.sequences += lengths.len() as u64;
        done.truncated_rows += (0..lengths.len()).filter(is_cut).count() as u64;
        done.unknown_tokens += view.n_unknown.iter().map(|&n| u64::from(n)).sum::<u64>();
        done.max_len = done.max_len.max(lengths.iter().copied().max().unwrap_or(0) as u64);
        lengths
    }
}

/// Indices of sequences come from `0..n` of this very module.
fn index(sequence: u64) -> usize {
    usize::try_from(sequence).unwrap_or(usize::MAX)
}
