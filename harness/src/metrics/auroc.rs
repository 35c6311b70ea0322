//! Area under the ROC curve.

use super::observations::ScoreRows;
use super::scoring::Scoring;
use super::{Metric, MetricError};
use crate::stats::{Order, Weighted, standard_error_of_auroc};

/// The probability that a positive row scores higher than a negative one, ties counted half: the area
/// under the ROC curve (Hanley and McNeil, Radiology 143 (1982)). The score is the difference of the two
/// logits, or the probability of the positive label.
///
/// Left out with a note where all rows are of one label.
pub(super) fn score(
    scoring: &mut Scoring<'_>,
    gold: &[u32],
    scores: &ScoreRows<'_>,
) -> Result<(), MetricError> {
    let metric = Metric::Auroc;
    let positive = scoring.positive(metric)?;
    if scoring.labels.len() != 2 {
        let reason = format!("it needs two labels, not {}", scoring.labels.len());
        return Err(MetricError::Unfit { metric: metric.name(), reason });
    }
    let values = margins(scores, positive);
    let positives: Vec<bool> = gold.iter().map(|label| *label == positive).collect();
    let clusters = scoring.clusters.as_ref().map(|clusters| (clusters.of_row(), clusters.count()));
    let roc = Roc::new(&values, &positives, clusters);
    let many = scoring.has_many_rows();
    let error = many.then(|| standard_error_of_auroc(&values, &positives)).flatten();
    match (roc.value(roc.multiplicities(), &mut Vec::new()), error) {
        (Some(value), Some(error)) => scoring.normal(metric, value, error, "delong"),
        (Some(value), None) => scoring.resampled(metric, value, &roc),
        (None, _) => scoring.leave_out(metric, "all rows have the same gold label"),
    }
    Ok(())
}

/// What orders rows of two labels: the difference of the two logits, or the probability of the positive label.
pub(super) fn margins(scores: &ScoreRows<'_>, positive: u32) -> Vec<f64> {
    let of_row = |row: &[f64; 2]| {
        let (own, other) = (row[positive as usize], row[1 - positive as usize]);
        if scores.are_logits { own - other } else { own }
    };
    scores.values.as_chunks::<2>().0.iter().map(of_row).collect()
}

/// Rows in the order of their scores.
struct Roc {
    entries: Vec<Entry>,
    multiplicities: Vec<u32>,
    group_of: Vec<u32>,
}

struct Entry {
    tie: u32,
    positive: bool,
    /// Index of its weight.
    group: u32,
}

impl Roc {
    fn new(values: &[f64], positives: &[bool], clusters: Option<(&[u32], usize)>) -> Self {
        let order = Order::new(values);
        let mut keys: Vec<(u32, bool, u32)> = (0..values.len())
            .map(|row| (order.tie_of()[row], positives[row], row as u32))
            .collect();
        keys.sort_unstable();
        if let Some((of_row, count)) = clusters {
            let entry = |&(tie, positive, row): &(u32, bool, u32)| Entry {
                tie,
                positive,
                group: of_row[row as usize],
            };
            return Self {
                entries: keys.iter().map(entry).collect(),
                multiplicities: vec![1; count],
                group_of: (0..count as u32).collect(),
            };
        }
        let mut roc = Self {
            entries: Vec::new(),
            multiplicities: Vec::new(),
            group_of: vec![0; values.len()],
        };
        for same in keys.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let group = roc.multiplicities.len() as u32;
            roc.entries.push(Entry { tie: same[0].0, positive: same[0].1, group });
            roc.multiplicities.push(same.len() as u32);
            for (_, _, row) in same {
                roc.group_of[*row as usize] = group;
            }
        }
        roc
    }
}

impl Weighted for Roc {
    fn multiplicities(&self) -> &[u32] {
        &self.multiplicities
    }

    fn group_of(&self) -> &[u32] {
        &self.group_of
    }

    fn value(&self, weights: &[u32], _: &mut Vec<f64>) -> Option<f64> {
        // Twice the number of pairs in which the positive row is higher, ties half: whole numbers.
        let (mut twice, mut below, mut tied, mut tied_positives) = (0u64, 0u64, 0u64, 0u64);
        let (mut positives, mut tie) = (0u64, u32::MAX);
        for entry in &self.entries {
            if entry.tie != tie {
                twice += tied_positives * (2 * below + tied);
                below += tied;
                (tie, tied, tied_positives) = (entry.tie, 0, 0);
            }
            let weight = u64::from(weights[entry.group as usize]);
            if entry.positive {
                tied_positives += weight;
                positives += weight;
            } else {
                tied += weight;
            }
        }
        twice += tied_positives * (2 * below + tied);
        let pairs = positives * (below + tied);
        (pairs > 0).then(|| twice as f64 / (2.0 * pairs as f64))
    }

    fn effort(&self) -> u64 {
        2 * self.entries.len().max(self.group_of.len()) as u64
    }
}
