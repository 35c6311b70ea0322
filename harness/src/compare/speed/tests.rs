use super::*;
use crate::compare::Tier;
use crate::record::BenchSide;
use crate::record::testing::bench;

fn rule(_: &CellKey, _: &str, measure: &str) -> Rule {
    let gates = measure != "tokens_per_second";
    Rule { tier: Tier::Supporting, gates, margin: 0.02, confidence: 0.95 }
}

/// A record with these values of a measure.
fn record(measure: &str, higher_is_better: bool, values: &[f64]) -> BenchRecord {
    let mut record = bench();
    record.measures.clear();
    record.measures.insert(measure.into(), Measure::new(values.to_vec(), higher_is_better));
    record
}

fn in_turns(mut base: BenchRecord, mut new: BenchRecord) -> Vec<SpeedComparison> {
    (base.pair, base.side) = (Some("aa".into()), Some(BenchSide::Base));
    (new.pair, new.side) = (Some("aa".into()), Some(BenchSide::New));
    // As they lie in a run: both in one directory.
    let both = [base, new];
    speeds(&both, &both, &rule)
}

/// Speeds of a machine that becomes slower and is disturbed now and then, and the same times a factor and some noise.
fn drifting(factor: f64) -> (Vec<f64>, Vec<f64>) {
    let noise = |round: usize, seed: f64| 1.0 + 0.004 * (round as f64 * seed).sin();
    let machine = |round: usize| 1000.0 * 0.97_f64.powi(round as i32);
    let base: Vec<f64> = (0..15).map(|round| machine(round) * noise(round, 7.3)).collect();
    let mut new: Vec<f64> =
        (0..15).map(|round| factor * machine(round) * noise(round, 3.1)).collect();
    // Somebody else had the machine.
    new[4] *= 0.4;
    (base, new)
}

#[test]
fn in_turns_a_small_loss_is_found_on_a_machine_that_drifts() {
    let of = |factor| {
        let (base, new) = drifting(factor);
        let measure = "end_to_end_rows_per_second";
        in_turns(record(measure, true, &base), record(measure, true, &new)).remove(0)
    };
    let slower = of(0.95);
    assert_eq!(slower.verdict, Verdict::Regression);
    assert!((slower.ratio - 0.95).abs() < 0.005, "{}", slower.ratio);
    assert_eq!((slower.test.as_deref(), slower.interleaved), (Some("signed_rank"), true));
    assert!(slower.differences.is_empty() && slower.notes.is_empty(), "{slower:?}");
    let (low, high) = (slower.ci_low.unwrap(), slower.ci_high.unwrap());
    assert!(low < slower.ratio && slower.ratio < high && high < 0.96, "{low} {high}");
    // Margin and noise: well below five percent, and above the margin.
    assert!((0.02..0.05).contains(&slower.minimum_detectable.unwrap()));
    assert_eq!(of(1.0).verdict, Verdict::Pass);
    assert_eq!(of(1.05).verdict, Verdict::Improvement);
}

#[test]
fn p_values_are_scipys() {
    let base = [100.0, 104.0, 98.0, 101.0, 97.0, 103.0, 99.0, 102.0];
    let new = [96.0, 99.3, 97.2, 94.0, 95.0, 96.5, 93.0, 101.4];
    let measure = "end_to_end_rows_per_second";
    let pair = in_turns(record(measure, true, &base), record(measure, true, &new)).remove(0);
    let close = |ours: Option<f64>, expected: f64| {
        let ours = ours.unwrap();
        assert!((ours - expected).abs() < 1e-9, "{ours} {expected}");
    };
    // scipy 1.17.1, with r = log(new / base):
    // wilcoxon(r, method="exact"), wilcoxon(r - log(0.98), alternative="less", method="exact"),
    // wilcoxon(r - log(1.02), alternative="greater", method="exact")
    close(pair.p_value, 0.007_812_5);
    close(pair.p_regression, 0.039_062_5);
    close(pair.p_improvement, 1.0);
    // mannwhitneyu(log(new), log(base), method="exact"),
    // mannwhitneyu(log(new) - log(0.98), log(base), alternative="less", method="exact")
    let (base, new) = (record(measure, true, &base), record(measure, true, &new));
    let apart = speeds(&[base], &[new], &rule).remove(0);
    close(apart.p_value, 0.014_763_014_763_014_764);
    close(apart.p_regression, 0.080_264_180_264_180_25);
    assert_eq!(apart.test.as_deref(), Some("rank_sum"));
    assert!(apart.notes[0].contains("not measured in turns"), "{:?}", apart.notes);
}

