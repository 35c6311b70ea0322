//! Scoring the predictions of any system.
//!
//! A file goes through four steps: its text (`file`), its rows in whatever format they are (`format`,
//! `read`), which row of the data each belongs to (`join`), and what the task's metrics are computed of
//! (`convert`). What is wrong with rows is counted over the whole file before it is reported.

mod convert;
mod error;
mod file;
mod format;
mod join;
mod labels;
mod lines;
mod options;
mod problems;
mod read;
mod reference;
mod report;
mod value;

use std::path::Path;

pub use error::ScoreError;
pub use format::InputFormat;
pub use join::JoinedBy;
pub use options::ScoreOptions;
pub use report::{ScoreReport, ScoredFile};

use crate::data::Dataset;
use crate::error::Error;
use crate::metrics::{self, LabelObservations, Metric, Observations, ScoreRows, Scores};
use crate::record::DataInfo;
use crate::task::{Kind, Label, Task};
use convert::Predicted;
use file::TextFile;
use join::Joined;
use labels::LabelNames;
use problems::Problems;
use read::{Names, Request};
use reference::{Reference, Right};
use value::Predictions;

/// Scores the predictions in `path` against the gold of `data`, which must be of `task`.
///
/// Rows are joined by id where both sides have ids, else by index, else by line. The same predictions
/// give the same bits as the run that made them.
///
/// # Errors
/// [`ScoreError`]: an unreadable file, options that do not fit the task, and rows that are missing,
/// doubled, unknown or have unknown labels, counted, with the first few of them.
pub fn score(
    task: &Task,
    data: &Dataset,
    path: &Path,
    options: &ScoreOptions,
) -> Result<ScoreReport, Error> {
    let file = TextFile::read(path)?;
    let scoring = Scoring::new(task, data.labels(), &file, options)?;
    let (predictions, sha256) = file.hashed_during(|| scoring.read(data.len()));
    let predictions = predictions?;
    let reference = Reference::of_data(task, data);
    let outcome = scoring.score(&predictions, &reference)?;
    let mut warnings = data.warnings().to_vec();
    if !data.info().verified && warnings.is_empty() {
        warnings.push("the gold labels are not a file that the task names".to_owned());
    }
    if (data.len() as u64) < data.info().split_rows() {
        let (scored, all) = (data.len(), data.info().split_rows());
        warnings.push(format!("only the first {scored} of {all} rows were scored"));
    }
    let split = (!data.split().is_empty()).then(|| data.split().to_owned());
    Ok(scoring.report(outcome, (&predictions, sha256), (data.info().clone(), split), warnings))
}

/// Scores predictions against the gold in a column of the same file ([`ScoreOptions::gold_column`]), for
/// data that its user cannot hand out in the task's format.
///
/// # Errors
/// As [`score`].
pub fn score_own_gold(
    task: &Task,
    path: &Path,
    limit: Option<u64>,
    options: &ScoreOptions,
) -> Result<ScoreReport, Error> {
    let file = TextFile::read(path)?;
    let scoring = Scoring::new(task, &task.labels, &file, options)?;
    if task.labels.is_empty() && task.labels_file.is_some() {
        return Err(ScoreError::Options {
            message: format!("the labels of {} are in a file of its data set, which a gold column cannot replace", task.name),
            hint: "give the gold with --gold or --split".to_owned(),
        }
        .into());
    }
    let (predictions, sha256) = file.hashed_during(|| scoring.read(usize::MAX));
    let mut predictions = predictions?;
    let info = DataInfo {
        file: path.display().to_string(),
        sha256: sha256.clone(),
        rows: predictions.rows.len() as u64,
        part: None,
        verified: false,
        labels_sha256: None,
    };
    // The gold of a row stands beside its prediction: ids and indices have nothing to join.
    for row in &mut predictions.rows {
        (row.id, row.index) = (None, None);
    }
    let mut warnings = vec![format!(
        "the gold is the file's own column `{}`: nothing says that it is the data of {}",
        options.gold_column.as_deref().unwrap_or_default(),
        task.name
    )];
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if limit < predictions.rows.len() {
        warnings.push(format!("only the first {limit} of {} rows were scored", info.rows));
        predictions.rows.truncate(limit);
        predictions.gold.truncate(limit);
    }
    let reference = Reference::of_predictions(task.kind, &predictions, &scoring.labels, path)?;
    let outcome = scoring.score(&predictions, &reference)?;
    Ok(scoring.report(outcome, (&predictions, sha256), (info, None), warnings))
}

