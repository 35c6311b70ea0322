//! A label for each word: that of its first token.

use super::rows::OnePerRow;
use super::{Answered, Answers, TaskRows, argmax, finite, of_another_head, other_task, score};
use crate::data::{Gold, Input, Row};
use crate::metrics::{MetricError, Observations};
use crate::record::{Output, Word};
use crate::worker::Logits;

/// The labels of each row's words; none for words that the model never saw.
pub(super) struct Tagged<'a> {
    asked: TaskRows<'a>,
    rows: OnePerRow<Vec<Option<u32>>>,
}

impl<'a> Tagged<'a> {
    pub(super) fn new(asked: TaskRows<'a>) -> Self {
        Self { asked, rows: OnePerRow::new(asked.dataset.len()) }
    }

    fn words(&self, row: u32) -> usize {
        let row = self.asked.dataset.row(row as usize);
        match row.map(|row| row.input) {
            Some(Input::Words(words)) => words.len(),
            _ => 0,
        }
    }
}

impl Answers for Tagged<'_> {
    fn take(&mut self, logits: Logits) -> Result<u64, String> {
        let Logits::Words { rows, width, values } = logits else { return Err(of_another_head()) };
        let labels = self.asked.labels().len();
        if width as usize != labels {
            return Err(other_task(width, "word", labels));
        }
        let mut answered = values.chunks(labels);
        for &(row, seen) in &rows {
            let mut words = Vec::with_capacity(self.words(row));
            for logits in answered.by_ref().take(seen as usize) {
                finite(row as usize, logits)?;
                words.push(Some(argmax(logits)));
            }
            words.resize(self.words(row).max(words.len()), None);
            self.rows.put(row, words)?;
        }
        Ok(rows.len() as u64)
    }

    fn complete(&self) -> Result<(), String> {
        self.rows.complete()
    }

    fn finish(self: Box<Self>) -> Result<Answered, MetricError> {
        let (asked, rows) = (self.asked, self.rows.into_rows());
        let gold = asked.dataset.rows().map(|row| tags(&row)).collect();
        let predicted = rows.iter().map(Vec::as_slice).collect();
        let scores = score(asked, &Observations::Tags { gold, predicted })?;
        let label = |label: u32| Some(asked.labels()[label as usize].id.clone());
        let word = |tag: &Option<u32>| Word { label: tag.and_then(label), cut: tag.is_none() };
        let predictions = asked.dataset.rows().zip(&rows).map(|(row, predicted)| {
            let gold = tags(&row).iter().map(|&tag| Word { label: label(tag), cut: false });
            let predicted = predicted.iter().map(word).collect();
            asked.predicted(&row, Output::Words(gold.collect()), Output::Words(predicted))
        });
        Ok(Answered { scores, predictions: predictions.collect() })
    }
}

fn tags<'a>(row: &Row<'a>) -> &'a [u32] {
    if let Gold::Tags(tags) = row.gold { tags } else { &[] }
}