#[test]
fn of_latency_and_memory_more_is_worse() {
    let latency = |factor: f64| {
        let (base, new) = drifting(factor);
        let name = "latency_p50_seconds";
        in_turns(record(name, false, &base), record(name, false, &new)).remove(0).verdict
    };
    assert_eq!(latency(1.05), Verdict::Regression);
    assert_eq!(latency(0.95), Verdict::Improvement);
    // Memory that never varies: whatever is beyond the margin is seen, what is within is a pass.
    let memory = |new: f64| {
        let name = "peak_rss_bytes";
        in_turns(record(name, false, &[5e7; 8]), record(name, false, &[new; 8])).remove(0)
    };
    assert_eq!(memory(5e7).verdict, Verdict::Pass);
    assert_eq!(memory(5.05e7).verdict, Verdict::Pass, "one percent");
    assert_eq!(memory(5.5e7).verdict, Verdict::Regression);
    assert_eq!((memory(5e7).p_value, memory(5e7).ci_high), (Some(1.0), Some(1.0)));
    assert!((memory(5e7).minimum_detectable.unwrap() - 0.02).abs() < 1e-12);
}

#[test]
fn few_repetitions_say_little() {
    let name = "end_to_end_rows_per_second";
    let pair = |base: &[f64], new: &[f64]| {
        in_turns(record(name, true, base), record(name, true, new)).remove(0)
    };
    let one = pair(&[100.0], &[50.0]);
    assert_eq!((one.verdict, one.p_value, one.ratio), (Verdict::Inconclusive, None, 0.5));
    let four = pair(&[100.0, 101.0, 99.0, 100.5], &[50.0, 50.1, 50.2, 49.0]);
    assert_eq!((four.verdict, four.ci_low), (Verdict::Inconclusive, None), "p is 1/16 at least");
    assert!(in_turns(record(name, true, &[0.0; 6]), record(name, true, &[1.0; 6])).is_empty());
}

#[test]
fn records_are_joined_by_what_they_measured() {
    let name = "end_to_end_rows_per_second";
    let values = [100.0, 101.0, 99.0, 100.0, 102.0, 98.0];
    let of = |change: fn(&mut BenchRecord)| {
        let mut new = record(name, true, &values);
        change(&mut new);
        speeds(&[record(name, true, &values)], &[new], &rule)
    };
    assert!(of(|new| new.inputs.threads = 1).is_empty());
    assert!(of(|new| new.scenario = "server".into()).is_empty());
    assert!(of(|new| new.inputs.key.split = "test".into()).is_empty());
    assert!(of(|new| new.side = Some(BenchSide::Base)).is_empty(), "it is somebody's base");
    let plugin = of(|new| new.inputs.plugin.sha256 = "d".repeat(64)).remove(0);
    assert_eq!(plugin.differences[0].what, "plugin");
    assert_eq!(plugin.differences[0].effect, Effect::Expected);
    let settings = of(|new| new.settings["seconds"] = 1.0.into()).remove(0);
    assert_eq!(settings.differences[0].base, "seconds 5.0");
    let mut data = of(|new| new.inputs.data.sha256 = "d".repeat(64)).remove(0);
    assert_eq!((data.differences[0].effect, data.verdict), (Effect::Refuse, Verdict::Inconclusive));
    data.differences.clear();
    data.p_regression_adjusted = Some(0.001);
    assert_eq!(verdict(&data), Verdict::Regression);
}

#[test]
fn many_comparisons_are_corrected() {
    let values = |factor: f64| drifting(factor).1;
    let all = |factor: f64| {
        let mut record = record("end_to_end_rows_per_second", true, &values(factor));
        for name in ["latency_p50_seconds", "latency_p99_seconds"] {
            record.measures.insert(name.into(), Measure::new(values(1.0), false));
        }
        record.measures.insert("tokens_per_second".into(), Measure::new(values(factor), true));
        record
    };
    let mut compared = in_turns(all(1.0), all(0.97));
    adjust(&mut compared);
    let find = |name: &str| compared.iter().find(|c| c.measure == name).unwrap();
    let rows = find("end_to_end_rows_per_second");
    let p = rows.p_regression.unwrap();
    assert!(
        (rows.p_regression_adjusted.unwrap() - (3.0 * p).min(1.0)).abs() < 1e-12,
        "three decide"
    );
    let tokens = find("tokens_per_second");
    assert_eq!(tokens.p_regression_adjusted, tokens.p_regression, "it decides nothing");
}
