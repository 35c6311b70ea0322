//! From a run's predictions to evidence.
//!
//! A comparison reads predictions by the million, so that only what a metric needs is taken out of a line, and a line is
//! read as the kind of the task has it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{CompareError, Evidence, Rows, SideKind};
use crate::digest::sha256_hex;
use crate::metrics::{AnswerScores, Metric};
use crate::record::{CellRecord, RecordError, predictions_path};
use crate::task::{Kind, Task};

/// Reads the predictions of a done cell of the run directory `run`, whose hash must be the record's. `task` is the cell's.
///
/// # Errors
/// [`CompareError::NoPredictions`]; [`RecordError::Io`] and [`RecordError::Mismatch`]; [`CompareError::Row`] for a line that
/// is not a prediction of such a task.
pub fn read_evidence(run: &Path, cell: &CellRecord, task: &Task) -> Result<Evidence, CompareError> {
    let label = || cell.inputs.key.label();
    let (Some(path), Some(known)) = (predictions_path(run, cell), &cell.predictions) else {
        return Err(CompareError::NoPredictions { cell: label(), path: run.to_owned() });
    };
    let bytes = std::fs::read(&path).map_err(|source| RecordError::Io {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let found = sha256_hex(&bytes);
    if found != known.sha256 {
        let expected = known.sha256.clone();
        return Err(RecordError::Mismatch { path, what: "SHA-256", found, expected }.into());
    }
    let lines = Lines { path, bytes: &bytes };
    match task.kind {
        Kind::SequenceClassification => labels(&lines, cell, task),
        Kind::SequenceRegression => values(&lines),
        Kind::TokenClassification => tags(&lines, cell),
        Kind::ExtractiveQa => answers(&lines),
    }
}

/// What lines of all kinds have.
#[derive(Debug, Default)]
struct Common {
    index: Vec<u64>,
    ids: Vec<String>,
    clusters: Vec<u32>,
}

impl Common {
    fn add(&mut self, index: u64, id: Option<Cow<'_, str>>, cluster: Option<u32>) {
        self.index.push(index);
        self.ids.extend(id.map(Cow::into_owned));
        self.clusters.extend(cluster);
    }

    fn with(self, rows: Rows) -> Evidence {
        // Some rows with and some without would tell nothing.
        let all = |known: usize| known == self.index.len() && known > 0;
        Evidence {
            from: SideKind::Run,
            ids: Some(self.ids).filter(|ids| all(ids.len())),
            clusters: Some(self.clusters).filter(|clusters| all(clusters.len())),
            index: self.index,
            rows,
        }
    }
}

/// The lines of a predictions file.
struct Lines<'a> {
    path: PathBuf,
    bytes: &'a [u8],
}

impl<'a> Lines<'a> {
    fn each<T: Deserialize<'a>>(
        &self,
        mut take: impl FnMut(T) -> Result<(), String>,
    ) -> Result<(), CompareError> {
        let lines = self.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (line, text) in (1..).zip(lines) {
            let parsed: T = serde_json::from_slice(text).map_err(|source| {
                let path = self.path.clone();
                CompareError::Record(RecordError::Prediction { path, line, source })
            })?;
            take(parsed).map_err(|reason| CompareError::Row {
                path: self.path.clone(),
                line,
                reason,
            })?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct LabelLine<'a, Scores> {
    i: u64,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    gold: Cow<'a, str>,
    #[serde(borrow)]
    pred: Cow<'a, str>,
    #[serde(default)]
    logits: Option<Scores>,
    #[serde(default)]
    cluster: Option<u32>,
}

fn labels(lines: &Lines<'_>, cell: &CellRecord, task: &Task) -> Result<Evidence, CompareError> {
    let scored = |metric: &Metric| matches!(metric, Metric::Auroc | Metric::LogLoss);
    let known = Labels::new(cell);
    let (mut common, mut gold, mut predicted) = (Common::default(), Vec::new(), Vec::new());
    let mut scores: Vec<f64> = Vec::new();
    let width = cell.labels.len();
    if task.metrics.iter().any(scored) {
        let mut complete = true;
        lines.each(|line: LabelLine<'_, Vec<f32>>| {
            common.add(line.i, line.id, line.cluster);
            gold.push(known.index(&line.gold)?);
            predicted.push(known.index(&line.pred)?);
            match line.logits {
                Some(logits) if logits.len() == width => {
                    scores.extend(logits.into_iter().map(f64::from));
                }
                Some(logits) => return Err(format!("{} logits for {width} labels", logits.len())),
                None => complete = false,
            }
            Ok(())
        })?;
        let scores = complete.then_some(scores);
        return Ok(common.with(Rows::Labels { gold, predicted, scores }));
    }
    lines.each(|line: LabelLine<'_, IgnoredAny>| {
        common.add(line.i, line.id, line.cluster);
        gold.push(known.index(&line.gold)?);
        predicted.push(known.index(&line.pred)?);
        Ok(())
    })?;
    Ok(common.with(Rows::Labels { gold, predicted, scores: None }))
}

