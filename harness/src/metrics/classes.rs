//! Gold and predicted labels pair up and are known.

use super::MetricError;

/// Checks that there is a prediction for each row, and that both are below `labels`.
///
/// # Errors
/// [`MetricError::Lengths`] and [`MetricError::Index`].
pub(super) fn check(labels: usize, gold: &[u32], predicted: &[u32]) -> Result<(), MetricError> {
    if gold.len() != predicted.len() {
        return Err(MetricError::Lengths { gold: gold.len(), predicted: predicted.len() });
    }
    for (row, (gold, predicted)) in gold.iter().zip(predicted).enumerate() {
        let index = *gold.max(predicted);
        if index as usize >= labels {
            return Err(MetricError::Index { row, index, labels });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pair_up_is_named() {
        assert_eq!(check(2, &[0], &[]), Err(MetricError::Lengths { gold: 1, predicted: 0 }));
        let unknown = MetricError::Index { row: 1, index: 2, labels: 2 };
        assert_eq!(check(2, &[0, 1], &[0, 2]), Err(unknown.clone()));
        assert_eq!(check(2, &[0, 2], &[0, 1]), Err(unknown));
        assert_eq!(check(2, &[0, 1], &[1, 1]), Ok(()));
    }
}
