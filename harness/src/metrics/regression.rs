//! The metrics of tasks with one real number a row.

use super::scoring::Scoring;
use super::{Metric, MetricError, classification, correlation, f1};

/// Scores values with the task's metrics. Values at or above `scoring.threshold` are of class 1, on both
/// sides, for the metrics over labels.
pub(super) fn score(
    scoring: &mut Scoring<'_>,
    gold: &[f64],
    predicted: &[f64],
) -> Result<(), MetricError> {
    check(gold, predicted)?;
    let classes = |threshold: f64| {
        let cut = |values: &[f64]| -> Vec<u32> {
            values.iter().map(|value| u32::from(*value >= threshold)).collect()
        };
        f1::grouped(2, &cut(gold), &cut(predicted), scoring.clusters.as_ref())
    };
    let grouped = scoring.task.scoring.threshold.map(classes);
    for metric in scoring.task.metrics.clone() {
        match (metric, &grouped) {
            (Metric::Pearson, _) => correlation::pearson(scoring, gold, predicted)?,
            (Metric::Spearman, _) => correlation::spearman(scoring, gold, predicted)?,
            (_, Some(grouped)) => classification::of_counts(scoring, metric, grouped, 1)?,
            (_, None) => {
                let reason = "it needs `scoring.threshold`".to_owned();
                return Err(MetricError::Unfit { metric: metric.name(), reason });
            }
        }
    }
    Ok(())
}

fn check(gold: &[f64], predicted: &[f64]) -> Result<(), MetricError> {
    if gold.len() != predicted.len() {
        return Err(MetricError::Lengths { gold: gold.len(), predicted: predicted.len() });
    }
    for (row, (gold, predicted)) in gold.iter().zip(predicted).enumerate() {
        for (what, value) in [("the gold value", gold), ("the prediction", predicted)] {
            if !value.is_finite() {
                return Err(MetricError::NotFinite { row, what, value: value.to_string() });
            }
        }
    }
    Ok(())
}
