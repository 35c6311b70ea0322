//! Wilcoxon's signed-rank test: is the middle of some differences a given number?

use statrs::distribution::{ContinuousCDF as _, Normal};

use super::{average_ranks, median};

/// Up to so many differences the null distribution is exact; the work is in proportion to the cube.
const EXACT: usize = 200;

/// Both one-sided p-values of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// Of the hypothesis that the values are not below: small where they are.
    pub less: f64,
    /// Of the hypothesis that the values are not above: small where they are.
    pub greater: f64,
}

impl Tails {
    /// What nothing was learned from.
    pub const NOTHING: Self = Self { less: 1.0, greater: 1.0 };

    /// The two-sided p-value: twice the smaller one.
    pub fn two_sided(self) -> f64 {
        (2.0 * self.less.min(self.greater)).min(1.0)
    }
}

/// The test that values are symmetric about `centre`.
///
/// W is the sum of the ranks of `|value - centre|` over the values above. Values that are equal to `centre` are left
/// out (Wilcoxon's rule), equal distances share their average rank. Up to 200 values the distribution of W is the exact
/// one given those ranks: every sign is as likely as its opposite. Above, it is normal with the same variance,
/// corrected for continuity.
///
/// F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945), 80-83.
pub fn signed_rank(values: &[f64], centre: f64) -> Tails {
    let distances: Vec<f64> =
        values.iter().map(|value| value - centre).filter(|d| *d != 0.0).collect();
    if distances.is_empty() {
        return Tails::NOTHING;
    }
    let sizes: Vec<f64> = distances.iter().map(|d| d.abs()).collect();
    // Averages of ranks are multiples of one half.
    let doubled: Vec<usize> =
        average_ranks(&sizes).iter().map(|rank| (2.0 * rank).round() as usize).collect();
    let above = doubled.iter().zip(&distances).filter(|(_, d)| **d > 0.0);
    let w: usize = above.map(|(rank, _)| rank).sum();
    if distances.len() > EXACT {
        return normal_tails(&doubled, w);
    }
    let p = distribution(&doubled);
    Tails {
        less: p[..=w].iter().sum::<f64>().min(1.0),
        greater: p[w..].iter().sum::<f64>().min(1.0),
    }
}

/// The probabilities of all sums of doubled ranks, each of which is in the sum or not with the same probability.
fn distribution(doubled: &[usize]) -> Vec<f64> {
    let mut p = vec![0.0; doubled.iter().sum::<usize>() + 1];
    p[0] = 1.0;
    let mut reached = 0;
    for &rank in doubled {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = if sum >= rank { p[sum - rank] } else { 0.0 };
            p[sum] = f64::midpoint(p[sum], with);
        }
    }
    p
}

fn normal_tails(doubled: &[usize], w: usize) -> Tails {
    let mean = doubled.iter().sum::<usize>() as f64 / 4.0;
    let variance = doubled.iter().map(|&rank| (rank as f64 / 2.0).powi(2)).sum::<f64>() / 4.0;
    let (w, deviation, normal) = (w as f64 / 2.0, variance.sqrt(), Normal::standard());
    Tails {
        less: normal.cdf((w + 0.5 - mean) / deviation),
        greater: normal.sf((w - 0.5 - mean) / deviation),
    }
}

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Both ends, at the confidence that was asked for or a little more; none where there are too few values for any.
    pub interval: Option<(f64, f64)>,
}

/// The centre of symmetry behind values: the median of their Walsh averages, which are the means of all pairs of
/// values, each with itself too. NaN of none. The ends of the interval are Walsh averages too: those at which
/// [`signed_rank`] would just not reject (exactly where no two distances are equal).
///
/// J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests", Annals of Mathematical Statistics 34
/// (1963), 598-611; the interval after M. Hollander and D. A. Wolfe, "Nonparametric Statistical Methods", section 3.3
/// (Tukey).
pub fn centre(values: &[f64], confidence: f64) -> Estimate {
    let mut walsh: Vec<f64> = (values.iter().enumerate())
        .flat_map(|(i, a)| values[i..].iter().map(move |b| f64::midpoint(*a, *b)))
        .collect();
    walsh.sort_by(f64::total_cmp);
    let interval =
        outermost(values.len(), confidence).map(|k| (walsh[k - 1], walsh[walsh.len() - k]));
    Estimate { value: median(&walsh), interval }
}

