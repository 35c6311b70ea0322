//! A real number for each text or pair of texts.

use super::rows::OnePerRow;
use super::{Answered, Answers, TaskRows, finite, of_another_head, score};
use crate::metrics::{MetricError, Observations};
use crate::record::Output;
use crate::worker::Logits;

/// The number of each row.
pub(super) struct Valued<'a> {
    asked: TaskRows<'a>,
    rows: OnePerRow<f32>,
}

impl<'a> Valued<'a> {
    pub(super) fn new(asked: TaskRows<'a>) -> Self {
        Self { asked, rows: OnePerRow::new(asked.dataset.len()) }
    }
}

impl Answers for Valued<'_> {
    fn take(&mut self, logits: Logits) -> Result<u64, String> {
        let Logits::Rows { rows, width, values } = logits else { return Err(of_another_head()) };
        if width != 1 {
            return Err(format!(
                "the model gives {width} logits for a text, a regression has one: this checkpoint was trained for \
                 another task"
            ));
        }
        for (&row, &value) in rows.iter().zip(&values) {
            finite(row as usize, &[value])?;
            self.rows.put(row, value)?;
        }
        Ok(rows.len() as u64)
    }

    fn complete(&self) -> Result<(), String> {
        self.rows.complete()
    }

    fn finish(self: Box<Self>) -> Result<Answered, MetricError> {
        let (asked, rows) = (self.asked, self.rows.into_rows());
        let predicted: Vec<f64> = rows.into_iter().map(f64::from).collect();
        let gold = asked.dataset.gold_values();
        let observations = Observations::Values { gold: &gold, predicted: &predicted };
        let scores = score(asked, &observations)?;
        let answered = gold.iter().zip(&predicted);
        let predictions = asked.dataset.rows().zip(answered).map(|(row, (&gold, &value))| {
            asked.predicted(&row, Output::Number(gold), Output::Number(value))
        });
        Ok(Answered { scores, predictions: predictions.collect() })
    }
}
