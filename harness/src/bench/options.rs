//! What a measurement is asked for.

use crate::record::BenchSide;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// How queries come; the names are MLPerf's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// All at once: throughput.
    Offline,
    /// The next one when the last one is answered: latency.
    SingleStream,
    /// At random, so many a second: latency under a load.
    Server,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Offline, Self::SingleStream, Self::Server];

    /// Its name in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::SingleStream => "single-stream",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scenario| scenario.name() == text);
        found.ok_or_else(|| "the scenarios are offline, single-stream, server".to_owned())
    }
}

/// What a measurement is asked for, besides the models and tasks, which a plan has.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchOptions {
    /// In this order.
    pub scenarios: Vec<Scenario>,
    /// How often each is measured.
    pub repetitions: u32,
    /// How long a repetition lasts, in seconds: at least, where one side is measured; about, where two are, for both
    /// answer the same queries.
    pub seconds: f64,
    /// Queries of a repetition at least.
    pub min_queries: u64,
    /// Seconds before the first repetition that do not count.
    pub warmup_seconds: f64,
    /// Queries a second of a server; none: [`SERVER_LOAD`] of what the warm-up reached offline.
    pub rate: Option<f64>,
    /// The latency that a server's queries should keep, in seconds.
    pub latency_bound: Option<f64>,
    /// Tokens a batch, where the user said how many.
    pub batch_tokens: Option<u64>,
    /// Turns of each side in a round of a pair.
    pub turns: u32,
    /// Measure all rounds of a pair in the same two processes.
    pub keep_open: bool,
    /// What the order of rows and sides, and times of arrival, follow from.
    pub seed: u64,
}

/// The part of its offline throughput that a server is loaded with, where nothing else is asked for: the queue is
/// short, and a model that became a tenth slower still keeps up.
pub const SERVER_LOAD: f64 = 0.5;

impl BenchOptions {
    /// The settings as records have them. What has no meaning in a scenario is null.
    pub fn settings(&self, scenario: Scenario) -> Value {
        let server = |value: Option<f64>| value.filter(|_| scenario == Scenario::Server);
        json!({
            "repetitions": self.repetitions, "seconds": self.seconds, "min_queries": self.min_queries,
            "warmup_seconds": self.warmup_seconds, "turns": self.turns, "keep_open": self.keep_open, "rate": server(self.rate),
            "latency_bound_seconds": server(self.latency_bound), "batch_tokens": self.batch_tokens,
            "seed": self.seed
        })
    }
}

/// Which of two sides goes first in a turn. Of two turns that follow each other one begins with either side, which
/// one is drawn: whatever changes slowly falls on both, and nothing that comes at regular times falls on one.
pub(super) fn first_side(seed: u64, turn: u64) -> BenchSide {
    let drawn = crate::stats::Random::stream(seed.rotate_left(32), turn / 2).bits() & 1;
    if (drawn + turn).is_multiple_of(2) { BenchSide::Base } else { BenchSide::New }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_two_turns_begin_with_either_side() {
        let first: Vec<BenchSide> = (0..200).map(|turn| first_side(5, turn)).collect();
        let (pairs, rest) = first.as_chunks::<2>();
        assert!(rest.is_empty() && pairs.iter().all(|[a, b]| a != b));
        let base_first = pairs.iter().filter(|[a, _]| *a == BenchSide::Base).count();
        // 100 draws; five deviations.
        assert!((25..=75).contains(&base_first), "{base_first}");
    }

    #[test]
    fn scenarios_are_known_by_their_names() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        assert!("multistream".parse::<Scenario>().unwrap_err().contains("single-stream"));
    }
}
