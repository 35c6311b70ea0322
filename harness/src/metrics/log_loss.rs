//! Mean negative log-likelihood.

use super::Metric;
use super::observations::ScoreRows;
use super::scoring::Scoring;
use crate::stats::{Grouped, mean, standard_error_of_mean};

/// How far a row of probabilities may be from summing to 1, as scikit-learn has it: the square root of
/// the distance from 1 to the next double.
const SUM_TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

/// The mean over the rows of minus the natural logarithm of the gold label's probability. Logits go through
/// the softmax. Probabilities are clipped to [ε, 1 - ε] with ε = 2^-52, as scikit-learn 1.3 and later do
/// for doubles (earlier versions: 1e-15), so that one row costs 36.04 at most.
pub(super) fn score(scoring: &mut Scoring<'_>, gold: &[u32], scores: &ScoreRows<'_>) {
    let metric = Metric::LogLoss;
    let labels = scoring.labels.len();
    let rows = || scores.values.chunks_exact(labels).zip(gold);
    let losses: Vec<f64> =
        rows().map(|(row, label)| loss(row, *label, scores.are_logits)).collect();
    if !scores.are_logits {
        let off = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs() > SUM_TOLERANCE;
        let count = rows().filter(|(row, _)| off(row)).count();
        if count > 0 {
            scoring.note(format!(
                "{metric}: the probabilities of {count} of {} rows do not sum to 1; they are taken as they are",
                losses.len()
            ));
        }
    }
    if scoring.has_many_rows() {
        let error = standard_error_of_mean(&losses);
        return scoring.normal(metric, mean(&losses), error, "normal");
    }
    let grouped = Grouped::new(2, losses.len(), scoring.clusters.as_ref(), |row, entries| {
        entries.push((0, losses[row]));
        entries.push((1, 1.0));
    });
    let statistic = grouped.of_sums(|sums| (sums[1] > 0.0).then(|| sums[0] / sums[1]));
    scoring.resampled(metric, mean(&losses), &statistic);
}

/// Of one row.
pub(super) fn loss(row: &[f64], gold: u32, are_logits: bool) -> f64 {
    let own = row[gold as usize];
    let probability = if are_logits {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|value| (value - largest).exp()).sum();
        (own - largest).exp() / sum
    } else {
        own
    };
    -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}
