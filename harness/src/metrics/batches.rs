//! An oddity of a reference: the mean of the accuracies of its batches.

use super::scoring::Scoring;
use super::{Metric, MetricError};
use crate::stats::Grouped;

/// The rows in batches of `scoring.batch_size`, in dataset order, and the plain mean of their accuracies:
/// a row of a smaller last batch weighs more than others. It is the accuracy where the size divides the
/// number of rows.
///
/// A resample keeps each row's weight, so that the interval is that of a weighted accuracy.
pub(super) fn score(
    scoring: &mut Scoring<'_>,
    gold: &[u32],
    predicted: &[u32],
) -> Result<(), MetricError> {
    let metric = Metric::MeanBatchAccuracy;
    let size = match scoring.task.scoring.batch_size {
        Some(size @ 1..) => size as usize,
        _ => {
            let reason = "it needs a `scoring.batch_size` of at least 1".to_owned();
            return Err(MetricError::Unfit { metric: metric.name(), reason });
        }
    };
    let right = |row: usize| gold[row] == predicted[row];
    let rows = gold.len();
    let length = |batch: usize| size.min(rows - batch * size);
    let batches = rows.div_ceil(size);
    let accuracies = (0..batches).map(|batch| {
        let (start, length) = (batch * size, length(batch));
        let correct = (start..start + length).filter(|row| right(*row)).count();
        correct as f64 / length as f64
    });
    let value = accuracies.sum::<f64>() / batches as f64;
    let grouped = Grouped::new(2, rows, scoring.clusters.as_ref(), |row, entries| {
        let weight = 1.0 / length(row / size) as f64;
        entries.push((1, weight));
        if right(row) {
            entries.push((0, weight));
        }
    });
    let statistic = grouped.of_sums(|sums| (sums[1] > 0.0).then(|| sums[0] / sums[1]));
    scoring.resampled(metric, value, &statistic);
    Ok(())
}
