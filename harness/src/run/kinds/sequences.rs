//! A label for each text or pair of texts.

use super::rows::OnePerRow;
use super::{Answered, Answers, TaskRows, argmax, finite, of_another_head, other_task, score};
use crate::data::Gold;
use crate::metrics::{LabelObservations, MetricError, Observations, ScoreRows};
use crate::record::{Output, PredictionRow};
use crate::worker::Logits;

/// The logits of each row.
pub(super) struct Labelled<'a> {
    asked: TaskRows<'a>,
    rows: OnePerRow<Vec<f32>>,
}

impl<'a> Labelled<'a> {
    pub(super) fn new(asked: TaskRows<'a>) -> Self {
        Self { asked, rows: OnePerRow::new(asked.dataset.len()) }
    }
}

impl Answers for Labelled<'_> {
    fn take(&mut self, logits: Logits) -> Result<u64, String> {
        let Logits::Rows { rows, width, values } = logits else { return Err(of_another_head()) };
        let labels = self.asked.labels().len();
        if width as usize != labels {
            return Err(other_task(width, "text", labels));
        }
        for (&row, logits) in rows.iter().zip(values.chunks(labels)) {
            finite(row as usize, logits)?;
            self.rows.put(row, logits.to_vec())?;
        }
        Ok(rows.len() as u64)
    }

    fn complete(&self) -> Result<(), String> {
        self.rows.complete()
    }

    fn finish(self: Box<Self>) -> Result<Answered, MetricError> {
        let (asked, rows) = (self.asked, self.rows.into_rows());
        let predicted: Vec<u32> = rows.iter().map(|logits| argmax(logits)).collect();
        let gold = asked.dataset.gold_labels();
        let values: Vec<f64> = rows.iter().flatten().map(|&logit| f64::from(logit)).collect();
        let scores = score(
            asked,
            &Observations::Labels(LabelObservations {
                gold: &gold,
                predicted: &predicted,
                scores: Some(ScoreRows { values: &values, are_logits: true }),
            }),
        )?;
        let id = |label: u32| Output::Text(asked.labels()[label as usize].id.clone());
        let answered = predicted.iter().zip(rows);
        let predictions = asked.dataset.rows().zip(answered).map(|(row, (&label, logits))| {
            let gold = match row.gold {
                Gold::Label(label) => id(label),
                _ => Output::Text(String::new()),
            };
            PredictionRow { logits: Some(logits), ..asked.predicted(&row, gold, id(label)) }
        });
        Ok(Answered { scores, predictions: predictions.collect() })
    }
}
