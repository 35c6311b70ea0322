//! Measuring how fast the open model answers, after MLPerf's load generator (V. J. Reddi et al., "MLPerf Inference
//! Benchmark", arXiv:1911.02549): all queries at once, one after the other, or as they arrive.
//!
//! The rows come once; each measurement names a seed from which it draws them, so that two sides of a comparison answer
//! the same queries in the same order. Clocks run here, so that no socket is in the numbers.

mod answers;
mod call;
mod offline;
mod order;
mod request;
mod server;
mod single_stream;

pub use request::{BenchRequest, BenchRows, Benched, Traffic};

use super::evaluate::{Run, encode, options};
use super::memory;
use super::protocol::RowInput;
use super::server::{ServeError, Wire};
use crate::plugin::{EncodeOptions, Head, Model, Tokenizer};
use answers::Answers;
use order::Order;

/// Rows that queries are drawn from.
pub(super) struct BenchSet {
    rows: BenchRows,
    options: EncodeOptions,
}

impl BenchSet {
    /// Takes the rows, of which there must be some.
    pub(super) fn new(rows: BenchRows) -> Result<Self, ServeError> {
        if rows.examples.is_empty() {
            return Err(ServeError::Rule("there are no rows to draw queries from".into()));
        }
        let options = options(rows.encoding, rows.head == Head::Span);
        Ok(Self { rows, options })
    }

    /// The rows of some samples, for queries that are answered together.
    fn examples(&self, samples: &[u32]) -> Vec<RowInput> {
        samples.iter().filter_map(|&at| self.rows.examples.get(at as usize)).cloned().collect()
    }
}

/// What a scenario works with.
struct Bench<'a> {
    request: &'a BenchRequest,
    set: &'a BenchSet,
    order: Order,
    tokenizer: &'a mut Tokenizer,
    model: &'a mut Model,
    run: Run,
    answers: Answers<'a>,
}

/// The calls that a query makes the plugin do; telling the harness of each would be felt.
const STAGE: &str = "encode or forward";

impl Bench<'_> {
    /// Tokenises some queries and computes their answers. `first` is the number of the first one.
    fn answer(&mut self, first: usize, rows: &[RowInput]) -> Result<(), ServeError> {
        let chunk = (first, rows);
        let tokenised = encode(chunk, &self.set.options, self.tokenizer);
        self.run.chunk(chunk, tokenised, self.model, &mut self.answers, &|| Ok(()))
    }

    /// Whether there is more to do after so many queries and seconds.
    fn goes_on(&self, queries: u64, seconds: f64) -> bool {
        queries < self.request.queries.max(1) || seconds < self.request.min_seconds
    }
}

/// Answers queries as the request says.
pub(super) fn bench(
    request: &BenchRequest,
    set: &BenchSet,
    tokenizer: &mut Tokenizer,
    model: &mut Model,
    wire: &Wire,
) -> Result<Benched, ServeError> {
    let order = Order::new(set.rows.examples.len(), request.seed, request.repetition);
    let run = Run::new(set.rows.head, set.rows.batch_tokens);
    let answers = Answers::new(request.send_logits, wire);
    let mut bench = Bench { request, set, order, tokenizer, model, run, answers };
    // What the plugin counts begins here.
    bench.model.stats()?;
    memory::reset_peak();
    let timing = match request.traffic {
        Traffic::Offline => offline::answer(&mut bench)?,
        Traffic::SingleStream => single_stream::answer(&mut bench)?,
        Traffic::Server { rate } => server::answer(&mut bench, rate)?,
    };
    let mut done = bench.run.done;
    done.budget = bench.run.budget;
    done.total_seconds = timing.seconds;
    done.peak_rss_bytes = memory::peak();
    done.stats = bench.model.stats()?.to_string();
    Ok(Benched {
        queries: bench.order.drawn(),
        times_through: bench.order.times_through(),
        done,
        latencies: timing.latencies,
    })
}

/// How long a measurement took.
struct Timing {
    /// From the first query to the last answer, preparations left out.
    seconds: f64,
    /// For each query, in seconds; none offline.
    latencies: Vec<f32>,
}
