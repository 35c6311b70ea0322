//! Exact match and character F1 of answers, as KorQuAD 1.0 has them.

use super::normalise::normalise_answer;
use super::scoring::Scoring;
use super::{Metric, MetricError};
use crate::stats::Grouped;

/// What each answer is worth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnswerScores {
    /// Whether it is equal to a right one after the normalisation.
    pub exact: Vec<bool>,
    /// The best overlap of its characters with a right one.
    pub char_f1: Vec<f64>,
}

impl AnswerScores {
    /// Compares answers with right ones. A question without an answer is worth 0.
    ///
    /// # Errors
    /// [`MetricError::Lengths`] and [`MetricError::NoAnswers`].
    pub fn new(gold: &[Vec<&str>], predicted: &[Option<&str>]) -> Result<Self, MetricError> {
        if gold.len() != predicted.len() {
            return Err(MetricError::Lengths { gold: gold.len(), predicted: predicted.len() });
        }
        let mut scores = Self::default();
        for (row, (gold, predicted)) in gold.iter().zip(predicted).enumerate() {
            if gold.is_empty() {
                return Err(MetricError::NoAnswers { row });
            }
            let (exact, f1) = predicted.map_or((false, 0.0), |answer| best(answer, gold));
            scores.exact.push(exact);
            scores.char_f1.push(f1);
        }
        Ok(scores)
    }

    /// Number of exact matches. 100.0 times it, by the number of questions, has the official evaluation's
    /// bits.
    pub fn exact_sum(&self) -> f64 {
        self.exact.iter().filter(|exact| **exact).count() as f64
    }

    /// Sum of the character F1, in dataset order. 100.0 times it, by the number of questions, has the
    /// official evaluation's bits.
    pub fn char_f1_sum(&self) -> f64 {
        self.char_f1.iter().fold(0.0, |sum, f1| sum + f1)
    }
}

fn best(answer: &str, gold: &[&str]) -> (bool, f64) {
    let answer = normalise_answer(answer);
    let mut best = (false, 0.0_f64);
    for right in gold {
        let right = normalise_answer(right);
        best = (best.0 || answer == right, best.1.max(overlap(&answer, &right)));
    }
    best
}

/// F1 over the multisets of characters, spaces apart; 0 where they share none, even where both are empty.
fn overlap(answer: &str, right: &str) -> f64 {
    let characters = |text: &str| {
        let mut characters: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
        characters.sort_unstable();
        characters
    };
    let (answer, right) = (characters(answer), characters(right));
    let (mut i, mut j, mut same) = (0, 0, 0u32);
    while let (Some(a), Some(b)) = (answer.get(i), right.get(j)) {
        same += u32::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    if same == 0 {
        return 0.0;
    }
    let precision = f64::from(same) / answer.len() as f64;
    let recall = f64::from(same) / right.len() as f64;
    (2.0 * precision * recall) / (precision + recall)
}

/// Scores answers with the task's metrics.
pub(super) fn score(
    scoring: &mut Scoring<'_>,
    gold: &[Vec<&str>],
    predicted: &[Option<&str>],
) -> Result<(), MetricError> {
    let scores = AnswerScores::new(gold, predicted)?;
    let n = gold.len();
    let unanswered = predicted.iter().filter(|answer| answer.is_none()).count();
    if unanswered > 0 {
        scoring.note(format!("{unanswered} of {n} questions have no answer and count as 0"));
    }
    let empty = predicted.iter().flatten().filter(|answer| normalise_answer(answer).is_empty());
    let empty = empty.count();
    if empty > 0 {
        scoring.note(format!("{empty} of {n} answers normalise to nothing: their char_f1 is 0"));
    }
    let means = |sums: &[f64]| (sums[1] > 0.0).then(|| sums[0] / sums[1]);
    for metric in scoring.task.metrics.clone() {
        let value = |row: usize| match metric {
            Metric::ExactMatch => f64::from(u8::from(scores.exact[row])),
            _ => scores.char_f1[row],
        };
        let grouped = Grouped::new(2, n, scoring.clusters.as_ref(), |row, entries| {
            entries.extend([(0, value(row)), (1, 1.0)]);
        });
        let statistic = grouped.of_sums(means);
        if metric == Metric::ExactMatch {
            scoring.proportion(metric, scores.exact_sum() as u64, n as u64, &statistic);
        } else {
            scoring.resampled(metric, scores.char_f1_sum() / n as f64, &statistic);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_the_right_answers_counts() {
        let gold =
            [vec!["서울", "서울특별시"], vec!["1,024"], vec!["한국"], vec!["!?"], vec!["가 나"]];
        let predicted = [Some("서울 특별시"), Some("1024"), None, Some("(…)"), Some("가나")];
        let scores = AnswerScores::new(&gold, &predicted).expect("scored");
        assert_eq!(scores.exact, [false, true, false, false, false]);
        assert_eq!(scores.char_f1, [1.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!((scores.exact_sum(), scores.char_f1_sum()), (1.0, 3.0));
        // Two empty ones are equal, but share no character.
        let empty = AnswerScores::new(&[vec!["!"]], &[Some("?")]).expect("scored");
        assert_eq!((empty.exact[0], empty.char_f1[0]), (true, 0.0));
        let none = AnswerScores::new(&[vec![]], &[Some("?")]);
        assert_eq!(none, Err(MetricError::NoAnswers { row: 0 }));
    }
}
