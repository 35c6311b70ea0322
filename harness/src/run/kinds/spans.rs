//! An answer to each question, from its context.

use super::rows::OnePerRow;
use super::{Answered, Answers, TaskRows, finite, of_another_head, score};
use crate::data::{Answers as Right, Gold, Input, Row};
use crate::metrics::{MetricError, Observations};
use crate::qa::{QaOptions, Window, WindowLogits, Words, answer, candidates, check_overlaps};
use crate::record::Output;
use crate::worker::{Logits, SpanLogits};
use std::collections::BTreeMap;

/// The answer to each question, and the windows of questions that are not complete yet.
pub(super) struct Asked<'a> {
    asked: TaskRows<'a>,
    options: QaOptions,
    waiting: BTreeMap<u32, Vec<SpanLogits>>,
    rows: OnePerRow<String>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(asked: TaskRows<'a>) -> Self {
        let options = asked.task.qa.unwrap_or_default();
        let rows = OnePerRow::new(asked.dataset.len());
        Self { asked, options, waiting: BTreeMap::new(), rows }
    }

    /// The answer of a question of which all windows are there.
    fn decide(&self, row: u32, mut all: Vec<SpanLogits>) -> Result<String, String> {
        all.sort_by_key(|window| window.window);
        if let Some(missing) = (0..).zip(&all).find(|(number, one)| *number != one.window) {
            return Err(format!("window {} of row {row} was not answered", missing.0));
        }
        let context = match self.asked.dataset.row(row as usize).map(|row| row.input) {
            Some(Input::Question { context, .. }) => context,
            _ => return Err(format!("row {row} was answered, but was not asked for")),
        };
        for window in &all {
            finite(row as usize, &window.start)?;
            finite(row as usize, &window.end)?;
        }
        let windows: Vec<Window> =
            all.iter_mut().map(|one| std::mem::take(&mut one.context)).collect();
        check_overlaps(&windows, self.options.doc_stride as usize)
            .map_err(|error| format!("row {row}: {error}"))?;
        let logits: Vec<WindowLogits<'_>> =
            all.iter().map(|one| WindowLogits { start: &one.start, end: &one.end }).collect();
        let found = candidates(&windows, &logits, &self.options);
        Ok(answer(&Words::split(context), &windows, &found))
    }
}

impl Answers for Asked<'_> {
    fn take(&mut self, logits: Logits) -> Result<u64, String> {
        let Logits::Spans(windows) = logits else { return Err(of_another_head()) };
        let mut complete = 0;
        for window in windows {
            let (row, of) = (window.row, window.windows as usize);
            let known = self.waiting.entry(row).or_default();
            known.push(window);
            if known.len() >= of {
                let all = self.waiting.remove(&row).unwrap_or_default();
                let text = self.decide(row, all)?;
                self.rows.put(row, text)?;
                complete += 1;
            }
        }
        Ok(complete)
    }

    fn complete(&self) -> Result<(), String> {
        self.rows.complete()
    }

    fn finish(self: Box<Self>) -> Result<Answered, MetricError> {
        let (asked, rows) = (self.asked, self.rows.into_rows());
        let gold = asked.dataset.rows().map(|row| right(&row).collect()).collect();
        let predicted = rows.iter().map(|text| Some(text.as_str())).collect();
        let scores = score(asked, &Observations::Answers { gold, predicted })?;
        let predictions = asked.dataset.rows().zip(&rows).map(|(row, text)| {
            let mut gold = right(&row).map(str::to_owned);
            let first = Output::Text(gold.next().unwrap_or_default());
            let mut predicted = asked.predicted(&row, first, Output::Text(text.clone()));
            predicted.also_gold = gold.collect();
            predicted
        });
        Ok(Answered { scores, predictions: predictions.collect() })
    }
}

/// The right answers to a question.
fn right<'a>(row: &Row<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let answers = if let Gold::Answers(answers) = row.gold { Some(answers) } else { None };
    answers.into_iter().flat_map(|answers: Right<'a>| answers.iter().map(|answer| answer.text))
}
