//! The rank-sum test: do two samples lie in the same place?

use statrs::distribution::{ContinuousCDF as _, Normal};

use super::{Estimate, Order, Tails, median};

/// Up to so many pairs of values the null distribution is exact.
const EXACT_PAIRS: usize = 2500;

/// The test that `new + shift` is distributed as `base`; in the tails, `less` is small where `new + shift` lies lower
/// than `base`.
///
/// U counts the pairs in which the new value is the larger one, equal ones for a half. Its distribution is exact for up
/// to 2,500 pairs without equal values, else normal, with the variance corrected for ties and U for continuity.
///
/// H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the
/// other", Annals of Mathematical Statistics 18 (1947), 50-60.
pub fn rank_sum(base: &[f64], new: &[f64], shift: f64) -> Tails {
    if base.is_empty() || new.is_empty() {
        return Tails::NOTHING;
    }
    let moved = new.iter().map(|value| value + shift);
    let all: Vec<f64> = base.iter().copied().chain(moved).collect();
    let order = Order::new(&all);
    let (n, m) = (base.len(), new.len());
    let of_new = &order.tie_of()[n..];
    let wins = order.tie_of()[..n].iter().flat_map(|b| of_new.iter().map(move |v| v.cmp(b)));
    // Counted twice, so that a half is a whole number.
    let doubled: usize = wins.map(|which| (which as i8 + 1) as usize).sum();
    if order.ties() == all.len() && n * m <= EXACT_PAIRS {
        let (p, u) = (distribution(n, m), doubled / 2);
        return Tails {
            less: p[..=u].iter().sum::<f64>().min(1.0),
            greater: p[u..].iter().sum::<f64>().min(1.0),
        };
    }
    let deviation = deviation(&order, n, m);
    if deviation == 0.0 {
        return Tails::NOTHING;
    }
    let (u, mean, normal) = (doubled as f64 / 2.0, (n * m) as f64 / 2.0, Normal::standard());
    Tails {
        less: normal.cdf((u + 0.5 - mean) / deviation),
        greater: normal.sf((u - 0.5 - mean) / deviation),
    }
}

/// The standard deviation of U given the ties.
fn deviation(order: &Order, n: usize, m: usize) -> f64 {
    let mut sizes = vec![0.0_f64; order.ties()];
    for tie in order.tie_of() {
        sizes[*tie as usize] += 1.0;
    }
    let all = (n + m) as f64;
    let ties: f64 = sizes.iter().map(|t| t.powi(3) - t).sum();
    let variance = (n * m) as f64 / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    variance.max(0.0).sqrt()
}

/// The probabilities of U from 0 to n m without ties, by Mann and Whitney's recurrence over the largest value, which is
/// either of the new sample or of the base: `p(n, m, u) = m/(n+m) p(n, m-1, u-n) + n/(n+m) p(n-1, m, u)`.
fn distribution(n: usize, m: usize) -> Vec<f64> {
    // One row of the table at a time: for this many of the base, all counts of the new sample.
    let mut row: Vec<Vec<f64>> = vec![vec![1.0]; m + 1];
    for i in 1..=n {
        let mut next: Vec<Vec<f64>> = vec![vec![1.0]];
        for j in 1..=m {
            let (is_new, total) = (j as f64 / (i + j) as f64, i * j);
            let at = |p: &[f64], u: Option<usize>| u.and_then(|u| p.get(u)).copied().unwrap_or(0.0);
            let fewer_new = &next[j - 1];
            let p = (0..=total).map(|u| {
                is_new * at(fewer_new, u.checked_sub(i)) + (1.0 - is_new) * at(&row[j], Some(u))
            });
            let p = p.collect();
            next.push(p);
        }
        row = next;
    }
    row.pop().unwrap_or_default()
}