/// The labels of a cell by id.
struct Labels<'a>(HashMap<&'a str, u32>);

impl<'a> Labels<'a> {
    fn new(cell: &'a CellRecord) -> Self {
        Self(cell.labels.iter().map(String::as_str).zip(0..).collect())
    }

    fn index(&self, label: &str) -> Result<u32, String> {
        let index = self.0.get(label).copied();
        index.ok_or_else(|| format!("`{label}` is none of the labels of the cell's record"))
    }
}

#[derive(Deserialize)]
struct ValueLine<'a> {
    i: u64,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    gold: f64,
    pred: f64,
    #[serde(default)]
    cluster: Option<u32>,
}

fn values(lines: &Lines<'_>) -> Result<Evidence, CompareError> {
    let (mut common, mut gold, mut predicted) = (Common::default(), Vec::new(), Vec::new());
    lines.each(|line: ValueLine<'_>| {
        common.add(line.i, line.id, line.cluster);
        gold.push(line.gold);
        predicted.push(line.pred);
        Ok(())
    })?;
    Ok(common.with(Rows::Values { gold, predicted }))
}

#[derive(Deserialize)]
struct TagLine<'a> {
    i: u64,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    gold: Vec<WordLabel<'a>>,
    #[serde(borrow)]
    pred: Vec<WordLabel<'a>>,
    #[serde(default)]
    cluster: Option<u32>,
}

#[derive(Deserialize)]
struct WordLabel<'a> {
    #[serde(borrow)]
    label: Option<Cow<'a, str>>,
}

fn tags(lines: &Lines<'_>, cell: &CellRecord) -> Result<Evidence, CompareError> {
    let known = Labels::new(cell);
    let (mut common, mut gold, mut predicted) = (Common::default(), Vec::new(), Vec::new());
    let mut starts = vec![0];
    lines.each(|line: TagLine<'_>| {
        common.add(line.i, line.id, line.cluster);
        let (words, answered) = (line.gold.len(), line.pred.len());
        if words != answered {
            return Err(format!("{answered} predictions for {words} words"));
        }
        for word in &line.gold {
            let Some(label) = &word.label else { return Err("a word without a gold label".into()) };
            gold.push(known.index(label)?);
        }
        for word in &line.pred {
            predicted.push(word.label.as_deref().map(|label| known.index(label)).transpose()?);
        }
        starts.push(gold.len());
        Ok(())
    })?;
    Ok(common.with(Rows::Tags { starts, gold, predicted }))
}

#[derive(Deserialize)]
struct AnswerLine<'a> {
    i: u64,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    gold: String,
    pred: String,
    #[serde(default)]
    also_gold: Vec<String>,
    #[serde(default)]
    cluster: Option<u32>,
}

fn answers(lines: &Lines<'_>) -> Result<Evidence, CompareError> {
    let mut common = Common::default();
    let (mut exact, mut char_f1, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    lines.each(|line: AnswerLine<'_>| {
        common.add(line.i, line.id, line.cluster);
        let right = std::iter::once(&line.gold).chain(&line.also_gold).map(String::as_str);
        let scores = AnswerScores::new(&[right.collect()], &[Some(line.pred.as_str())])
            .map_err(|error| error.to_string())?;
        exact.extend(scores.exact);
        char_f1.extend(scores.char_f1);
        texts.push((line.gold, line.pred));
        Ok(())
    })?;
    Ok(common.with(Rows::Answers { exact, char_f1, texts: Some(texts) }))
}
