//! Running a model on rows: tokenise a chunk, batch it by tokens, compute, send the logits home.

use super::batching::batches;
use super::chunks::{Chunk, chunks};
use super::encoding::CheckedEncoding;
use super::logits::select;
use super::memory;
use super::protocol::{self, EvaluateRequest, Evaluated, Event, Logits, RowInput};
use super::server::{ServeError, Wire};
use crate::plugin::{CallError, EncodeOptions, Encoded, Head, Model, Tokenizer};
use kobench_plugin_abi::LOG_WARN;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

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

/// Evaluates all rows. Tokenising and computing take turns, so that on a CPU each has all threads; beside a GPU
/// ([`EvaluateRequest::overlap`]) the next rows are tokenised while it computes. Each has a clock of its own.
pub(super) fn evaluate(
    request: &EvaluateRequest,
    tokenizer: &mut Tokenizer,
    model: &mut Model,
    wire: &Wire,
) -> Result<Evaluated, ServeError> {
    let started = Instant::now();
    memory::reset_peak();
    let mut home = Home(wire);
    let mut run = Run::new(request.head, request.batch_tokens);
    let rows = Rows {
        examples: &request.examples,
        options: options(request.encoding, request.head == Head::Span),
        overlap: request.overlap,
    };
    rows.pass(tokenizer, model, &mut run, &mut home)?;
    let mut done = run.done;
    done.budget = run.budget;
    done.total_seconds = started.elapsed().as_secs_f64();
    done.peak_rss_bytes = memory::peak();
    done.stats = model.stats()?.to_string();
    Ok(done)
}

/// Where the logits of each batch go.
pub(super) trait Outlet {
    /// Takes the logits of a batch of so many tokens.
    fn logits(&mut self, logits: Logits, tokens: u64) -> Result<(), ServeError>;

    /// The way to the harness for everything else.
    fn wire(&self) -> &Wire;
}

/// The harness gets them.
struct Home<'a>(&'a Wire);

impl Outlet for Home<'_> {
    fn logits(&mut self, logits: Logits, tokens: u64) -> Result<(), ServeError> {
        self.0.event(Event::Logits { logits, tokens })
    }

    fn wire(&self) -> &Wire {
        self.0
    }
}

/// What is evaluated.
pub(super) struct Rows<'a> {
    pub(super) examples: &'a [RowInput],
    pub(super) options: EncodeOptions,
    /// As [`EvaluateRequest::overlap`].
    pub(super) overlap: bool,
}

/// What came of tokenising some rows, and how many seconds it took.
type Tokenised = Result<(Encoded, f64), CallError>;

impl Rows<'_> {
    /// All rows through the model, once.
    pub(super) fn pass(
        &self,
        tokenizer: &mut Tokenizer,
        model: &mut Model,
        run: &mut Run,
        outlet: &mut dyn Outlet,
    ) -> Result<(), ServeError> {
        if self.overlap {
            self.overlapped(tokenizer, model, run, outlet)
        } else {
            self.in_turn(tokenizer, model, run, outlet)
        }
    }

    fn in_turn(
        &self,
        tokenizer: &mut Tokenizer,
        model: &mut Model,
        run: &mut Run,
        outlet: &mut dyn Outlet,
    ) -> Result<(), ServeError> {
        let wire = &outlet.wire().clone();
        for chunk in chunks(self.examples, false) {
            wire.stage("encode")?;
            let tokenised = encode(chunk, &self.options, tokenizer);
            run.chunk(chunk, tokenised, model, outlet, &|| wire.stage("forward"))?;
        }
        Ok(())
    }

    /// One thread tokenises, this one computes. At most one chunk waits between them.
    fn overlapped(
        &self,
        tokenizer: &mut Tokenizer,
        model: &mut Model,
        run: &mut Run,
        outlet: &mut dyn Outlet,
    ) -> Result<(), ServeError> {
        let wire = &outlet.wire().clone();
        let stages = Stages { wire, active: Mutex::default() };
        let stages = &stages;
        std::thread::scope(|scope| {
            let (sender, tokenised) = sync_channel(1);
            scope.spawn(move || {
                for chunk in chunks(self.examples, true) {
                    // A harness that is gone is noticed by the other thread too.
                    let _ = stages.enter(ENCODE);
                    let tokenised = encode(chunk, &self.options, tokenizer);
                    let _ = stages.leave(ENCODE);
                    let failed = tokenised.is_err();
                    // The other side is gone when it has failed.
                    if sender.send((chunk, tokenised)).is_err() || failed {
                        break;
                    }
                }
            });
            for (chunk, tokenised) in tokenised {
                run.chunk(chunk, tokenised, model, outlet, &|| stages.enter(FORWARD))?;
                stages.leave(FORWARD)?;
            }
            Ok(())
        })
    }
}

/// Tokenises some rows.
pub(super) fn encode(
    (_, rows): Chunk<'_>,
    options: &EncodeOptions,
    tokenizer: &mut Tokenizer,
) -> Tokenised {
    let views: Vec<_> = rows.iter().map(RowInput::view).collect();
    let clock = Instant::now();
    let encoded = tokenizer.encode(&views, options)?;
    Ok((encoded, clock.elapsed().as_secs_f64()))
}

/// The calls that are running, so that a worker that dies can be said to have been in them.
struct Stages<'a> {
    wire: &'a Wire,
    active: Mutex<[bool; 2]>,
}

const ENCODE: usize = 0;
const FORWARD: usize = 1;

