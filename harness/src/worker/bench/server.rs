//! Queries that arrive at random: latency under a load.

use super::{Bench, STAGE, Timing};
use crate::stats::Random;
use crate::worker::evaluate::Outlet as _;
use crate::worker::server::ServeError;
use std::time::{Duration, Instant};

/// The harness is told that all is well while nothing arrives.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Answers queries in the order of their arrival. Those that wait are taken together, about as many as the tokens of a
/// batch hold; the latency of a query is from its arrival, whether anybody looked then or not, to its answer.
pub(super) fn answer(bench: &mut Bench<'_>, rate: f64) -> Result<Timing, ServeError> {
    bench.answers.wire().stage(STAGE)?;
    let samples = bench.order.take(bench.request.queries.max(1));
    let rows = bench.set.examples(&samples);
    bench.answers.expect(&samples);
    let arrivals = arrivals(samples.len(), rate, bench.request.seed, bench.request.repetition);
    let clock = bench.answers.start_clock();
    let mut next = 0;
    while next < rows.len() {
        wait_until(bench, clock, arrivals[next], next)?;
        let now = clock.elapsed().as_secs_f64();
        let waiting = arrivals[next..].partition_point(|&arrival| arrival <= now);
        let last = next + waiting.clamp(1, room(bench, next));
        bench.answer(next, &rows[next..last])?;
        next = last;
        bench.answers.tell(next)?;
    }
    let seconds = clock.elapsed().as_secs_f64();
    let latency = |(answered, arrival): (&f64, &f64)| (answered - arrival) as f32;
    let latencies = bench.answers.answered_at.iter().zip(&arrivals).map(latency).collect();
    Ok(Timing { seconds, latencies })
}

/// How many queries a batch holds, by what the first `answered` ones had in tokens.
fn room(bench: &Bench<'_>, answered: usize) -> usize {
    let tokens = bench.run.done.tokens.max(1);
    let queries = bench.run.budget.saturating_mul(answered as u64) / tokens;
    usize::try_from(queries).unwrap_or(usize::MAX).max(1)
}

fn wait_until(
    bench: &mut Bench<'_>,
    clock: Instant,
    arrival: f64,
    answered: usize,
) -> Result<(), ServeError> {
    // Rates are checked by the harness; a time that is none is long ago.
    let arrival = Duration::try_from_secs_f64(arrival).unwrap_or_default();
    while let Some(left) = arrival.checked_sub(clock.elapsed()).filter(|left| !left.is_zero()) {
        std::thread::sleep(left.min(LONGEST_WAIT));
        bench.answers.tell(answered)?;
    }
    Ok(())
}

/// The seconds at which queries arrive: the first one at once, then with exponential gaps of mean `1 / rate`, by
/// inversion.
fn arrivals(count: usize, rate: f64, seed: u64, repetition: u64) -> Vec<f64> {
    // Not the stream that any order of rows is from.
    let mut random = Random::stream(!seed, repetition);
    let gaps = std::iter::repeat_with(|| -(1.0 - random.unit()).ln() / rate);
    let later = gaps.take(count.saturating_sub(1)).scan(0.0, |at, gap| {
        *at += gap;
        Some(*at)
    });
    std::iter::once(0.0).chain(later).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::arrivals;

    #[test]
    fn gaps_are_exponential() {
        let times = arrivals(20_001, 50.0, 1, 2);
        assert_eq!((times.len(), times[0]), (20_001, 0.0));
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / 20_000.0;
        // Mean and deviation of an exponential gap are both 1 / rate; four standard errors.
        assert!((mean - 0.02).abs() < 4.0 * 0.02 / 20_000_f64.sqrt(), "{mean}");
        // P(gap > 2 / rate) = e^-2.
        let long = gaps.iter().filter(|gap| **gap > 0.04).count() as f64 / 20_000.0;
        assert!((long - (-2.0_f64).exp()).abs() < 0.01, "{long}");
    }

    #[test]
    fn they_follow_from_the_seed() {
        assert_eq!(arrivals(9, 2.0, 1, 2), arrivals(9, 2.0, 1, 2));
        assert_ne!(arrivals(9, 2.0, 1, 2), arrivals(9, 2.0, 1, 3));
        assert!(arrivals(0, 2.0, 1, 2).is_empty());
    }
}
