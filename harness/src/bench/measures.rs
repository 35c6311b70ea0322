//! From one repetition to its measures, and from all repetitions to what a record has.

use super::Scenario;
use crate::gpu::{DeviceStats, Work, utilisation};
use crate::record::{CellInputs, Measure};
use crate::stats::{mean, median};
use crate::worker::Benched;
use std::collections::BTreeMap;

/// Percentiles: their measures, which part of the queries they leave above, and how many queries they need, which is so
/// many that one is above.
const PERCENTILES: [(&str, f64, usize); 4] = [
    ("latency_p50_seconds", 0.5, 2),
    ("latency_p90_seconds", 0.9, 10),
    ("latency_p99_seconds", 0.99, 100),
    ("latency_p99_9_seconds", 0.999, 1000),
];

/// Measures of which a larger value is a better one.
const HIGHER: [&str; 6] = [
    "rows_per_second",
    "tokens_per_second",
    "end_to_end_rows_per_second",
    "queries_per_second",
    "share_within_bound",
    "mfu",
];

/// The measure by which a scenario is known, and its repetitions are held against each other.
pub fn main_measure(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::Offline => "end_to_end_rows_per_second",
        Scenario::SingleStream | Scenario::Server => "latency_p50_seconds",
    }
}

/// Whether a measure decides a comparison, unless somebody says otherwise.
pub fn gates(scenario: &str, measure: &str) -> bool {
    match measure {
        "end_to_end_rows_per_second" => scenario == Scenario::Offline.name(),
        "latency_p50_seconds" | "latency_p99_seconds" => true,
        _ => is_memory(measure),
    }
}

/// Whether a measure is an amount of memory.
pub fn is_memory(measure: &str) -> bool {
    measure.ends_with("_bytes")
}

/// The measures of one repetition from those of its turns: latencies over the queries of all turns, the largest of
/// peaks, and of everything else the median of the turns, so that what else the machine does in one of them is not felt.
pub(super) fn of_turns(
    turns: &[Benched],
    scenario: Scenario,
    inputs: &CellInputs,
    bound: Option<f64>,
    energies: &[Option<f64>],
) -> BTreeMap<&'static str, f64> {
    let each = turns.iter().zip(energies);
    let each: Vec<_> = each.map(|(turn, energy)| of(turn, scenario, inputs, *energy)).collect();
    let mut all = BTreeMap::new();
    for name in each.iter().flat_map(BTreeMap::keys).copied() {
        let values: Vec<f64> = each.iter().filter_map(|turn| turn.get(name).copied()).collect();
        let largest = values.iter().copied().fold(0.0, f64::max);
        all.insert(name, if is_memory(name) { largest } else { median(&values) });
    }
    let latencies = turns.iter().flat_map(|turn| &turn.latencies);
    put_latencies(latencies.map(|&seconds| f64::from(seconds)).collect(), bound, &mut all);
    all
}

/// The measures of one turn but for its latencies, by name. What cannot be said is not there.
fn of(
    benched: &Benched,
    scenario: Scenario,
    inputs: &CellInputs,
    energy_joules: Option<f64>,
) -> BTreeMap<&'static str, f64> {
    let done = &benched.done;
    let stats = DeviceStats::read(&done.stats);
    let queries = benched.queries as f64;
    let mut measures = BTreeMap::new();
    let mut put = |name: &'static str, value: Option<f64>| {
        // A clock that stood still has measured nothing.
        measures.extend(value.filter(|value| value.is_finite()).map(|value| (name, value)));
    };
    put("tokenize_seconds_per_row", Some(done.tokenize_seconds / queries));
    put("forward_seconds_per_row", Some(done.forward_seconds / queries));
    put("rows_per_second", Some(queries / done.forward_seconds));
    put("tokens_per_second", Some(done.tokens as f64 / done.forward_seconds));
    match scenario {
        Scenario::Server => put("queries_per_second", Some(queries / done.total_seconds)),
        _ => put("end_to_end_rows_per_second", Some(queries / done.total_seconds)),
    }
    put("peak_rss_bytes", done.peak_rss_bytes.map(|bytes| bytes as f64));
    put("peak_device_bytes", stats.peak_bytes.map(|bytes| bytes as f64));
    put("energy_joules_per_row", energy_joules.map(|joules| joules / queries));
    let work = Work { sequences: done.sequences, tokens: done.tokens, pairs: done.pairs };
    // Of CPUs no peak is known.
    if inputs.device != "cpu" {
        put("mfu", utilisation(&stats, &inputs.precision, (work, 1.0), done.forward_seconds));
    }
    measures
}

/// What latencies come to, and how many of them keep a bound.
fn put_latencies(
    mut latencies: Vec<f64>,
    bound: Option<f64>,
    measures: &mut BTreeMap<&'static str, f64>,
) {
    latencies.sort_by(f64::total_cmp);
    for (name, part, least) in PERCENTILES {
        let value = (latencies.len() >= least).then(|| percentile(&latencies, part)).flatten();
        measures.extend(value.map(|value| (name, value)));
    }
    if latencies.is_empty() {
        return;
    }
    measures.insert("latency_mean_seconds", mean(&latencies));
    if let Some(bound) = bound {
        let within = latencies.partition_point(|&latency| latency <= bound);
        measures.insert("share_within_bound", within as f64 / latencies.len() as f64);
    }
}

