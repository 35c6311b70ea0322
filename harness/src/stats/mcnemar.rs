//! McNemar's test of two proportions over the same rows.

use statrs::distribution::{Binomial, Discrete, DiscreteCDF};

/// One-sided p-values of the hypothesis that both are equally often right: small `lower` speaks for fewer right rows in the
/// new system, small `upper` for more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneSided {
    /// p-value against "not worse".
    pub lower: f64,
    /// p-value against "not better".
    pub upper: f64,
}

impl OneSided {
    /// Both are 1/2: nothing speaks for a difference.
    pub const NONE: Self = Self { lower: 0.5, upper: 0.5 };

    /// The p-value against a difference in either direction.
    pub fn two_sided(self) -> f64 {
        (2.0 * self.lower.min(self.upper)).min(1.0)
    }
}

/// The mid-p test over the rows on which exactly one system is right: `broken`, where that is the base, and `fixed`,
/// where it is the new one.
///
/// Given their number m, `fixed` is binomial (m, 1/2) where there is no difference. The mid-p value counts half the
/// probability of what was observed, `P(X < fixed) + P(X = fixed) / 2`, so that `lower + upper = 1`. It keeps its level
/// where the asymptotic test does not, and is less conservative than the exact one.
///
/// M. W. Fagerland, S. Lydersen and P. Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are
/// better than exact conditional", BMC Medical Research Methodology 13 (2013), 91.
pub fn mcnemar_mid_p(broken: u64, fixed: u64) -> OneSided {
    let Ok(binomial) = Binomial::new(0.5, broken + fixed) else { return OneSided::NONE };
    let half = binomial.pmf(fixed) / 2.0;
    // From both ends, so that neither small value is a difference from 1.
    let below = |successes: u64| successes.checked_sub(1).map_or(0.0, |less| binomial.cdf(less));
    OneSided { lower: (below(fixed) + half).min(1.0), upper: (below(broken) + half).min(1.0) }
}

/// The difference `(fixed - broken) / n` of two proportions over the same `n` rows, and its standard error, both after
/// one row was added to either kind of disagreement: with these the normal interval keeps its coverage for few rows and
/// few disagreements, where it would be empty else.
///
/// D. G. Bonett and R. M. Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on
/// paired data", Journal of Educational and Behavioral Statistics 37 (2012), 479-488.
pub fn bonett_price(broken: u64, fixed: u64, n: u64) -> (f64, f64) {
    let total = n as f64 + 2.0;
    let (broken, fixed) = ((broken as f64 + 1.0) / total, (fixed as f64 + 1.0) / total);
    let difference = fixed - broken;
    (difference, ((broken + fixed - difference * difference) / total).max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_sum_of_binomials() {
        // Whole numbers in Python: (sum(comb(m, k) for k in range(c)) + comb(m, c) / 2) / 2**m with m = b + c
        for (broken, fixed, lower) in [
            (0, 0, 0.5),
            (1, 0, 0.25),
            (5, 0, 0.015_625),
            (25, 10, 0.005_665_492_091_793_567),
            (10, 25, 0.994_334_507_908_206_4),
            (120, 90, 0.019_321_674_391_104_476),
        ] {
            let ours = mcnemar_mid_p(broken, fixed);
            assert!((ours.lower - lower).abs() < 1e-9, "{broken} {fixed}: {}", ours.lower);
            assert!((ours.lower + ours.upper - 1.0).abs() < 1e-9);
            assert!((ours.upper - mcnemar_mid_p(fixed, broken).lower).abs() < 1e-12);
        }
        // Fagerland et al., table 2: 1 and 7 disagreements, two-sided mid-p 0.039.
        assert!((mcnemar_mid_p(1, 7).two_sided() - 0.039_062_5).abs() < 1e-12);
        let far = mcnemar_mid_p(10_000, 5_000);
        assert!(far.lower >= 0.0 && far.lower < 1e-300 && far.upper > 0.999, "{far:?}");
    }

    #[test]
    fn the_interval_is_never_empty() {
        let (difference, error) = bonett_price(0, 0, 1000);
        assert_eq!(difference, 0.0);
        assert!((error - 2.0_f64.sqrt() / 1002.0).abs() < 1e-12);
        // By the formula: (13 / 202, 6 / 202).
        let (difference, error) = bonett_price(12, 5, 200);
        assert!((difference + 7.0 / 202.0).abs() < 1e-12);
        let expected = ((19.0 / 202.0 - (7.0_f64 / 202.0).powi(2)) / 202.0).sqrt();
        assert!((error - expected).abs() < 1e-12);
    }
}
