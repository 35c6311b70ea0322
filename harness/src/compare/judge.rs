//! From p-values and intervals to verdicts.
//!
//! A number is a **regression** where it is worse by more than the margin, and an **improvement** where it is better by
//! more, each by a one-sided test at `1 - confidence`; it **passes** where neither holds and the bad end of its interval is
//! within the margin. What is left is **inconclusive**: the rows are too few. Over all metrics that decide, the p-values
//! are corrected by Holm's method, and over all speeds that decide likewise, so that the chance of any false
//! alarm among many cells stays at the level.

use super::policy::Correction;
use super::{CellComparison, Comparison, MetricComparison, Verdict, speed};
use crate::metrics::{Metric, POWER};
use crate::stats::holm;
use statrs::distribution::{ContinuousCDF, Normal};

/// Corrects the p-values of everything that decides, and says what each number, each cell and the whole come to.
pub(super) fn judge(comparison: &mut Comparison, correction: Correction) {
    let failed = |cell: &CellComparison| cell.reason.is_some();
    let cells = &mut comparison.cells;
    {
        let mut deciding: Vec<&mut MetricComparison> = cells
            .iter_mut()
            .flat_map(|cell| &mut cell.metrics)
            .filter(|metric| metric.gates)
            .collect();
        if correction == Correction::Holm {
            let adjusted = holm(&deciding.iter().map(|m| m.p_regression).collect::<Vec<_>>());
            deciding.iter_mut().zip(adjusted).for_each(|(m, p)| m.p_regression_adjusted = p);
            let adjusted = holm(&deciding.iter().map(|m| m.p_improvement).collect::<Vec<_>>());
            deciding.iter_mut().zip(adjusted).for_each(|(m, p)| m.p_improvement_adjusted = p);
            let tests = deciding.len();
            deciding.iter_mut().for_each(|metric| detectable_among(metric, tests));
        }
    }
    for cell in cells.iter_mut() {
        for metric in &mut cell.metrics {
            metric.verdict = of_metric(metric);
        }
        if !failed(cell) {
            let deciding = cell.metrics.iter().filter(|metric| metric.gates);
            cell.verdict = deciding.map(|metric| metric.verdict).max().unwrap_or(Verdict::Pass);
        }
    }
    if correction == Correction::Holm {
        speed::adjust(&mut comparison.speeds);
    }
    comparison.verdict = overall(comparison);
}

/// The smallest detectable loss, where the p-value may have to be smaller by the number of tests (the first step of Holm's
/// correction, and its strictest).
fn detectable_among(metric: &mut MetricComparison, tests: usize) {
    let normal = Normal::standard();
    let (level, power) = (1.0 - metric.confidence, normal.inverse_cdf(POWER));
    let errors = |level: f64| normal.inverse_cdf(1.0 - level) + power;
    let beyond = metric.minimum_detectable - metric.margin;
    let factor = errors(level / tests.max(1) as f64) / errors(level);
    metric.minimum_detectable = metric.margin + beyond * factor;
}

/// What a metric comes to.
fn of_metric(metric: &MetricComparison) -> Verdict {
    let is_loss = Metric::named(&metric.metric).is_some_and(|known| !known.higher_is_better());
    let loss = if is_loss { metric.ci_high } else { -metric.ci_low };
    of_numbers(
        (metric.p_regression_adjusted, metric.p_improvement_adjusted),
        1.0 - metric.confidence,
        loss <= metric.margin,
    )
}

fn of_numbers((worse, better): (f64, f64), level: f64, within_margin: bool) -> Verdict {
    if worse < level {
        Verdict::Regression
    } else if better < level {
        Verdict::Improvement
    } else if within_margin {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    }
}

/// The worst of all that decides: cells, speeds, and cells that are missing. A difference of the new cells alone is none.
fn overall(comparison: &Comparison) -> Verdict {
    let cells = comparison.cells.iter().map(|cell| cell.verdict);
    let speeds = comparison.speeds.iter().filter(|speed| speed.gates).map(|speed| speed.verdict);
    let missing = comparison.only_base.iter().map(|cell| cell.verdict);
    let refused = (!comparison.refused.is_empty()).then_some(Verdict::Inconclusive);
    cells.chain(speeds).chain(missing).chain(refused).max().unwrap_or(Verdict::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_judged_by_both_tests_and_the_interval() {
        let of = |worse, better, within| of_numbers((worse, better), 0.05, within);
        assert_eq!(of(0.01, 1.0, false), Verdict::Regression);
        assert_eq!(of(1.0, 0.01, true), Verdict::Improvement);
        assert_eq!(of(0.3, 0.9, true), Verdict::Pass);
        assert_eq!(of(0.3, 0.9, false), Verdict::Inconclusive);
        assert_eq!(of(0.05, 0.95, false), Verdict::Inconclusive);
    }

    #[test]
    fn the_worst_verdict_is_the_largest() {
        use Verdict::{Improvement, Inconclusive, Pass, Regression};
        assert_eq!([Pass, Regression, Improvement].iter().max(), Some(&Regression));
        assert_eq!([Pass, Inconclusive, Improvement].iter().max(), Some(&Inconclusive));
        assert_eq!([Pass, Improvement].iter().max(), Some(&Improvement));
    }
}