/// How much higher the new sample lies: the median of all differences `new - base`, NaN where a sample is empty. The
/// ends of the interval are such differences too: those by which [`rank_sum`] could shift and would just not reject.
///
/// J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests", Annals of Mathematical Statistics 34
/// (1963), 598-611; the interval after M. Hollander and D. A. Wolfe, "Nonparametric Statistical Methods", section 4.3
/// (Moses).
pub fn shift(base: &[f64], new: &[f64], confidence: f64) -> Estimate {
    let mut differences: Vec<f64> =
        new.iter().flat_map(|v| base.iter().map(move |b| v - b)).collect();
    differences.sort_by(f64::total_cmp);
    let interval = outermost(base.len(), new.len(), confidence)
        .map(|k| (differences[k - 1], differences[differences.len() - k]));
    Estimate { value: median(&differences), interval }
}

/// The largest k with `2 P(U < k) <= 1 - confidence`.
fn outermost(n: usize, m: usize, confidence: f64) -> Option<usize> {
    let alpha = 1.0 - confidence;
    if n == 0 || m == 0 {
        return None;
    }
    if n * m > EXACT_PAIRS {
        let (pairs, all) = ((n * m) as f64, (n + m) as f64);
        let deviation = (pairs * (all + 1.0) / 12.0).sqrt();
        let k = (pairs / 2.0 + Normal::standard().inverse_cdf(alpha / 2.0) * deviation).floor();
        return (k >= 1.0).then_some(k as usize);
    }
    let mut below = 0.0;
    let p = distribution(n, m);
    let fits = p.iter().take_while(|p| {
        below += **p;
        2.0 * below <= alpha + 1e-12
    });
    Some(fits.count()).filter(|&k| k > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: [f64; 5] = [1.1, 2.3, 3.7, 4.2, 5.9];
    const NEW: [f64; 6] = [2.9, 4.8, 6.1, 7.7, 8.3, 9.6];

    fn close(ours: f64, expected: f64) {
        assert!((ours - expected).abs() < 1e-9 * expected.abs(), "{ours} {expected}");
    }

    #[test]
    fn p_values_are_scipys() {
        // scipy 1.17.1: mannwhitneyu(new + shift, base, alternative=.., method="exact")
        let tails = rank_sum(&BASE, &NEW, 0.0);
        close(tails.less, 0.984_848_484_848_484_9);
        close(tails.greater, 0.025_974_025_974_025_976);
        let tails = rank_sum(&BASE, &NEW, -2.05);
        close(tails.less, 0.785_714_285_714_285_7);
        close(tails.greater, 0.268_398_268_398_268_4);
        // mannwhitneyu(new, base, alternative=.., method="asymptotic", use_continuity=True)
        let (base, new) = ([1.0, 2.0, 2.0, 3.0, 4.0], [2.0, 3.0, 3.0, 5.0, 6.0, 6.0]);
        let tails = rank_sum(&base, &new, 0.0);
        close(tails.less, 0.961_724_575_315_073_3);
        close(tails.greater, 0.056_524_989_428_164_51);
    }

    #[test]
    fn shifts_and_intervals_are_those_that_the_test_does_not_reject() {
        let estimate = shift(&BASE, &NEW, 0.95);
        close(estimate.value, 3.6);
        let (low, high) = estimate.interval.expect("thirty pairs have one");
        // The shifts on a grid of 0.001 with mannwhitneyu(new - shift, base, method="exact").pvalue > 0.05: -0.800 to
        // 6.599.
        close(low, -0.8);
        close(high, 6.6);
        assert_eq!(shift(&BASE[..3], &NEW[..3], 0.95).interval, None, "the least p-value is 1/10");
        assert!(shift(&[], &NEW, 0.95).value.is_nan());
    }

    #[test]
    fn equal_values_say_nothing() {
        assert_eq!(rank_sum(&[1.0; 4], &[1.0; 5], 0.0), Tails::NOTHING);
        assert_eq!(rank_sum(&[], &[1.0], 0.0), Tails::NOTHING);
        let apart = rank_sum(&[1.0; 6], &[2.0; 6], 0.0);
        assert!(apart.greater < 0.01 && apart.less > 0.99, "{apart:?}");
    }
}