/// One file that is scored.
struct Scoring<'a> {
    task: &'a Task,
    labels: LabelNames<'a>,
    file: &'a TextFile,
    options: &'a ScoreOptions,
    format: InputFormat,
    /// Index of the label that single scores are about.
    positive: usize,
}

/// What came of it.
struct Outcome {
    scores: Scores,
    joined: Joined,
    warnings: Vec<String>,
}

impl<'a> Scoring<'a> {
    fn new(
        task: &'a Task,
        labels: &'a [Label],
        file: &'a TextFile,
        options: &'a ScoreOptions,
    ) -> Result<Self, ScoreError> {
        let labels = LabelNames::new(labels);
        let positive = options.check(task, labels.labels())?;
        let names = Names::new(options);
        let format = options.input_format.unwrap_or_else(|| {
            InputFormat::detect(&file.path, file.text(), task.kind, &names, &labels)
        });
        Ok(Self { task, labels, file, options, format, positive })
    }

    fn wants_scores(&self) -> bool {
        let uses = [Metric::Auroc, Metric::LogLoss];
        self.task.kind == Kind::SequenceClassification
            && self.task.metrics.iter().any(|metric| uses.contains(metric))
    }

    /// Reads the file, which should have so many `rows`.
    fn read(&self, rows: usize) -> Result<Predictions<'a>, ScoreError> {
        let request = Request {
            path: &self.file.path,
            kind: self.task.kind,
            labels: &self.labels,
            names: Names::new(self.options),
            wants_scores: self.wants_scores(),
            comment: self.task.reader.comment.as_deref(),
        };
        let mut predictions = read::read(self.file.text(), self.format, &request)?;
        if self.format == InputFormat::Lines {
            predictions.drop_blank_tail(rows);
        }
        Ok(predictions)
    }

    fn score(
        &self,
        predictions: &Predictions<'_>,
        reference: &Reference<'_>,
    ) -> Result<Outcome, Error> {
        let (mut joined, predicted) = self.predicted(predictions, reference)?;
        let scores = self.evaluate(reference, &predicted)?;
        let mut warnings = std::mem::take(&mut joined.warnings);
        if joined.missing > 0 {
            warnings.push(format!(
                "{} of {} questions have no answer, and count as wrong",
                joined.missing,
                reference.len()
            ));
        }
        if self.options.score_column.is_some() && !self.wants_scores() {
            warnings.push(format!("no metric of {} uses the score column", self.task.name));
        }
        Ok(Outcome { scores, joined, warnings })
    }

    /// What is predicted for each row of the data, when nothing is wrong with any.
    fn predicted<'p>(
        &self,
        predictions: &'p Predictions<'_>,
        reference: &Reference<'_>,
    ) -> Result<(Joined, Predicted<'p>), ScoreError> {
        let path = &self.file.path;
        let mut problems = Problems::of(self.task.kind);
        let source = (path.as_path(), self.format);
        let joined =
            join::join(reference, predictions, source, self.options.allow_missing, &mut problems)?;
        let labels = (&self.labels, self.positive);
        let predicted = convert::predicted(predictions, reference, &joined, labels, &mut problems);
        problems.check(path)?;
        Ok((joined, predicted))
    }

    fn evaluate(
        &self,
        reference: &Reference<'_>,
        predicted: &Predicted<'_>,
    ) -> Result<Scores, Error> {
        let observations = match (&reference.gold, predicted) {
            (Right::Labels(gold), Predicted::Labels { labels: predicted, scores }) => {
                let scores = scores.as_ref();
                let scores = scores
                    .map(|(values, are_logits)| ScoreRows { values, are_logits: *are_logits });
                Observations::Labels(LabelObservations { gold, predicted, scores })
            }
            (Right::Values(gold), Predicted::Values(predicted)) => {
                Observations::Values { gold, predicted }
            }
            (Right::Tags(gold), Predicted::Tags(predicted)) => Observations::Tags {
                gold: gold.iter().map(AsRef::as_ref).collect(),
                predicted: predicted.rows(),
            },
            (Right::Answers(gold), Predicted::Answers(predicted)) => Observations::Answers {
                gold: gold.clone(),
                predicted: predicted.iter().map(Option::as_deref).collect(),
            },
            _ => return Err(metrics::MetricError::Empty.into()),
        };
        let (labels, intervals) = (self.labels.labels(), &self.options.intervals);
        Ok(metrics::evaluate(self.task, labels, &observations, reference.clusters, intervals)?)
    }
}

#[cfg(test)]
mod tests;
