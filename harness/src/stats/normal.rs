//! Intervals from a standard error, for so many rows that resampling them would only take longer.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{average_ranks, mean};

/// `value` ± 1.96 standard errors: the 95% interval of an estimate that is normal, as the mean of many rows
/// is.
pub fn normal_95(value: f64, standard_error: f64) -> (f64, f64) {
    let half = Normal::standard().inverse_cdf(0.975) * standard_error;
    (value - half, value + half)
}

/// The standard error of the mean of independent values: s / √n, with n - 1 in s; 0 for fewer than two.
pub fn standard_error_of_mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    (variance(values) / n).sqrt()
}

/// The standard error of the area under the ROC curve of `scores`; none with fewer than two rows of either
/// class.
///
/// E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44 (1988), 837-845. With m positive and n
/// negative rows, the placement of a positive row is the share of negative ones below it (ties half), that of
/// a negative row the share of positive ones above it, and the variance is that of the ones over m plus that
/// of the others over n. Placements follow from average ranks (X. Sun and W. Xu, IEEE Signal Processing
/// Letters 21 (2014), 1389-1393), so that it takes two sorts.
pub fn standard_error_of_auroc(scores: &[f64], positives: &[bool]) -> Option<f64> {
    let of = |class: bool| -> Vec<f64> {
        (scores.iter().zip(positives)).filter(|(_, p)| **p == class).map(|(s, _)| *s).collect()
    };
    let (positive, negative) = (of(true), of(false));
    let (m, n) = (positive.len() as f64, negative.len() as f64);
    if positive.len() < 2 || negative.len() < 2 {
        return None;
    }
    let among_all = average_ranks(scores);
    let (mut own_positive, mut own_negative) =
        (average_ranks(&positive).into_iter(), average_ranks(&negative).into_iter());
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for (rank, is_positive) in among_all.into_iter().zip(positives) {
        if *is_positive {
            above.push((rank - own_positive.next()?) / n);
        } else {
            below.push(1.0 - (rank - own_negative.next()?) / m);
        }
    }
    Some((variance(&above) / m + variance(&below) / n).sqrt())
}

/// With n - 1 in the denominator.
fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: Vec<f64> = values.iter().map(|value| (value - centre).powi(2)).collect();
    mean(&squares) * squares.len() as f64 / (squares.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_mean() {
        // scipy 1.17.1: scipy.stats.sem([1, 2, 4, 8])
        assert!(
            (standard_error_of_mean(&[1.0, 2.0, 4.0, 8.0]) - 1.547_847_968_417_226).abs() < 1e-14
        );
        assert_eq!(standard_error_of_mean(&[1.0]), 0.0);
        let (low, high) = normal_95(1.0, 0.5);
        assert!(
            (low - 0.020_018_007_729_973).abs() < 1e-12
                && (high - 1.979_981_992_270_027).abs() < 1e-12
        );
    }

    #[test]
    fn of_an_area_with_too_few_rows() {
        assert_eq!(standard_error_of_auroc(&[1.0, 2.0, 3.0], &[true, false, false]), None);
        assert_eq!(
            standard_error_of_auroc(&[1.0, 2.0, 3.0, 4.0], &[false, false, true, true]),
            Some(0.0)
        );
    }

    proptest! {
        /// The definition, pair by pair.
        #[test]
        fn of_an_area(rows in prop::collection::vec((0i32..12, any::<bool>()), 4..60)) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let positives: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let of = |class: bool| -> Vec<f64> {
                rows.iter().filter(|row| row.1 == class).map(|row| f64::from(row.0)).collect()
            };
            let (positive, negative) = (of(true), of(false));
            let psi = |x: f64, y: f64| if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 };
            let above: Vec<f64> =
                positive.iter().map(|x| mean(&negative.iter().map(|y| psi(*x, *y)).collect::<Vec<_>>())).collect();
            let below: Vec<f64> =
                negative.iter().map(|y| mean(&positive.iter().map(|x| psi(*x, *y)).collect::<Vec<_>>())).collect();
            let ours = standard_error_of_auroc(&scores, &positives);
            prop_assert_eq!(ours.is_some(), positive.len() > 1 && negative.len() > 1);
            if let Some(ours) = ours {
                let expected = variance(&above) / above.len() as f64 + variance(&below) / below.len() as f64;
                prop_assert!((ours - expected.sqrt()).abs() < 1e-12, "{} {}", ours, expected.sqrt());
            }
        }
    }
}
