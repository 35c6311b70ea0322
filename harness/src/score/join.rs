//! Which prediction belongs to which row.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::ScoreError;
use super::read::Prediction;
use crate::data::Dataset;
use crate::task::Task;

/// How predictions found their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinedBy {
    /// By the row's own id.
    Id,
    /// By the index of the row, from 0.
    Index,
    /// By their order alone.
    Line,
}

/// Predicted label indices in the order of the data.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) labels: Vec<u32>,
    pub(super) by: JoinedBy,
}

/// Examples of a problem that are shown.
const SHOWN: usize = 3;

/// A kind of problem: how often, and the first few.
#[derive(Default)]
struct Problem {
    count: usize,
    examples: Vec<String>,
}

impl Problem {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < SHOWN {
            self.examples.push(example());
        }
    }

    fn describe(&self, what: &str) -> Option<String> {
        let more = if self.count > self.examples.len() { ", ..." } else { "" };
        (self.count > 0)
            .then(|| format!("{what}: {} ({}{more})", self.count, self.examples.join(", ")))
    }
}

pub(super) fn join(
    task: &Task,
    data: &Dataset,
    rows: &[Prediction],
    path: &Path,
) -> Result<Joined, ScoreError> {
    let (by, places) = places(data, rows, path)?;
    let mut labels: Vec<Option<u32>> = vec![None; data.len()];
    let mut lines = vec![0; data.len()];
    let [mut unknown_rows, mut duplicates, mut unknown_labels, mut missing] =
        std::array::from_fn(|_| Problem::default());
    for (row, place) in rows.iter().zip(places) {
        let Some(place) = place.filter(|place| *place < data.len()) else {
            unknown_rows.add(|| format!("{} in line {}", name(row), row.line));
            continue;
        };
        if lines[place] != 0 {
            duplicates.add(|| format!("{} in lines {} and {}", name(row), lines[place], row.line));
            continue;
        }
        lines[place] = row.line;
        labels[place] = task.label_index(&row.pred);
        if labels[place].is_none() {
            unknown_labels.add(|| format!("\"{}\" in line {}", row.pred.escape_debug(), row.line));
        }
    }
    for row in data.rows().filter(|row| lines[row.index] == 0) {
        missing.add(|| match row.id {
            Some(id) if by == JoinedBy::Id => format!("id {id}"),
            _ => format!("row {}", row.index),
        });
    }
    let problems: Vec<String> = [
        missing.describe("rows without a prediction"),
        duplicates.describe("predictions for a row that has one already"),
        unknown_rows.describe("predictions for no row of the data"),
        unknown_labels
            .describe(&format!("predictions that are none of the labels {}", task.label_list())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let only_missing = missing.count > 0 && problems.len() == 1;
    let complete: Option<Vec<u32>> = labels.into_iter().collect();
    match complete {
        Some(labels) if problems.is_empty() => Ok(Joined { labels, by }),
        _ => Err(ScoreError::Rows { path: path.to_owned(), problems, only_missing }),
    }
}

/// The index of the row that each prediction names, if it is one.
fn places(
    data: &Dataset,
    rows: &[Prediction],
    path: &Path,
) -> Result<(JoinedBy, Vec<Option<usize>>), ScoreError> {
    let have_ids = rows.iter().all(|row| row.id.is_some());
    let have_indices = rows.iter().all(|row| row.index.is_some());
    if have_ids && data.row(0).is_some_and(|row| row.id.is_some()) {
        let mut by_id = HashMap::with_capacity(data.len());
        let doubled = data
            .rows()
            .filter_map(|row| row.id.map(|id| (id, row.index)))
            .find(|(id, index)| by_id.insert(*id, *index).is_some());
        match doubled {
            None => {
                let place =
                    |row: &Prediction| row.id.as_deref().and_then(|id| by_id.get(id).copied());
                return Ok((JoinedBy::Id, rows.iter().map(place).collect()));
            }
            Some((id, _)) if !have_indices => {
                return Err(ScoreError::GoldIds { path: path.to_owned(), id: id.to_owned() });
            }
            Some(_) => {}
        }
    }
    if have_indices {
        let place = |row: &Prediction| row.index.and_then(|index| usize::try_from(index).ok());
        return Ok((JoinedBy::Index, rows.iter().map(place).collect()));
    }
    if rows.len() != data.len() {
        return Err(ScoreError::Count {
            path: path.to_owned(),
            found: rows.len(),
            expected: data.len(),
        });
    }
    Ok((JoinedBy::Line, (0..rows.len()).map(Some).collect()))
}

fn name(row: &Prediction) -> String {
    match (&row.id, row.index) {
        (Some(id), _) => format!("id {id}"),
        (None, Some(index)) => format!("i {index}"),
        (None, None) => format!("row {}", row.line),
    }
}
