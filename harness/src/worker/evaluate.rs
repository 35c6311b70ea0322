//! Running a model on examples: tokenise a chunk, batch it by tokens, compute, send the logits home.

use super::batching::batches;
use super::protocol::{EvaluateRequest, Evaluated, Event, TextExample};
use super::server::{ServeError, Wire};
use crate::plugin::{EncodeOptions, Encoded, EncodingView, Head, Model, Tokenizer};
use std::time::Instant;

/// Examples that are tokenised at once: enough for batches of equal lengths, few enough for memory to
/// stay small next to a model.
const CHUNK: usize = 16_384;

/// Evaluates all examples. Tokenising and computing take turns, so that each is timed alone.
pub(super) fn evaluate(
    request: &EvaluateRequest,
    tokenizer: &mut Tokenizer,
    model: &mut Model,
    wire: &Wire,
) -> Result<Evaluated, ServeError> {
    let started = Instant::now();
    reset_peak_memory();
    let mut run =
        Run { budget: request.batch_tokens.max(1), done: Evaluated::default(), values: Vec::new() };
    let options =
        EncodeOptions { max_seq_len: request.max_seq_len as usize, ..EncodeOptions::default() };
    for (chunk, examples) in request.examples.chunks(CHUNK).enumerate() {
        wire.stage("encode")?;
        let views: Vec<_> = examples.iter().map(TextExample::view).collect();
        let clock = Instant::now();
        let encoded = tokenizer.encode(&views, &options)?;
        run.done.tokenize_seconds += clock.elapsed().as_secs_f64();
        run.forward(&encoded, examples.len(), chunk * CHUNK, model, wire)?;
    }
    let mut done = run.done;
    done.total_seconds = started.elapsed().as_secs_f64();
    done.peak_rss_bytes = peak_memory();
    done.stats = model.stats()?.to_string();
    Ok(done)
}

/// What goes on from chunk to chunk.
struct Run {
    budget: u64,
    done: Evaluated,
    values: Vec<f32>,
}

impl Run {
    fn forward(
        &mut self,
        encoded: &Encoded,
        n_examples: usize,
        first_example: usize,
        model: &mut Model,
        wire: &Wire,
    ) -> Result<(), ServeError> {
        let view = encoded.view()?;
        one_sequence_each(&view, n_examples)?;
        let lengths: Vec<usize> = (0..n_examples).map(|s| view.len_of(s)).collect();
        self.done.truncated_rows += view.n_truncated.iter().filter(|&&n| n > 0).count() as u64;
        self.done.unknown_tokens += view.n_unknown.iter().map(|&n| u64::from(n)).sum::<u64>();
        self.done.max_len =
            self.done.max_len.max(lengths.iter().copied().max().unwrap_or(0) as u64);
        wire.stage("forward")?;
        let mut waiting = batches(&lengths, self.budget);
        waiting.reverse();
        while let Some(batch) = waiting.pop() {
            let clock = Instant::now();
            let outcome = model.forward(encoded, &batch, Head::Sequence, &mut self.values);
            self.done.forward_seconds += clock.elapsed().as_secs_f64();
            let shape = match outcome {
                Err(e) if e.is_out_of_device_memory() && batch.len() > 1 => {
                    // The handle is intact: go on with half of what did not fit.
                    let tokens: usize = batch.iter().map(|&s| lengths[index(s)]).sum();
                    self.budget = (tokens as u64 / 2).max(1);
                    self.done.budget_halvings += 1;
                    let (first, second) = batch.split_at(batch.len() / 2);
                    waiting.extend([second.to_vec(), first.to_vec()]);
                    continue;
                }
                other => other?,
            };
            if shape.rows != batch.len() || shape.width == 0 {
                return Err(ServeError::Rule(format!(
                    "the plugin answered {} sequences with {} rows of {} logits",
                    batch.len(),
                    shape.rows,
                    shape.width
                )));
            }
            let tokens: usize = batch.iter().map(|&s| lengths[index(s)]).sum();
            self.done.tokens += tokens as u64;
            self.done.batches += 1;
            let examples = batch
                .iter()
                .map(|&s| narrow(first_example + index(s)))
                .collect::<Result<_, _>>()?;
            wire.event(Event::Logits {
                examples,
                width: narrow(shape.width)?,
                values: self.values[..shape.rows * shape.width].to_vec(),
                tokens: tokens as u64,
            })?;
        }
        Ok(())
    }
}

/// Indices of sequences come from `0..n` of this very module.
fn index(sequence: u64) -> usize {
    usize::try_from(sequence).unwrap_or(usize::MAX)
}

fn narrow(n: usize) -> Result<u32, ServeError> {
    u32::try_from(n).map_err(|_| ServeError::Rule(format!("{n} does not fit into 32 bits")))
}

/// Texts and pairs have no windows: sequence i is example i.
fn one_sequence_each(view: &EncodingView<'_>, n_examples: usize) -> Result<(), ServeError> {
    let fits = view.n_sequences() == n_examples
        && view.example.iter().enumerate().all(|(i, &e)| e as usize == i);
    if fits {
        return Ok(());
    }
    Err(ServeError::Rule(format!(
        "the plugin's tokeniser made {} sequences of {n_examples} texts, or not in their order",
        view.n_sequences()
    )))
}

/// Lets the kernel count the highest resident set anew. Where it does not, the peak is the process's.
fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The highest resident set in bytes (`VmHWM`).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_peak_of_this_process_is_known_on_linux() {
        if cfg!(target_os = "linux") {
            assert!(super::peak_memory().unwrap() > 1 << 20);
        }
    }
}
