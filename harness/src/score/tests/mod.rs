//! Every format gives the same bits, and every bad file says what is wrong with it.

mod arbitrary;
mod bad_files;
mod bad_rows;
mod formats;
mod kinds;
mod own_gold;

use std::fs;
use std::path::Path;

use super::*;
use crate::data::{DataPlaces, Dataset, DatasetOptions};
use crate::hint::Hint;
use crate::task::Registry;

/// NSMC without the metrics that use the model's numbers, which some formats have and others have not.
fn nsmc() -> Task {
    let task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
    Task { metrics: vec![Metric::Accuracy, Metric::MacroF1], ..task }
}

fn sample() -> (Task, Dataset) {
    let task = nsmc();
    let data =
        Dataset::open(&task, Some("sample"), &DataPlaces::default(), DatasetOptions::default());
    (task, data.expect("read"))
}

/// Scores a file of this name and content against the bundled sample of NSMC.
fn score_text(
    name: &str,
    text: impl AsRef<[u8]>,
    options: &ScoreOptions,
) -> Result<ScoreReport, Error> {
    let (task, data) = sample();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("written");
    score(&task, &data, &path, options)
}

fn named(id: &str, pred: &str) -> ScoreOptions {
    ScoreOptions {
        id_column: Some(id.to_owned()),
        pred_column: Some(pred.to_owned()),
        ..ScoreOptions::default()
    }
}

fn of_format(format: InputFormat) -> ScoreOptions {
    ScoreOptions { input_format: Some(format), ..ScoreOptions::default() }
}

/// A task of a kind, with labels by id (their names are `name of ID`).
fn task(kind: Kind, labels: &[&str]) -> Task {
    let label = |id: &&str| Label { id: (*id).to_owned(), name: format!("name of {id}") };
    Task { kind, labels: labels.iter().map(label).collect(), ..nsmc() }
}

/// Data that no file holds: ids (none where empty), and what is right.
struct Rows {
    task: Task,
    ids: Vec<&'static str>,
    right: fn() -> Right<'static>,
    n: usize,
}

/// What came of a file, owned.
#[derive(Debug, PartialEq)]
struct Read {
    predicted: Found,
    by: JoinedBy,
    format: InputFormat,
    missing: u64,
    warnings: Vec<String>,
}

#[derive(Debug, PartialEq)]
enum Found {
    Labels(Vec<u32>, Option<(Vec<f64>, bool)>),
    Values(Vec<f64>),
    Tags(Vec<Vec<Option<u32>>>),
    Answers(Vec<Option<String>>),
}

impl Rows {
    fn reference(&self) -> Reference<'static> {
        let ids = match self.ids.is_empty() {
            true => vec![None; self.n],
            false => self.ids.iter().map(|id| Some(*id)).collect(),
        };
        Reference { ids, gold: (self.right)(), clusters: None }
    }

    /// Reads a file of this name and content as predictions for these rows.
    fn read(
        &self,
        name: &str,
        content: impl AsRef<[u8]>,
        options: &ScoreOptions,
    ) -> Result<Read, ScoreError> {
        let file = TextFile::new(content.as_ref().to_vec(), Path::new(name))?;
        let scoring = Scoring::new(&self.task, &self.task.labels, &file, options)?;
        let predictions = scoring.read(self.n)?;
        let (joined, predicted) = scoring.predicted(&predictions, &self.reference())?;
        let predicted = match predicted {
            Predicted::Labels { labels, scores } => Found::Labels(labels, scores),
            Predicted::Values(values) => Found::Values(values),
            Predicted::Tags(tags) => {
                Found::Tags(tags.rows().into_iter().map(<[_]>::to_vec).collect())
            }
            Predicted::Answers(answers) => {
                let owned = |answer: Option<std::borrow::Cow<'_, str>>| answer.map(Into::into);
                Found::Answers(answers.into_iter().map(owned).collect())
            }
        };
        Ok(Read {
            predicted,
            by: joined.by,
            format: scoring.format,
            missing: joined.missing,
            warnings: joined.warnings,
        })
    }

    /// The message and the hint of a file that must not be scored.
    fn refused(&self, name: &str, content: impl AsRef<[u8]>, options: &ScoreOptions) -> String {
        let error = self.read(name, content, options).expect_err("a bad file");
        format!("{error}\nhint: {}", error.hint().expect("every error has a hint"))
    }
}

/// Three texts of two labels, with ids.
fn texts() -> Rows {
    Rows {
        task: task(Kind::SequenceClassification, &["0", "1"]),
        ids: vec!["a", "b", "7"],
        right: || Right::Labels(vec![0, 1, 1]),
        n: 3,
    }
}

/// Three pairs with a similarity, without ids.
fn pairs() -> Rows {
    Rows {
        task: task(Kind::SequenceRegression, &[]),
        ids: vec![],
        right: || Right::Values(vec![0.0, 2.5, 5.0]),
        n: 3,
    }
}

/// Two sentences of three words and of one.
fn sentences() -> Rows {
    Rows {
        task: task(Kind::TokenClassification, &["O", "B-PS", "I-PS"]),
        ids: vec![],
        right: || Right::Tags(vec![vec![1, 2, 0].into(), vec![0].into()]),
        n: 2,
    }
}

/// Three questions.
fn questions() -> Rows {
    Rows {
        task: task(Kind::ExtractiveQa, &[]),
        ids: vec!["q-1", "q-2", "q-3"],
        right: || Right::Answers(vec![vec!["서울"], vec!["1945년", "1945"], vec!["강"]]),
        n: 3,
    }
}
