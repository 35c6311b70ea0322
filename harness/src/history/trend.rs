//! How the values after the last change go on.

use statrs::distribution::{ContinuousCDF, Normal};

use super::Trend;
use crate::stats::quantile;

/// Values that a trend needs: Kendall's statistic is near enough to normal from there on.
pub const MIN_TREND: usize = 8;

/// The trend of values from run to run; none for fewer than [`MIN_TREND`].
///
/// The slope is the median of `(y[j] - y[i]) / (j - i)` over all pairs (H. Theil, Indagationes Mathematicae 12 (1950);
/// P. K. Sen, Journal of the American Statistical Association 63 (1968), 1379-1389). The p-value is two-sided, from
/// Mann and Kendall's S, the pairs that rise less those that fall, as normal with the variance
/// `(n (n - 1) (2 n + 5) - sum of t (t - 1) (2 t + 5) over ties of t) / 18` (M. Kendall, "Rank correlation methods"
/// (1975)), without a correction for continuity, as scipy's `kendalltau(method="asymptotic")` has it.
pub fn trend(values: &[f64]) -> Option<Trend> {
    let n = values.len();
    if n < MIN_TREND {
        return None;
    }
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    let mut s = 0_i64;
    for (i, a) in values.iter().enumerate() {
        for (j, b) in values.iter().enumerate().skip(i + 1) {
            slopes.push((b - a) / (j - i) as f64);
            s += i64::from(b > a) - i64::from(b < a);
        }
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let term = |t: usize| (t * t.saturating_sub(1) * (2 * t + 5)) as f64;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|tied| term(tied.len())).sum();
    let variance = (term(n) - ties) / 18.0;
    // All values are equal.
    let p_value = if variance > 0.0 {
        2.0 * Normal::standard().sf((s.unsigned_abs() as f64) / variance.sqrt())
    } else {
        1.0
    };
    Some(Trend { slope: quantile(&slopes, 0.5), p_value: p_value.min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_scipy() {
        // scipy 1.17.1: scipy.stats.theilslopes(y, x).slope and
        // scipy.stats.kendalltau(x, y, method="asymptotic").pvalue with x = 0, 1, ..
        let rising = [3.1, 2.9, 3.4, 3.3, 3.8, 3.6, 4.1, 3.9, 4.0, 4.4];
        let tied = [1.0, 1.0, 2.0, 1.0, 2.0, 2.0, 3.0, 2.0, 3.0, 3.0, 3.0, 2.0];
        let falling = [9.0, 7.5, 8.0, 6.0, 6.0, 5.5, 7.0, 4.0];
        for (values, slope, p_value) in [
            (&rising[..], 0.15, 0.001_745_118_699_528_905),
            (&tied, 1.0 / 6.0, 0.009_806_616_350_195_418),
            (&falling, -0.541_666_666_666_666_7, 0.017_844_011_512_848_347),
        ] {
            let found = trend(values).expect("long enough");
            assert!((found.slope - slope).abs() < 1e-12, "{found:?}");
            assert!((found.p_value - p_value).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn equal_values_have_none_and_few_are_not_asked() {
        assert_eq!(trend(&[5.0; 8]), Some(Trend { slope: 0.0, p_value: 1.0 }));
        assert_eq!(trend(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), None);
    }
}
