//! Metrics over labels, values and answers.

use super::super::f1::{LabelCounts, add_row};
use super::super::log_loss::loss;
use super::super::{Metric, MetricError, classes};
use super::sums::{Sums, mean};
use super::{Of, auroc, correlation};
use crate::metrics::ScoreRows;

/// Metrics of one label a row.
pub(super) fn of_labels(
    of: Of<'_>,
    gold: &[u32],
    predicted: &[&[u32]; 2],
    scores: &[Option<ScoreRows<'_>>; 2],
) -> Result<Option<Sums>, MetricError> {
    for own in predicted {
        classes::check(of.labels.len(), gold, own)?;
    }
    let right = |system: usize, row: usize| gold[row] == predicted[system][row];
    let rows = gold.len();
    Ok(Some(match of.metric {
        Metric::Accuracy | Metric::MicroF1 => Sums::of_right(rows, of.clusters, right),
        Metric::MeanBatchAccuracy => {
            let size = of.task.scoring.batch_size.unwrap_or_default() as usize;
            if size == 0 {
                return Err(of.unfit("it needs a `scoring.batch_size` of at least 1"));
            }
            let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
                let weight = 1.0 / size.min(rows - row / size * size) as f64;
                entries.push((1, weight));
                if right(system, row) {
                    entries.push((0, weight));
                }
            };
            Sums::new(2, rows, of.clusters, fill, mean)
        }
        Metric::Auroc | Metric::LogLoss => {
            let [Some(base), Some(new)] = scores else { return Ok(None) };
            match of.metric {
                Metric::Auroc => return auroc::sums(of, gold, [base, new]),
                _ => log_loss(of, gold, [base, new]),
            }
        }
        _ => of_counts(of, gold, predicted)?,
    }))
}

/// Metrics that are functions of the counts of labels.
fn of_counts(of: Of<'_>, gold: &[u32], predicted: &[&[u32]; 2]) -> Result<Sums, MetricError> {
    let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
        add_row(gold[row], predicted[system][row], entries);
    };
    let (width, rows) = (3 * of.labels.len().max(2), gold.len());
    let new = |value: fn(&[f64]) -> Option<f64>| Sums::new(width, rows, of.clusters, fill, value);
    Ok(match of.metric {
        Metric::MacroF1 => new(|sums| LabelCounts::of(sums).macro_f1()),
        Metric::WeightedF1 => new(|sums| LabelCounts::of(sums).weighted_f1()),
        Metric::BinaryF1 => {
            let positive = if of.labels.is_empty() { 1 } else { of.positive()? };
            let value = move |sums: &[f64]| LabelCounts::of(sums).f1_of(positive);
            Sums::new(width, rows, of.clusters, fill, value)
        }
        _ => return Err(of.unfit("it is not a metric over labels")),
    })
}

fn log_loss(of: Of<'_>, gold: &[u32], scores: [&ScoreRows<'_>; 2]) -> Sums {
    let labels = of.labels.len();
    let losses = scores.map(|scores| {
        let rows = scores.values.chunks_exact(labels).zip(gold);
        rows.map(|(row, label)| loss(row, *label, scores.are_logits)).collect::<Vec<f64>>()
    });
    let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
        entries.extend([(0, losses[system][row]), (1, 1.0)]);
    };
    Sums::new(2, gold.len(), of.clusters, fill, mean)
}

/// Metrics of one real number a row; for those over labels, values at or above `scoring.threshold` are of class 1.
pub(super) fn of_values(
    of: Of<'_>,
    gold: &[f64],
    predicted: &[&[f64]; 2],
) -> Result<Option<Sums>, MetricError> {
    if matches!(of.metric, Metric::Pearson | Metric::Spearman) {
        return correlation::sums(of, gold, *predicted).map(Some);
    }
    let Some(threshold) = of.task.scoring.threshold else {
        return Err(of.unfit("it needs `scoring.threshold`"));
    };
    let cut = |values: &[f64]| -> Vec<u32> {
        values.iter().map(|value| u32::from(*value >= threshold)).collect()
    };
    let (gold, base, new) = (cut(gold), cut(predicted[0]), cut(predicted[1]));
    let predicted = [base.as_slice(), new.as_slice()];
    let right = |system: usize, row: usize| gold[row] == predicted[system][row];
    Ok(Some(match of.metric {
        Metric::Accuracy | Metric::MicroF1 => Sums::of_right(gold.len(), of.clusters, right),
        _ => of_counts(of, &gold, &predicted)?,
    }))
}

/// Metrics of answers.
pub(super) fn of_answers(
    of: Of<'_>,
    exact: &[&[bool]; 2],
    char_f1: &[&[f64]; 2],
) -> Result<Sums, MetricError> {
    let rows = exact[0].len();
    Ok(match of.metric {
        Metric::ExactMatch => Sums::of_right(rows, of.clusters, |system, row| exact[system][row]),
        Metric::CharF1 => {
            let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
                entries.extend([(0, char_f1[system][row]), (1, 1.0)]);
            };
            Sums::new(2, rows, of.clusters, fill, mean)
        }
        _ => return Err(of.unfit("it is not a metric over answers")),
    })
}