impl Stages<'_> {
    fn enter(&self, call: usize) -> Result<(), ServeError> {
        self.set(call, true)
    }

    fn leave(&self, call: usize) -> Result<(), ServeError> {
        self.set(call, false)
    }

    fn set(&self, call: usize, is_active: bool) -> Result<(), ServeError> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active[call] = is_active;
        match *active {
            [true, true] => self.wire.stage("encode or forward"),
            [true, false] => self.wire.stage("encode"),
            [false, true] => self.wire.stage("forward"),
            [false, false] => Ok(()),
        }
    }
}

/// What goes on from chunk to chunk.
pub(super) struct Run {
    head: Head,
    /// Tokens a batch.
    pub(super) budget: u64,
    /// What was done so far; the seconds of all together are the caller's to fill in.
    pub(super) done: Evaluated,
    values: Vec<f32>,
}

impl Run {
    /// Nothing so far.
    pub(super) fn new(head: Head, batch_tokens: u64) -> Self {
        let (done, values) = (Evaluated::default(), Vec::new());
        Self { head, budget: batch_tokens.max(1), done, values }
    }

    /// Some rows that were tokenised, through the model. `enter` is told before it computes.
    pub(super) fn chunk(
        &mut self,
        (first_row, rows): Chunk<'_>,
        tokenised: Tokenised,
        model: &mut Model,
        outlet: &mut dyn Outlet,
        enter: &dyn Fn() -> Result<(), ServeError>,
    ) -> Result<(), ServeError> {
        // What is wrong with an encoding is the tokeniser's, wherever the model is by now.
        let blame = |error| outlet.wire().stage("encode").map_or_else(|gone| gone, |()| error);
        let (encoded, seconds) = tokenised.map_err(|error| blame(error.into()))?;
        self.done.tokenize_seconds += seconds;
        let encoding = CheckedEncoding::new(&encoded, rows, first_row).map_err(blame)?;
        enter()?;
        self.forward(&encoded, &encoding, model, outlet)
    }

    fn forward(
        &mut self,
        encoded: &Encoded,
        encoding: &CheckedEncoding<'_>,
        model: &mut Model,
        outlet: &mut dyn Outlet,
    ) -> Result<(), ServeError> {
        let lengths = self.count(encoding);
        let mut waiting = batches(&lengths, self.budget);
        waiting.reverse();
        while let Some(batch) = waiting.pop() {
            let sequences: Vec<usize> = batch.iter().map(|&s| index(s)).collect();
            let tokens = sequences.iter().map(|&s| lengths[s] as u64).sum::<u64>();
            if tokens > self.budget && batch.len() > 1 {
                // It was made before the budget was halved.
                waiting.extend(halves(&batch));
                continue;
            }
            let clock = Instant::now();
            let outcome = model.forward(encoded, &batch, self.head, &mut self.values);
            self.done.forward_seconds += clock.elapsed().as_secs_f64();
            let shape = match outcome {
                Err(e) if e.is_out_of_device_memory() && batch.len() > 1 => {
                    // The handle is intact: go on with half of what did not fit.
                    self.budget = (tokens / 2).max(1);
                    self.done.budget_halvings += 1;
                    let message = format!(
                        "device memory ran out at a batch of {tokens} tokens: from here on a batch has at most {}",
                        self.budget
                    );
                    outlet.wire().event(Event::Log { level: LOG_WARN, message })?;
                    waiting.extend(halves(&batch));
                    continue;
                }
                Err(e) if e.is_out_of_device_memory() => return Err(does_not_fit(e, tokens).into()),
                other => other?,
            };
            self.done.tokens += tokens;
            self.done.batches += 1;
            let values = &self.values[..shape.rows * shape.width];
            let logits = select(self.head, encoding, &sequences, shape, values)?;
            outlet.logits(logits, tokens)?;
        }
        Ok(())
    }

    /// The lengths of the sequences; what else the tokeniser said of them is counted.
    fn count(&mut self, encoding: &CheckedEncoding<'_>) -> Vec<usize> {
        let (view, done) = (&encoding.view, &mut self.done);
        let lengths: Vec<usize> = (0..view.n_sequences()).map(|s| view.len_of(s)).collect();
        let is_cut = |&s: &usize| encoding.is_first(s) && view.n_truncated[s] > 0;
        done.sequences += lengths.len() as u64;
        done.pairs += lengths.iter().map(|&n| (n as u64).pow(2)).sum::<u64>();
        done.truncated_rows += (0..lengths.len()).filter(is_cut).count() as u64;
        done.unknown_tokens += view.n_unknown.iter().map(|&n| u64::from(n)).sum::<u64>();
        done.max_len = done.max_len.max(lengths.iter().copied().max().unwrap_or(0) as u64);
        lengths
    }
}

/// The halves of a batch, the first one last: to be put on a stack.
fn halves(batch: &[u64]) -> [Vec<u64>; 2] {
    let (first, second) = batch.split_at(batch.len() / 2);
    [second.to_vec(), first.to_vec()]
}

/// One sequence is the least that there is.
fn does_not_fit(error: CallError, tokens: u64) -> CallError {
    let message = format!(
        "{}; one sequence of {tokens} tokens is more than the device's memory holds: try a smaller --max-seq-len, \
         --precision bf16 or --device cpu",
        error.message
    );
    CallError { message, ..error }
}

/// Indices of sequences come from `0..n` of this very module.
fn index(sequence: u64) -> usize {
    usize::try_from(sequence).unwrap_or(usize::MAX)
}
