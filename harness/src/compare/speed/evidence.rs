//! The tests, the estimate and the interval behind a comparison of repetitions.

use statrs::distribution::{ContinuousCDF as _, Normal};

use super::Rule;
use crate::stats::{Estimate, Tails, centre, median, rank_sum, shift, signed_rank};

/// The power at which a minimum detectable loss is given.
const POWER: f64 = 0.8;

/// Which values are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worse {
    /// Lower ones: of a throughput.
    Lower,
    /// Higher ones: of a latency, of memory.
    Higher,
}

impl Worse {
    /// The logarithm of the ratio at which a value is worse by the margin.
    fn limit(self, margin: f64) -> f64 {
        match self {
            Self::Lower => (1.0 - margin).ln(),
            Self::Higher => (1.0 + margin).ln(),
        }
    }

    /// The logarithm of the ratio at which it is better by the margin.
    fn gain(self, margin: f64) -> f64 {
        match self {
            Self::Lower => (1.0 + margin).ln(),
            Self::Higher => (1.0 - margin).ln(),
        }
    }

    /// p-values of being worse than `limit` and better than `gain`, by the tests at each.
    fn pick(self, at_limit: Tails, at_gain: Tails) -> (f64, f64) {
        match self {
            Self::Lower => (at_limit.less, at_gain.greater),
            Self::Higher => (at_limit.greater, at_gain.less),
        }
    }
}

/// p-values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tests {
    /// Two-sided, of no difference.
    pub(super) p_value: f64,
    /// One-sided, of not being worse than the margin allows.
    pub(super) p_regression: f64,
    /// One-sided, of not being better than the margin.
    pub(super) p_improvement: f64,
}

/// What repetitions say of `new / base`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    pub(super) ratio: f64,
    pub(super) interval: Option<(f64, f64)>,
    /// None where a side has a single value, or two that were not measured in turns.
    pub(super) tests: Option<Tests>,
    /// As a fraction of the base's value, margin included.
    pub(super) minimum_detectable: Option<f64>,
}

impl Evidence {
    /// None where a value is missing, or has no logarithm.
    pub(super) fn new(
        base: &[f64],
        new: &[f64],
        in_turns: bool,
        worse: Worse,
        rule: Rule,
    ) -> Option<Self> {
        let has_logarithm = |value: &f64| *value > 0.0 && value.is_finite();
        let values = || base.iter().chain(new);
        if base.is_empty() || new.is_empty() || !values().all(has_logarithm) {
            return None;
        }
        if base.len() == 1 || new.len() == 1 {
            let ratio = median(new) / median(base);
            return Some(Self { ratio, interval: None, tests: None, minimum_detectable: None });
        }
        let (base, new) = (logarithms(base), logarithms(new));
        let (limit, gain) = (worse.limit(rule.margin), worse.gain(rule.margin));
        let (estimate, none, at_limit, at_gain) = if in_turns {
            let ratios: Vec<f64> = new.iter().zip(&base).map(|(new, base)| new - base).collect();
            let test = |at: f64| signed_rank(&ratios, at);
            (centre(&ratios, rule.confidence), test(0.0), test(limit), test(gain))
        } else {
            let test = |at: f64| rank_sum(&base, &new, -at);
            (shift(&base, &new, rule.confidence), test(0.0), test(limit), test(gain))
        };
        let (p_regression, p_improvement) = worse.pick(at_limit, at_gain);
        Some(Self {
            ratio: estimate.value.exp(),
            interval: estimate.interval.map(|(low, high)| (low.exp(), high.exp())),
            tests: Some(Tests { p_value: none.two_sided(), p_regression, p_improvement }),
            minimum_detectable: minimum_detectable(&estimate, worse, rule),
        })
    }
}

fn logarithms(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.ln()).collect()
}

/// The smallest true loss that would be called a regression with a probability of 80%: the margin, and beyond it
/// `(z_confidence + z_80%)` standard errors of the logarithm of the ratio. The standard error is taken from the
/// interval, whose half width is `z_(1 + confidence)/2` of them where estimates are about normal.
fn minimum_detectable(estimate: &Estimate, worse: Worse, rule: Rule) -> Option<f64> {
    let (low, high) = estimate.interval?;
    let z = |p: f64| Normal::standard().inverse_cdf(p);
    let error = (high - low) / 2.0 / z(f64::midpoint(1.0, rule.confidence));
    let beyond = (z(rule.confidence) + z(POWER)) * error;
    Some(match worse {
        Worse::Lower => 1.0 - (worse.limit(rule.margin) - beyond).exp(),
        Worse::Higher => (worse.limit(rule.margin) + beyond).exp() - 1.0,
    })
}
