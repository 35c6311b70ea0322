//! One query at a time, the next when the last is answered: latency.

use super::{Bench, STAGE, Timing};
use crate::worker::evaluate::Outlet as _;
use crate::worker::server::ServeError;
use std::time::Instant;

/// Answers query after query. What happens between an answer and the next query is not in the numbers.
pub(super) fn answer(bench: &mut Bench<'_>) -> Result<Timing, ServeError> {
    bench.answers.wire().stage(STAGE)?;
    let (mut seconds, mut latencies) = (0.0, Vec::new());
    let set = bench.set;
    while bench.goes_on(latencies.len() as u64, seconds) {
        let sample = bench.order.next();
        bench.answers.expect(&[sample]);
        let row = set.rows.examples.get(sample as usize).map(std::slice::from_ref);
        let clock = Instant::now();
        bench.answer(latencies.len(), row.unwrap_or_default())?;
        let latency = clock.elapsed().as_secs_f64();
        seconds += latency;
        latencies.push(latency as f32);
        bench.answers.tell(latencies.len())?;
    }
    Ok(Timing { seconds, latencies })
}
