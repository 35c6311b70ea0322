//! What each kind of task asks of a model, and what it makes of the answers.

mod rows;
mod sequences;
mod spans;
mod values;
mod words;

use crate::data::{Dataset, Row};
use crate::metrics::{self, IntervalOptions, MetricError, Observations, Scores};
use crate::plugin::Head;
use crate::record::{Output, PredictionRow};
use crate::task::{Kind, Label, Task};
use crate::worker::Logits;

/// The head that a kind of task needs.
pub(crate) fn head(kind: Kind) -> Head {
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

/// Rows of a task that a model is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaskRows<'a> {
    pub(super) task: &'a Task,
    pub(super) dataset: &'a Dataset,
    pub(super) intervals: IntervalOptions,
}

impl<'a> TaskRows<'a> {
    /// The rows, scored with intervals.
    pub(super) fn new(task: &'a Task, dataset: &'a Dataset) -> Self {
        Self { task, dataset, intervals: IntervalOptions::default() }
    }

    /// A row's prediction.
    fn predicted(&self, row: &Row<'_>, gold: Output, pred: Output) -> PredictionRow {
        PredictionRow {
            id: row.id.map(ToString::to_string),
            cluster: self.dataset.clusters().map(|clusters| clusters[row.index]),
            ..PredictionRow::new(row.index as u64, gold, pred)
        }
    }

    /// The task's labels, in the order of the logits.
    fn labels(&self) -> &'a [Label] {
        self.dataset.labels()
    }
}

/// The answers to some rows as they arrive, batch by batch.
pub(super) trait Answers {
    /// Takes a batch in; how many rows it is the first answer to, or what is wrong with it.
    fn take(&mut self, logits: Logits) -> Result<u64, String>;

    /// Whether every row was answered.
    fn complete(&self) -> Result<(), String>;

    /// Scores what was answered, which is complete.
    fn finish(self: Box<Self>) -> Result<Answered, MetricError>;
}

/// What the answers came to.
pub(super) struct Answered {
    pub(super) scores: Scores,
    pub(super) predictions: Vec<PredictionRow>,
}

/// An empty set of answers to some rows.
pub(super) fn answers<'a>(asked: TaskRows<'a>) -> Box<dyn Answers + 'a> {
    match asked.task.kind {
        Kind::SequenceClassification => Box::new(sequences::Labelled::new(asked)),
        Kind::SequenceRegression => Box::new(values::Valued::new(asked)),
        Kind::TokenClassification => Box::new(words::Tagged::new(asked)),
        Kind::ExtractiveQa => Box::new(spans::Asked::new(asked)),
    }
}

fn score(asked: TaskRows<'_>, observations: &Observations<'_>) -> Result<Scores, MetricError> {
    let data = asked.dataset;
    metrics::evaluate(asked.task, data.labels(), observations, data.clusters(), &asked.intervals)
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
    use crate::data::{DataPlaces, DatasetOptions};
    use crate::task::Registry;

    /// Two rows of NSMC, as a task of some kind.
    fn two(kind: Kind) -> (Task, Dataset) {
        let mut task = Registry::load(&[]).unwrap().get("nsmc").unwrap();
        let options = DatasetOptions { limit: Some(2), ..DatasetOptions::default() };
        let dataset = Dataset::open(&task, Some("sample"), &DataPlaces::default(), options);
        task.kind = kind;
        (task, dataset.unwrap())
    }

    fn rows(rows: &[u32], width: u32, values: &[f32]) -> Logits {
        Logits::Rows { rows: rows.to_vec(), width, values: values.to_vec() }
    }

    #[test]
    fn the_first_of_equal_logits_wins() {
        assert_eq!(argmax(&[1.0, 1.0]), 0);
        assert_eq!(argmax(&[-2.0, 1.0, 1.0]), 1);
        assert_eq!(argmax(&[0.5]), 0);
    }

    #[test]
    fn labels_come_in_any_order_and_go_out_in_that_of_the_rows() {
        let (task, dataset) = two(Kind::SequenceClassification);
        let mut answers = answers(TaskRows::new(&task, &dataset));
        answers.take(rows(&[1], 2, &[0.0, 1.0])).unwrap();
        assert!(answers.complete().unwrap_err().contains("row 0 was not answered"));
        answers.take(rows(&[0], 2, &[2.0, 1.0])).unwrap();
        let answered = answers.finish().unwrap();
        let predicted: Vec<_> = answered.predictions.iter().map(|row| &row.pred).collect();
        let text = |label: &str| Output::Text(label.into());
        assert_eq!(predicted, [&text("0"), &text("1")]);
        assert_eq!(answered.predictions[1].logits, Some(vec![0.0, 1.0]));
        assert_eq!(answered.scores.n, 2);
    }

    #[test]
    fn logits_that_do_not_fit_the_task_are_named() {
        let wrong = |kind: Kind, logits: Logits| {
            let (task, dataset) = two(kind);
            answers(TaskRows::new(&task, &dataset)).take(logits).unwrap_err()
        };
        let classes = Kind::SequenceClassification;
        assert!(
            wrong(classes, rows(&[0], 3, &[1.0; 3]))
                .contains("3 logits for a text, the task has 2")
        );
        let nan = wrong(classes, rows(&[1], 2, &[1.0, f32::NAN]));
        assert!(nan.contains("row 1 hold NaN"), "{nan}");
        let number = Kind::SequenceRegression;
        assert!(wrong(number, rows(&[0], 2, &[1.0; 2])).contains("a regression has one"));
        assert!(wrong(number, rows(&[0], 1, &[f32::INFINITY])).contains("row 0 hold inf"));
        let words = Logits::Words { rows: vec![(0, 1)], width: 3, values: vec![0.0; 3] };
        let said = wrong(Kind::TokenClassification, words.clone());
        assert!(said.contains("3 logits for a word, the task has 2"), "{said}");
        assert!(wrong(Kind::ExtractiveQa, words).contains("another head"));
    }
}
