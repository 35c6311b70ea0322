//! Two measurements of speed, latency or memory: is the new one worse?
//!
//! Everything is computed on logarithms, so that ratios come out. Repetitions that were measured in turns are compared
//! in pairs: the signed-rank test on the logarithm of `new / base` of each round, with the Hodges-Lehmann estimate and
//! its interval. A round that something else on the machine disturbed counts by its rank alone, however slow it was.
//! Without pairs it is the rank-sum test, which cannot know whether the machine was the same for both, and a note says
//! so.

mod differences;
mod evidence;
mod join;

use super::{Effect, Rule, SpeedComparison, Spread, Verdict};
use crate::record::{BenchRecord, CellKey, Measure};
use crate::stats::holm;
use differences::differences;
use evidence::{Evidence, Worse};
use join::{Joined, join};

/// Compares what both have measured: every measure of every scenario of every cell, in the order of the new records.
/// `rule` says how a measure of a scenario of a cell is judged. p-values are not adjusted for being many yet: see
/// [`adjust`] and [`verdict`].
pub(crate) fn speeds(
    base: &[BenchRecord],
    new: &[BenchRecord],
    rule: &dyn Fn(&CellKey, &str, &str) -> Rule,
) -> Vec<SpeedComparison> {
    let joined = join(base, new);
    joined.iter().flat_map(|joined| measures(joined, rule)).collect()
}

fn measures(
    joined: &Joined<'_>,
    rule: &dyn Fn(&CellKey, &str, &str) -> Rule,
) -> Vec<SpeedComparison> {
    let Joined { base, new, is_pair } = *joined;
    let key = &new.inputs.key;
    let differences = differences(base, new);
    let notes = notes(joined);
    let both = new.measures.iter().filter_map(|(name, of_new)| {
        let of_base = base.measures.get(name)?;
        let rule = rule(key, &new.scenario, name);
        let worse = if of_new.higher_is_better { Worse::Lower } else { Worse::Higher };
        let in_turns = is_pair && of_base.values.len() == of_new.values.len();
        let evidence = Evidence::new(&of_base.values, &of_new.values, in_turns, worse, rule)?;
        let mut comparison = SpeedComparison {
            key: key.clone(),
            label: key.label(),
            scenario: new.scenario.clone(),
            measure: name.clone(),
            higher_is_better: of_new.higher_is_better,
            tier: rule.tier,
            gates: rule.gates,
            base: spread(of_base),
            new: spread(of_new),
            ratio: evidence.ratio,
            ci_low: evidence.interval.map(|(low, _)| low),
            ci_high: evidence.interval.map(|(_, high)| high),
            confidence: rule.confidence,
            interleaved: in_turns,
            p_value: evidence.tests.map(|tests| tests.p_value),
            test: evidence
                .tests
                .map(|_| (if in_turns { "signed_rank" } else { "rank_sum" }).into()),
            p_regression: evidence.tests.map(|tests| tests.p_regression),
            p_regression_adjusted: evidence.tests.map(|tests| tests.p_regression),
            p_improvement: evidence.tests.map(|tests| tests.p_improvement),
            p_improvement_adjusted: evidence.tests.map(|tests| tests.p_improvement),
            margin: rule.margin,
            minimum_detectable: evidence.minimum_detectable,
            differences: differences.clone(),
            notes: notes.clone(),
            verdict: Verdict::Inconclusive,
        };
        comparison.verdict = verdict(&comparison);
        Some(comparison)
    });
    both.collect()
}

fn spread(measure: &Measure) -> Spread {
    Spread {
        value: measure.median,
        ci_low: measure.ci_low,
        ci_high: measure.ci_high,
        repetitions: measure.values.len() as u64,
    }
}

fn notes(joined: &Joined<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if !joined.is_pair {
        notes.push(
            "the two were not measured in turns: what else the machine did may be the difference (`kobench bench \
             --against` measures in turns)"
                .to_owned(),
        );
    }
    for (side, record) in [("base", joined.base), ("new", joined.new)] {
        notes.extend(record.warnings.iter().map(|warning| format!("{side}: {warning}")));
    }
    notes
}

/// The verdict of a comparison by its adjusted p-values, its interval and its margin: a regression (or an improvement)
/// where the hypothesis of none is rejected; a pass where the interval ends within the margin; else inconclusive, as is
/// what cannot be compared, or has no repetitions.
pub(crate) fn verdict(comparison: &SpeedComparison) -> Verdict {
    if comparison.differences.iter().any(|difference| difference.effect == Effect::Refuse) {
        return Verdict::Inconclusive;
    }
    let alpha = 1.0 - comparison.confidence;
    let rejects = |p: Option<f64>| p.is_some_and(|p| p < alpha);
    if rejects(comparison.p_regression_adjusted) {
        return Verdict::Regression;
    }
    if rejects(comparison.p_improvement_adjusted) {
        return Verdict::Improvement;
    }
    let margin = comparison.margin;
    let within = if comparison.higher_is_better {
        comparison.ci_low.is_some_and(|low| low >= 1.0 - margin)
    } else {
        comparison.ci_high.is_some_and(|high| high <= 1.0 + margin)
    };
    if within { Verdict::Pass } else { Verdict::Inconclusive }
}

/// Holm's correction over all that take part in the verdict, and the verdicts after it.
pub(crate) fn adjust(comparisons: &mut [SpeedComparison]) {
    let mut gating: Vec<&mut SpeedComparison> =
        comparisons.iter_mut().filter(|c| c.gates && c.p_regression.is_some()).collect();
    let of = |pick: fn(&SpeedComparison) -> Option<f64>, all: &[&mut SpeedComparison]| {
        holm(&all.iter().map(|c| pick(c).unwrap_or(1.0)).collect::<Vec<_>>())
    };
    let regression = of(|c| c.p_regression, &gating);
    let improvement = of(|c| c.p_improvement, &gating);
    for ((comparison, regression), improvement) in
        gating.iter_mut().zip(regression).zip(improvement)
    {
        comparison.p_regression_adjusted = Some(regression);
        comparison.p_improvement_adjusted = Some(improvement);
        comparison.verdict = verdict(comparison);
    }
}

#[cfg(test)]
mod tests;
