//! What each kind of task asks of a model, and what it makes of the answers.

mod rows;
mod sequences;
mod spans;
mod values;
mod words;

use super::plan::PlannedRun;
use crate::metrics::{self, IntervalOptions, MetricError, Observations, Scores};
use crate::plugin::Head;
use crate::record::PredictionRow;
use crate::task::Kind;
use crate::worker::Logits;

/// The head that a kind of task needs.
pub(super) fn head(kind: Kind) -> Head {
    match kind {
        Kind::SequenceClassification | Kind::SequenceRegression => Head::Sequence,
        Kind::TokenClassification => Head::Token,
        Kind::ExtractiveQa => Head::Span,
    }
}

/// How many values that head gives, of so many labels; none where the head knows itself.
pub(super) fn outputs(kind: Kind, labels: usize) -> Option<u32> {
    match kind {
        Kind::SequenceClassification | Kind::TokenClassification => u32::try_from(labels).ok(),
        Kind::SequenceRegression => Some(1),
        Kind::ExtractiveQa => None,
    }
}

/// The answers of a cell as they arrive, batch by batch.
pub(super) trait Answers {
    /// Takes a batch in; how many rows it is the first answer to, or what is wrong with it.
    fn take(&mut self, logits: Logits) -> Result<u64, String>;

    /// Whether every row was answered.
    fn complete(&self) -> Result<(), String>;

    /// Scores what was answered, which is complete.
    fn finish(self: Box<Self>) -> Result<Answered, MetricError>;
}

/// What a cell's answers came to.
pub(super) struct Answered {
    pub(super) scores: Scores,
    pub(super) predictions: Vec<PredictionRow>,
}

/// An empty set of answers to a cell.
pub(super) fn answers<'a>(cell: &'a PlannedRun) -> Box<dyn Answers + 'a> {
    match cell.task.kind {
        Kind::SequenceClassification => Box::new(sequences::Labelled::new(cell)),
        Kind::SequenceRegression => Box::new(values::Valued::new(cell)),
        Kind::TokenClassification => Box::new(words::Tagged::new(cell)),
        Kind::ExtractiveQa => Box::new(spans::Asked::new(cell)),
    }
}

fn score(cell: &PlannedRun, observations: &Observations<'_>) -> Result<Scores, MetricError> {
    let data = &cell.dataset;
    let intervals = IntervalOptions::default();
    metrics::evaluate(&cell.task, data.labels(), observations, data.clusters(), &intervals)
}

/// The message for logits of another head than was asked for.
fn of_another_head() -> String {
    "the worker answered with the logits of another head".into()
}

/// The message for a checkpoint that does not fit the task.
fn other_task(width: u32, of: &str, expected: usize) -> String {
    format!(
        "the model gives {width} logits for a {of}, the task has {expected} labels: this checkpoint was trained \
         for another task"
    )
}

/// The first of the largest values, as `argmax` of numpy and torch has it.
fn argmax(row: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (i, &value) in (0..).zip(row) {
        if value > best.1 {
            best = (i, value);
        }
    }
    best.0
}

/// Whether all logits of a row are numbers.
fn finite(row: usize, values: &[f32]) -> Result<(), String> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(format!(
            "the model's logits for row {row} hold {value}, which is not a finite number"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_logits_wins() {
        assert_eq!(argmax(&[1.0, 1.0]), 0);
        assert_eq!(argmax(&[-2.0, 1.0, 1.0]), 1);
        assert_eq!(argmax(&[0.5]), 0);
    }
}
