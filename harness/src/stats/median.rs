//! The median, and what is known of the one behind a sample.

use statrs::distribution::{Binomial, DiscreteCDF as _};

use super::quantile;

/// The median of values in any order; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// The interval of a median between order statistics, at a confidence of at least `confidence` whatever the values are
/// distributed like; none where even the least and the largest value together do not suffice (below six values at
/// 95%).
///
/// The ends are the k-th smallest and the k-th largest value, for the largest k with `2 P(X < k) <= 1 - confidence`,
/// where X is binomial with n trials of probability 1/2: the number of values below the true median. H. A. David and H.
/// N. Nagaraja, "Order Statistics", 3rd edition (2003), section 7.1.
pub fn median_interval(values: &[f64], confidence: f64) -> Option<(f64, f64)> {
    let binomial = Binomial::new(0.5, values.len() as u64).ok()?;
    let fits = |k: usize| 2.0 * binomial.cdf(k as u64 - 1) <= 1.0 - confidence;
    let k = (1..=values.len() / 2).take_while(|&k| fits(k)).last()?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some((sorted[k - 1], sorted[sorted.len() - k]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_those_of_the_binomial_table() {
        // scipy 1.17.1: scipy.stats.quantile_test(x, p=0.5).confidence_interval(0.95) of x = 1..n.
        let cases =
            [(6, 1.0, 6.0), (8, 1.0, 8.0), (9, 2.0, 8.0), (15, 4.0, 12.0), (50, 18.0, 33.0)];
        for (n, low, high) in cases {
            let values: Vec<f64> = (1..=n).rev().map(f64::from).collect();
            assert_eq!(median_interval(&values, 0.95), Some((low, high)), "{n}");
        }
        assert_eq!(median_interval(&[1.0; 5], 0.95), None);
        assert_eq!(median_interval(&[], 0.95), None);
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
    }
}
