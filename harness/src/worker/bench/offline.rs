//! All queries at once: throughput.

use super::{Bench, Timing};
use crate::worker::evaluate::Rows;
use crate::worker::server::ServeError;
use std::time::Instant;

/// What is added where the first queries were too quickly answered: as many as should be missing, and a little more.
const SLACK: f64 = 1.1;

/// Answers all queries as an evaluation does: in portions that are tokenised at once, in batches by tokens, longest
/// first. Where that was too short, more queries follow in the same way.
pub(super) fn answer(bench: &mut Bench<'_>) -> Result<Timing, ServeError> {
    let mut seconds = 0.0;
    let mut next = bench.request.queries.max(1);
    loop {
        let samples = bench.order.take(next);
        let examples = bench.set.examples(&samples);
        // Each pass counts its queries from 0.
        bench.answers.begin(&samples);
        let rows = Rows {
            examples: &examples,
            options: bench.set.options.clone(),
            overlap: bench.set.rows.overlap,
        };
        let clock = Instant::now();
        rows.pass(bench.tokenizer, bench.model, &mut bench.run, &mut bench.answers)?;
        seconds += clock.elapsed().as_secs_f64();
        let done = bench.order.drawn();
        if !bench.goes_on(done, seconds) {
            return Ok(Timing { seconds, latencies: Vec::new() });
        }
        let missing = (bench.request.min_seconds - seconds) * done as f64 / seconds.max(1e-6);
        next = (SLACK * missing).ceil().clamp(1.0, done as f64) as u64;
    }
}
