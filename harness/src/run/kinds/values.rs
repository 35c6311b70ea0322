//! A real number for each text or pair of texts.

use super::rows::OnePerRow;
use super::{Answered, Answers, finite, of_another_head, score};
use crate::metrics::{MetricError, Observations};
use crate::record::{Output, PredictionRow};
use crate::run::plan::PlannedRun;
use crate::worker::Logits;

/// The number of each row.
pub(super) struct Valued<'a> {
    cell: &'a PlannedRun,
    rows: OnePerRow<f32>,
}

impl<'a> Valued<'a> {
    pub(super) fn new(cell: &'a PlannedRun) -> Self {
        Self { cell, rows: OnePerRow::new(cell.dataset.len()) }
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
        let (cell, rows) = (self.cell, self.rows.into_rows());
        let predicted: Vec<f64> = rows.into_iter().map(f64::from).collect();
        let gold = cell.dataset.gold_values();
        let observations = Observations::Values { gold: &gold, predicted: &predicted };
        let scores = score(cell, &observations)?;
        let answered = gold.iter().zip(&predicted);
        let predictions =
            cell.dataset.rows().zip(answered).map(|(row, (&gold, &value))| PredictionRow {
                i: row.index as u64,
                id: row.id.map(ToString::to_string),
                gold: Output::Number(gold),
                pred: Output::Number(value),
                logits: None,
            });
        Ok(Answered { scores, predictions: predictions.collect() })
    }
}
