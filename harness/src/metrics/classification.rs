//! The metrics of tasks with one label a row, and of regressions whose values are cut into two classes.

use super::f1::{self, LabelCounts};
use super::observations::{LabelObservations, ScoreRows};
use super::scoring::Scoring;
use super::{Metric, MetricError, auroc, batches, classes, log_loss};
use crate::record::PerClass;

/// Scores labels with the task's metrics.
pub(super) fn score(
    scoring: &mut Scoring<'_>,
    rows: &LabelObservations<'_>,
) -> Result<(), MetricError> {
    let labels = scoring.labels;
    classes::check(labels.len(), rows.gold, rows.predicted)?;
    if let Some(scores) = &rows.scores {
        check_scores(scores, rows.gold.len(), labels.len())?;
    }
    let grouped = f1::grouped(labels.len(), rows.gold, rows.predicted, scoring.clusters.as_ref());
    let total = grouped.total();
    let counts = LabelCounts::of(&total);
    scoring.scores.per_class = (labels.iter().zip(counts.iter()))
        .map(|(label, [support, predicted, correct])| PerClass {
            label: label.id.clone(),
            name: label.name.clone(),
            support: *support as u64,
            predicted: *predicted as u64,
            correct: *correct as u64,
        })
        .collect();
    for metric in scoring.task.metrics.clone() {
        match metric {
            Metric::MeanBatchAccuracy => batches::score(scoring, rows.gold, rows.predicted)?,
            Metric::Auroc | Metric::LogLoss => match &rows.scores {
                None => scoring.leave_out(metric, "the predictions hold no scores of the labels"),
                Some(scores) if metric == Metric::Auroc => {
                    auroc::score(scoring, rows.gold, scores)?;
                }
                Some(scores) => log_loss::score(scoring, rows.gold, scores),
            },
            _ => {
                let positive = match metric {
                    Metric::BinaryF1 => scoring.positive(metric)?,
                    _ => 0,
                };
                of_counts(scoring, metric, &grouped, positive)?;
            }
        }
    }
    Ok(())
}

/// The metrics that are functions of the counts; `positive` is what `binary_f1` is about.
pub(super) fn of_counts(
    scoring: &mut Scoring<'_>,
    metric: Metric,
    grouped: &crate::stats::Grouped,
    positive: u32,
) -> Result<(), MetricError> {
    let total = grouped.total();
    let counts = LabelCounts::of(&total);
    match metric {
        Metric::Accuracy | Metric::MicroF1 => {
            // F1 of the pooled counts is the accuracy, where each row has one label on both sides.
            let (correct, n) = counts.iter().fold((0, 0), |(correct, n), [support, _, right]| {
                (correct + *right as u64, n + *support as u64)
            });
            let grouped = grouped.project(2, |at| [Some(1), None, Some(0)][at as usize % 3]);
            let statistic = grouped.of_sums(|sums| (sums[1] > 0.0).then(|| sums[0] / sums[1]));
            scoring.proportion(metric, correct, n, &statistic);
        }
        Metric::BinaryF1 => {
            let own = |at: u32| (at / 3 == positive).then_some(at % 3);
            let grouped = grouped.project(3, own);
            let statistic = grouped.of_sums(|sums| LabelCounts::of(sums).f1_of(0));
            let value = counts.f1_of(positive).unwrap_or_default();
            scoring.resampled(metric, value, &statistic);
        }
        Metric::MacroF1 => {
            let statistic = grouped.of_sums(|sums| LabelCounts::of(sums).macro_f1());
            scoring.resampled(metric, counts.macro_f1().unwrap_or_default(), &statistic);
        }
        Metric::WeightedF1 => {
            let statistic = grouped.of_sums(|sums| LabelCounts::of(sums).weighted_f1());
            scoring.resampled(metric, counts.weighted_f1().unwrap_or_default(), &statistic);
        }
        _ => {
            let reason = "it is not a metric over labels".to_owned();
            return Err(MetricError::Unfit { metric: metric.name(), reason });
        }
    }
    if matches!(metric, Metric::MacroF1)
        && let Some(remarks) = counts.remarks()
    {
        scoring.note(format!("{metric}: {remarks}"));
    }
    Ok(())
}

fn check_scores(scores: &ScoreRows<'_>, rows: usize, labels: usize) -> Result<(), MetricError> {
    if scores.values.len() != rows * labels {
        return Err(MetricError::Scores { scores: scores.values.len(), rows, labels });
    }
    for (index, value) in scores.values.iter().enumerate() {
        let row = index / labels.max(1);
        if !value.is_finite() {
            let what = "a score of its labels";
            return Err(MetricError::NotFinite { row, what, value: value.to_string() });
        }
        if !scores.are_logits && !(0.0..=1.0).contains(value) {
            return Err(MetricError::Probability { row, value: value.to_string() });
        }
    }
    Ok(())
}
