//! Accuracy: right predictions among all.

use super::{Classes, MetricError};
use crate::record::MetricValue;
use crate::stats::wilson_95;

/// k / n as the nearest double, with its Wilson interval.
pub(super) fn accuracy(classes: &Classes<'_>) -> Result<MetricValue, MetricError> {
    if classes.is_empty() {
        return Err(MetricError::Empty);
    }
    let (correct, n) = (classes.correct(), classes.len() as u64);
    let (ci_low, ci_high) = wilson_95(correct, n);
    Ok(MetricValue {
        value: correct as f64 / n as f64,
        ci_low,
        ci_high,
        n,
        method: "wilson".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_exactly_k_over_n() {
        let gold = vec![0; 50_000];
        let predicted: Vec<u32> = (0..50_000).map(|row| u32::from(row >= 44_811)).collect();
        let value = accuracy(&Classes::new(2, &gold, &predicted).expect("valid")).expect("scored");
        assert_eq!(value.value.to_bits(), 0.89622_f64.to_bits());
        assert_eq!((value.n, value.method.as_str()), (50_000, "wilson"));
        assert_eq!(accuracy(&Classes::new(2, &[], &[]).expect("valid")), Err(MetricError::Empty));
        assert!(matches!(
            Classes::new(2, &[0], &[]),
            Err(MetricError::Lengths { gold: 1, predicted: 0 })
        ));
        assert!(matches!(
            Classes::new(2, &[0, 1], &[0, 2]),
            Err(MetricError::Index { row: 1, index: 2, labels: 2 })
        ));
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_perfect_is_one(rows in prop::collection::vec((0u32..4, 0u32..4), 1..200)) {
            let score = |rows: &[(u32, u32)]| {
                let (gold, predicted): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
                accuracy(&Classes::new(4, &gold, &predicted).expect("valid")).expect("scored")
            };
            let mut reversed = rows.clone();
            reversed.reverse();
            prop_assert_eq!(score(&rows), score(&reversed));
            let perfect: Vec<(u32, u32)> = rows.iter().map(|(gold, _)| (*gold, *gold)).collect();
            prop_assert_eq!(score(&perfect).value, 1.0);
            let counts = score(&rows);
            prop_assert!((0.0..=1.0).contains(&counts.value));
        }
    }
}