/// The value below which a part of sorted values lies, as MLPerf's load generator has it: the one with index
/// `floor(part * n)` from 0, which was measured itself and is never between two (mlcommons/inference, loadgen/results.cc).
fn percentile(sorted: &[f64], part: f64) -> Option<f64> {
    let index = (part * sorted.len() as f64).floor() as usize;
    sorted.get(index.min(sorted.len().checked_sub(1)?)).copied()
}

/// The measures of all repetitions; one that a repetition lacks is left out.
pub(super) fn collect(repetitions: &[BTreeMap<&'static str, f64>]) -> BTreeMap<String, Measure> {
    let Some(first) = repetitions.first() else { return BTreeMap::new() };
    let of = |name: &'static str| {
        let values: Option<Vec<f64>> = repetitions.iter().map(|r| r.get(name).copied()).collect();
        Some((name.to_owned(), Measure::new(values?, HIGHER.contains(&name))))
    };
    first.keys().filter_map(|name| of(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::inputs;
    use crate::worker::Evaluated;

    fn benched(latencies: &[f32], queries: u64) -> Benched {
        let done = Evaluated {
            tokens: 10 * queries,
            tokenize_seconds: 0.5,
            forward_seconds: 2.0,
            total_seconds: 4.0,
            peak_rss_bytes: Some(1 << 20),
            stats: "{}".into(),
            ..Evaluated::default()
        };
        Benched { queries, times_through: 1, done, latencies: latencies.to_vec() }
    }

    /// A repetition of one turn.
    fn of(
        turn: &Benched,
        scenario: Scenario,
        inputs: &CellInputs,
        bound: Option<f64>,
        energy: Option<f64>,
    ) -> BTreeMap<&'static str, f64> {
        of_turns(std::slice::from_ref(turn), scenario, inputs, bound, &[energy])
    }

    #[test]
    fn offline_has_rates_and_no_latencies() {
        let measures = of(&benched(&[], 100), Scenario::Offline, &inputs(), Some(0.1), Some(50.0));
        assert_eq!(measures["rows_per_second"], 50.0);
        assert_eq!(measures["tokens_per_second"], 500.0);
        assert_eq!(measures["end_to_end_rows_per_second"], 25.0);
        assert_eq!(measures["tokenize_seconds_per_row"], 0.005);
        assert_eq!(measures["energy_joules_per_row"], 0.5);
        assert_eq!(measures["peak_rss_bytes"], 1_048_576.0);
        assert!(!measures.keys().any(|name| name.starts_with("latency") || *name == "mfu"));
    }

    #[test]
    fn percentiles_are_the_load_generators_and_need_enough_queries() {
        // 1 to 200 milliseconds, in some order.
        let latencies: Vec<f32> =
            (0..200_u16).map(|i| f32::from(i * 77 % 200 + 1) / 1000.0).collect();
        let server = Scenario::Server;
        let measures = of(&benched(&latencies, 200), server, &inputs(), Some(0.0505), None);
        let milliseconds = |name: &str| (1000.0 * measures[name]).round();
        // Indices 100, 180 and 198 from 0.
        assert_eq!(milliseconds("latency_p50_seconds"), 101.0);
        assert_eq!(milliseconds("latency_p90_seconds"), 181.0);
        assert_eq!(milliseconds("latency_p99_seconds"), 199.0);
        assert!(!measures.contains_key("latency_p99_9_seconds"), "of 200 queries");
        assert!((measures["latency_mean_seconds"] - 0.1005).abs() < 1e-6);
        assert_eq!(measures["share_within_bound"], 0.25);
        assert_eq!(measures["queries_per_second"], 50.0);
        let few = of(&benched(&latencies[..9], 9), server, &inputs(), None, None);
        assert!(
            few.contains_key("latency_p50_seconds") && !few.contains_key("latency_p90_seconds")
        );
        let many: Vec<f32> = (0..1000_u16).map(f32::from).collect();
        let many = of(&benched(&many, 1000), server, &inputs(), None, None);
        assert_eq!(many["latency_p99_9_seconds"], 999.0);
    }

    #[test]
    fn of_turns_the_middle_one_counts_and_all_of_their_queries() {
        let turn = |turn: u16| benched(&[f32::from(turn); 40], 40);
        let mut turns: Vec<Benched> = (1..=3).map(turn).collect();
        // Somebody else had the machine.
        turns[1].done.total_seconds = 400.0;
        turns[2].done.peak_rss_bytes = Some(1 << 21);
        let measures = of_turns(&turns, Scenario::SingleStream, &inputs(), Some(1.5), &[None; 3]);
        assert_eq!(measures["end_to_end_rows_per_second"], 10.0);
        assert_eq!(measures["peak_rss_bytes"], 2_097_152.0);
        // Of 120 queries, which are enough for a 99th percentile; 40 are not.
        assert_eq!((measures["latency_p50_seconds"], measures["latency_p99_seconds"]), (2.0, 3.0));
        assert!((measures["share_within_bound"] - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_a_repetition_lacks_is_left_out_of_all() {
        let all = [
            BTreeMap::from([("mfu", 0.5), ("peak_rss_bytes", 7.0)]),
            BTreeMap::from([("peak_rss_bytes", 9.0)]),
        ];
        let collected = collect(&all);
        assert_eq!(collected.len(), 1);
        let memory = &collected["peak_rss_bytes"];
        assert_eq!((memory.median, memory.ci_low, memory.higher_is_better), (8.0, None, false));
        assert!(collect(&[]).is_empty());
    }
}