/// The largest k with `2 P(W < k) <= 1 - confidence` for the ranks 1 to n.
fn outermost(n: usize, confidence: f64) -> Option<usize> {
    let alpha = 1.0 - confidence;
    if n > EXACT {
        let count = n as f64;
        let mean = count * (count + 1.0) / 4.0;
        let deviation = (mean * (2.0 * count + 1.0) / 6.0).sqrt();
        let k = (mean + Normal::standard().inverse_cdf(alpha / 2.0) * deviation).floor();
        return (k >= 1.0).then_some(k as usize);
    }
    let doubled: Vec<usize> = (1..=n).map(|rank| 2 * rank).collect();
    let mut below = 0.0;
    let p = distribution(&doubled);
    let fits = p.iter().step_by(2).take_while(|p| {
        below += **p;
        // A confidence of 95% is no binary fraction.
        2.0 * below <= alpha + 1e-12
    });
    Some(fits.count()).filter(|&k| k > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFTS: [f64; 12] =
        [1.83, 0.5, 1.62, -2.48, 1.68, -1.88, 1.55, -3.06, 1.3, -0.25, 0.9, 2.2];

    fn close(ours: f64, expected: f64) {
        assert!((ours - expected).abs() < 1e-9 * expected.abs().max(1e-3), "{ours} {expected}");
    }

    #[test]
    fn p_values_are_scipys() {
        // scipy 1.17.1: wilcoxon(x - centre, alternative=.., method="exact")
        let tails = signed_rank(&SHIFTS, 0.0);
        close(tails.less, 0.688_964_843_75);
        close(tails.greater, 0.338_623_046_875);
        close(tails.two_sided(), 0.677_246_093_75);
        let tails = signed_rank(&SHIFTS, 1.0);
        close(tails.less, 0.311_035_156_25);
        close(tails.greater, 0.715_332_031_25);
        // All signs: wilcoxon(x[x != 0], alternative=.., method=PermutationMethod(n_resamples=10**6))
        let tied = signed_rank(&[1.0, 1.0, 2.0, -1.0, 3.0, 3.0, -2.0, 5.0, 0.0, 4.0], 0.0);
        close(tied.less, 0.980_468_75);
        close(tied.greater, 0.035_156_25);
        // wilcoxon(x, alternative=.., method="asymptotic", correction=True)
        let many: Vec<f64> = (0..250).map(|i| f64::from(i * 37 % 101 - 45) / 10.0).collect();
        let tails = signed_rank(&many, 0.0);
        close(tails.less, 0.993_193_716_381_415_4);
        close(tails.greater, 0.006_823_113_376_795_507);
    }

    #[test]
    fn centres_and_intervals_are_those_that_the_test_does_not_reject() {
        let estimate = centre(&SHIFTS, 0.95);
        close(estimate.value, 0.667_5);
        let (low, high) = estimate.interval.expect("twelve values have one");
        // The centres on a grid of 0.001 with wilcoxon(x - centre, method="exact").pvalue > 0.05: -0.790 to 1.614.
        close(low, -0.79);
        close(high, 1.615);
        assert_eq!(centre(&SHIFTS[..5], 0.95).interval, None, "the least p-value is 1/16");
        assert_eq!(centre(&SHIFTS[..6], 0.95).interval, Some((-2.48, 1.83)));
        assert!(centre(&[], 0.95).value.is_nan());
    }

    #[test]
    fn the_exact_and_the_normal_interval_meet() {
        let many: Vec<f64> = (0..=EXACT).map(|i| (i as f64 * 0.7).sin()).collect();
        let exact = centre(&many[..EXACT], 0.95).interval.expect("many values");
        let normal = centre(&many, 0.95).interval.expect("many values");
        assert!((exact.0 - normal.0).abs() < 0.01 && (exact.1 - normal.1).abs() < 0.01);
    }

    #[test]
    fn equal_values_say_what_they_can() {
        assert_eq!(signed_rank(&[2.0; 8], 2.0), Tails::NOTHING);
        close(signed_rank(&[2.0; 8], 1.0).greater, 0.5_f64.powi(8));
        assert_eq!(centre(&[2.0; 8], 0.95), Estimate { value: 2.0, interval: Some((2.0, 2.0)) });
        assert_eq!(signed_rank(&[], 0.0).two_sided(), 1.0);
    }
}
