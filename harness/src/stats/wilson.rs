//! The score interval of a proportion.

use statrs::distribution::{ContinuousCDF, Normal};

/// The 95% Wilson score interval for `successes` of `n`; `(0, 1)` when there is no observation.
///
/// With z the 0.975 quantile of the standard normal distribution and k successes, the ends are
///
/// ```text
/// (k + z²/2) / (n + z²)  ±  z / (n + z²) · sqrt(k (n - k) / n + z²/4)
/// ```
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
/// (1927), 209-212. Unlike the normal approximation it stays within 0 and 1, and it keeps its
/// coverage for small n and for proportions near the ends. `successes` beyond `n` count as `n`.
pub fn wilson_95(successes: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let failures = n.saturating_sub(successes);
    let z = Normal::standard().inverse_cdf(0.975);
    let (k, m, total) = (successes.min(n) as f64, failures as f64, n as f64);
    let scale = total + z * z;
    let centre = (k + z * z / 2.0) / scale;
    let half = z / scale * (k * m / total + z * z / 4.0).sqrt();
    // At the ends the formula gives 0 and 1; rounding must not move them.
    let low = if k == 0.0 { 0.0 } else { centre - half };
    let high = if m == 0.0 { 1.0 } else { centre + half };
    (low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equals_scipy() {
        // scipy 1.17.1: scipy.stats.binomtest(k, n).proportion_ci(0.95, "wilson")
        for (k, n, low, high) in [
            (0, 10, 0.0, 0.277_532_799_862_889_26),
            (10, 10, 0.722_467_200_137_111_1, 1.0),
            (1, 1, 0.206_549_314_377_237_45, 1.0),
            (5, 10, 0.236_593_090_512_564, 0.763_406_909_487_436_1),
            (1720, 2000, 0.844_101_681_569_686_5, 0.874_518_044_387_811_6),
            (44_811, 50_000, 0.893_516_316_405_880_4, 0.898_862_805_758_756_2),
            (45_340, 50_000, 0.904_220_493_904_707_3, 0.909_317_002_679_448_3),
            (1, 1_000_000, 1.765_245_767_453_709e-7, 5.664_911_804_311_442e-6),
        ] {
            let (ours_low, ours_high) = wilson_95(k, n);
            assert!((ours_low - low).abs() < 1e-12, "{k}/{n}: {ours_low}");
            assert!((ours_high - high).abs() < 1e-12, "{k}/{n}: {ours_high}");
        }
        assert_eq!(wilson_95(0, 0), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn holds_the_proportion(n in 1u64..1_000_000, part in 0.0..=1.0f64) {
            let k = (part * n as f64) as u64;
            let (low, high) = wilson_95(k, n);
            let p = k as f64 / n as f64;
            prop_assert!(0.0 <= low && low <= p && p <= high && high <= 1.0);
        }
    }
}
