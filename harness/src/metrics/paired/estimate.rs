//! The difference of two systems with its interval and its p-values.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{Paired, Sums};
use crate::stats::{
    OneSided, Weighted, bonett_price, bootstrap, mcnemar_mid_p, mean, paired_permutation,
};

/// Resamples of a bootstrap.
const RESAMPLES: u32 = 2000;
/// The work of a bootstrap at most, in draws of one unit: some 15 ms. Beyond, there are so many units that the normal
/// interval is as good.
const MOST_WORK: u64 = 10_000_000;
/// Exchanges of a permutation test at most.
const EXCHANGES: u64 = 10_000;

/// How far two systems are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The base's value.
    pub base: f64,
    /// The new system's value.
    pub new: f64,
    /// Lower end of the interval of the difference.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How the interval was made.
    pub interval: IntervalMethod,
    /// The standard error that the interval stands for.
    pub standard_error: f64,
    /// p-values of no difference; their `lower` and `upper` are about values, not about what is better.
    pub p: OneSided,
    /// How they were computed.
    pub test: TestMethod,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Percentiles over resampled units, the same for both systems.
    PairedBootstrap,
    /// The normal distribution around the difference, with the standard error of its first-order expansion.
    Linearised,
    /// Bonett and Price's for the difference of two proportions.
    BonettPrice,
    /// No prediction differs.
    Identical,
}

/// How p-values were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestMethod {
    /// McNemar's, mid-p.
    McnemarMidP,
    /// Paired permutation, mid-p.
    Permutation,
    /// No prediction differs.
    Identical,
}

impl IntervalMethod {
    /// As records have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PairedBootstrap => "paired_bootstrap",
            Self::Linearised => "linearised",
            Self::BonettPrice => "bonett_price",
            Self::Identical => "identical",
        }
    }
}

impl TestMethod {
    /// As records have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::McnemarMidP => "mcnemar_mid_p",
            Self::Permutation => "permutation",
            Self::Identical => "identical",
        }
    }
}

impl Estimate {
    /// The new value less the base's.
    pub fn difference(&self) -> f64 {
        self.new - self.base
    }

    /// One-sided p-values of a difference that is `margin` or more in the direction of either side: `lower` is small where
    /// the difference lies below `-margin`, `upper` where it lies above `margin`. Without a margin these are the test's;
    /// with one, the larger of the test's and the normal distribution's, by the interval's standard error.
    pub fn beyond(&self, margin: f64) -> OneSided {
        if margin <= 0.0 || self.standard_error <= 0.0 {
            // Without an error, the difference is beyond the margin or not.
            let within = self.difference().abs() <= margin;
            return if within && margin > 0.0 {
                OneSided { lower: 1.0, upper: 1.0 }
            } else {
                self.p
            };
        }
        let normal = Normal::standard();
        let at = |distance: f64| normal.cdf(distance / self.standard_error);
        OneSided {
            lower: self.p.lower.max(at(self.difference() + margin)),
            upper: self.p.upper.max(at(margin - self.difference())),
        }
    }
}

/// The power at which the smallest detectable difference is stated.
pub const POWER: f64 = 0.8;

impl Estimate {
    /// The smallest true difference that a one-sided test at `level` calls one beyond `margin` with a probability of
    /// [`POWER`]: `margin + (z(1 - level) + z(power)) * standard error`, with the standard error of at least one
    /// disagreement in either direction among `units`.
    pub fn minimum_detectable(&self, margin: f64, level: f64, units: usize) -> f64 {
        let normal = Normal::standard();
        let least = 2.0_f64.sqrt() / (units as f64).max(1.0);
        let quantiles = normal.inverse_cdf(1.0 - level) + normal.inverse_cdf(POWER);
        margin + quantiles * self.standard_error.max(least)
    }
}

impl Paired {
    /// The p-values of no difference. The same seed gives the same numbers.
    pub fn test(&self, seed: u64) -> (OneSided, TestMethod) {
        if let Some([broken, fixed, _]) = self.sums.proportion {
            return (mcnemar_mid_p(broken, fixed), TestMethod::McnemarMidP);
        }
        let disagreements = self.sums.joint.disagreements();
        if disagreements.is_empty() {
            return (OneSided::NONE, TestMethod::Identical);
        }
        let total = self.sums.joint.total();
        let (base, new) = total.split_at(self.sums.width);
        let difference = |base: &[f64], new: &[f64]| self.sums.of(new) - self.sums.of(base);
        let tested = paired_permutation(&disagreements, [base, new], difference, seed, EXCHANGES);
        (tested.p, TestMethod::Permutation)
    }

    /// The difference, with an interval of this confidence. The same seed gives the same numbers.
    pub fn estimate(&self, confidence: f64, seed: u64) -> Estimate {
        let sums = &self.sums;
        let [base, new] = self.values();
        let (p, test) = self.test(seed);
        let tail = (1.0 - confidence) / 2.0;
        let quantile = Normal::standard().inverse_cdf(1.0 - tail);
        let difference = new - base;
        let (low, high, standard_error, interval) = match sums.proportion {
            _ if sums.joint.disagreements().is_empty() => {
                (0.0, 0.0, 0.0, IntervalMethod::Identical)
            }
            Some([broken, fixed, n]) => {
                let (centre, error) = bonett_price(broken, fixed, n);
                let (low, high) = (centre - quantile * error, centre + quantile * error);
                (low.max(-1.0), high.min(1.0), error, IntervalMethod::BonettPrice)
            }
            None => resampled(sums, seed, tail, quantile).unwrap_or_else(|| {
                let error = standard_error(&sums.influences());
                let half = quantile * error;
                (difference - half, difference + half, error, IntervalMethod::Linearised)
            }),
        };
        let (low, high) = (low.min(difference), high.max(difference));
        Estimate { base, new, low, high, interval, standard_error, p, test }
    }
}

/// The bootstrap's interval and the standard error that it stands for; none where it would take long, or says nothing.
fn resampled(
    sums: &Sums,
    seed: u64,
    tail: f64,
    quantile: f64,
) -> Option<(f64, f64, f64, IntervalMethod)> {
    let statistic = sums.joint.of_sums(|both| sums.difference(both));
    let affordable = statistic.effort().saturating_mul(RESAMPLES.into()) <= MOST_WORK;
    if sums.influence.is_some() || !affordable {
        return None;
    }
    let interval = bootstrap(&statistic, seed, RESAMPLES, tail).filter(|i| !i.degenerate)?;
    let error = (interval.high - interval.low) / (2.0 * quantile);
    // Percentiles of few disagreements may fall on one value.
    let error = error.max(standard_error(&sums.influences()));
    Some((interval.low, interval.high, error, IntervalMethod::PairedBootstrap))
}

/// The standard error of a sum of independent influences.
fn standard_error(influences: &[f64]) -> f64 {
    let n = influences.len() as f64;
    if influences.len() < 2 {
        return 0.0;
    }
    let centre = mean(influences);
    let squares: Vec<f64> = influences.iter().map(|value| (value - centre).powi(2)).collect();
    (mean(&squares) * n * n / (n - 1.0)).sqrt()
}
