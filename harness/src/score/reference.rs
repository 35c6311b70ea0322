//! What predictions are compared with: the gold of a data set, or that of the predictions file itself.

use std::borrow::Cow;
use std::path::Path;

use super::labels::LabelNames;
use super::problems::Problems;
use super::value::Predictions;
use super::{ScoreError, convert};
use crate::data::{Dataset, Gold};
use crate::task::{Kind, Task};

/// The rows of the data, as far as scoring needs them.
#[derive(Debug)]
pub(super) struct Reference<'a> {
    /// The rows' own ids; none for rows without.
    pub(super) ids: Vec<Option<&'a str>>,
    pub(super) gold: Right<'a>,
    pub(super) clusters: Option<&'a [u32]>,
}

/// What is right, row by row.
#[derive(Debug)]
pub(super) enum Right<'a> {
    Labels(Vec<u32>),
    Values(Vec<f64>),
    Tags(Vec<Cow<'a, [u32]>>),
    Answers(Vec<Vec<&'a str>>),
}

impl<'a> Reference<'a> {
    pub(super) fn of_data(task: &Task, data: &'a Dataset) -> Self {
        let gold = match task.kind {
            Kind::SequenceClassification => Right::Labels(data.gold_labels()),
            Kind::SequenceRegression => Right::Values(data.gold_values()),
            Kind::TokenClassification => Right::Tags(
                data.rows()
                    .filter_map(|row| match row.gold {
                        Gold::Tags(tags) => Some(Cow::Borrowed(tags)),
                        _ => None,
                    })
                    .collect(),
            ),
            Kind::ExtractiveQa => Right::Answers(
                data.rows()
                    .filter_map(|row| match row.gold {
                        Gold::Answers(answers) => {
                            Some(answers.iter().map(|answer| answer.text).collect())
                        }
                        _ => None,
                    })
                    .collect(),
            ),
        };
        let ids = data.rows().map(|row| row.id).collect();
        Self { ids, gold, clusters: data.clusters() }
    }

    /// The gold column of a predictions file.
    ///
    /// # Errors
    /// [`ScoreError::Rows`] with the gold that is none.
    pub(super) fn of_predictions(
        kind: Kind,
        predictions: &'a Predictions<'_>,
        labels: &LabelNames<'_>,
        path: &Path,
    ) -> Result<Self, ScoreError> {
        let mut problems = Problems::of(kind);
        let golds = predictions.rows.iter().zip(&predictions.gold);
        let golds = golds.map(|(row, gold)| (gold, || predictions.place(row)));
        let gold = match kind {
            Kind::SequenceClassification => Right::Labels(
                golds
                    .filter_map(|(gold, place)| {
                        convert::label(gold, labels, "gold labels", place, &mut problems)
                    })
                    .collect(),
            ),
            Kind::SequenceRegression => Right::Values(
                golds
                    .filter_map(|(gold, place)| {
                        convert::value(gold, "gold values", place, &mut problems)
                    })
                    .collect(),
            ),
            Kind::TokenClassification => Right::Tags(
                golds
                    .map(|(gold, place)| {
                        convert::gold_tags(gold, labels, place, &mut problems).into()
                    })
                    .collect(),
            ),
            Kind::ExtractiveQa => Right::Answers(
                golds
                    .map(|(gold, place)| convert::gold_answers(gold, place, &mut problems))
                    .collect(),
            ),
        };
        problems.check(path)?;
        Ok(Self { ids: vec![None; predictions.rows.len()], gold, clusters: None })
    }

    /// Rows.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The row at `index`, for messages: by its id where it has one and rows were joined by ids.
    pub(super) fn name(&self, index: usize, by_id: bool) -> String {
        match self.ids.get(index).copied().flatten() {
            Some(id) if by_id => format!("id {id}"),
            _ => format!("row {index}"),
        }
    }
}
