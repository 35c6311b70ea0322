//! Numbers for the labels, in the order of the data.

use crate::score::labels::LabelNames;
use crate::score::problems::Problems;
use crate::score::value::{Predictions, ScoreKind};

/// How far a row of probabilities may be from the sum 1: what printing them with few digits does.
const SUM_TOLERANCE: f64 = 1e-2;

/// The numbers of all rows, `[rows * labels]`, in the order of `rows`; and whether they are logits. None
/// where the file has none. `positive` is the index of the label that single numbers are about.
pub(in crate::score) fn label_scores(
    predictions: &Predictions<'_>,
    rows: &[Option<usize>],
    labels: &LabelNames<'_>,
    positive: usize,
    problems: &mut Problems,
) -> Option<(Vec<f64>, bool)> {
    let kind = predictions.scores.kind?;
    let labels = labels.labels().len();
    let width = if kind == ScoreKind::Positive { 1 } else { labels };
    let mut values = Vec::with_capacity(rows.len() * labels);
    for index in rows.iter().copied().flatten() {
        let place = || predictions.place(&predictions.rows[index]);
        // Rows at the end of the file may have none.
        let row = predictions.scores.values.get(index * width..(index + 1) * width);
        let Some(row) = row.filter(|row| row.iter().all(|value| value.is_finite())) else {
            problems.add("rows without finite numbers for the labels, which others have", place);
            continue;
        };
        let is_probability = row.iter().all(|value| (0.0..=1.0).contains(value));
        match kind {
            ScoreKind::Logits => values.extend_from_slice(row),
            ScoreKind::Probabilities if is_probability && (row.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE => {
                values.extend_from_slice(row);
            }
            ScoreKind::Positive if is_probability => {
                let other = 1.0 - row[0];
                values.extend((0..labels).map(|label| if label == positive { row[0] } else { other }));
            }
            ScoreKind::Probabilities => problems.add(
                "rows whose probabilities are not from 0 to 1 with the sum 1 (numbers before the softmax are called `logits`)",
                || format!("the sum {} in {}", row.iter().sum::<f64>(), place()),
            ),
            ScoreKind::Positive => problems.add("scores that are no probability from 0 to 1", || {
                format!("{} in {}", row[0], place())
            }),
        }
    }
    Some((values, kind == ScoreKind::Logits))
}
