//! Joining predictions to the rows that they are for.

use super::{Prediction, ScoreError};
use crate::data::Dataset;
use crate::task::Task;
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;

/// How predictions found their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinedBy {
    /// By the rows' ids.
    Id,
    /// By the rows' indices.
    Index,
    /// By the order of the lines.
    Line,
}

/// How many of the rows that do not fit are named.
const NAMED: usize = 5;

/// The predicted label, as its index in the task, of every row of `gold`, in its order.
///
/// Predictions that state an index are joined by it, those that state an id by that, and all others by
/// their order, of which there must be as many as rows. An id beside an index must be the row's.
///
/// # Errors
/// Rows without a prediction, predictions without a row, two for one row, or of no label of the task.
pub fn join(
    task: &Task,
    gold: &Dataset,
    predictions: &[Prediction],
    path: &Path,
) -> Result<(Vec<u32>, JoinedBy), ScoreError> {
    let labels: HashMap<&str, u32> =
        (0..).zip(&task.labels).map(|(i, l)| (l.id.as_str(), i)).collect();
    let rows: Vec<_> = gold.rows().collect();
    let all = |has: fn(&Prediction) -> bool| !predictions.is_empty() && predictions.iter().all(has);
    let joined_by = if all(|p| p.index.is_some()) {
        JoinedBy::Index
    } else if all(|p| p.id.is_some()) {
        JoinedBy::Id
    } else {
        JoinedBy::Line
    };
    let (by_index, by_id) = (joined_by == JoinedBy::Index, joined_by == JoinedBy::Id);
    if joined_by == JoinedBy::Line && predictions.len() != rows.len() {
        return Err(ScoreError::Count {
            path: path.into(),
            found: predictions.len(),
            expected: rows.len(),
        });
    }
    let mut ids: HashMap<&str, usize> = HashMap::new();
    if by_id {
        let mut doubled = Problems::default();
        for (at, row) in rows.iter().enumerate() {
            let id = row.id.unwrap_or_default();
            if ids.insert(id, at).is_some() {
                doubled.add(|| format!("id {id}"));
            }
        }
        doubled.none(
            path,
            "rows of the gold labels share an id",
            "give the rows' indices as `i` in JSON lines",
        )?;
    }
    let mut predicted: Vec<Option<u32>> = vec![None; rows.len()];
    let (mut unknown, mut twice, mut other, mut label_of_none) =
        (Problems::default(), Problems::default(), Problems::default(), Problems::default());
    for (order, p) in predictions.iter().enumerate() {
        let at = match (p.index, p.id.as_deref()) {
            (Some(index), _) if by_index => usize::try_from(index).ok().filter(|&i| i < rows.len()),
            (_, Some(id)) if by_id => ids.get(id).copied(),
            _ => Some(order),
        };
        let name = || match (by_index, p.index, &p.id) {
            (true, Some(index), _) => format!("row {index} (line {})", p.line),
            (_, _, Some(id)) => format!("id {id} (line {})", p.line),
            _ => format!("line {}", p.line),
        };
        let Some(at) = at else {
            unknown.add(name);
            continue;
        };
        if by_index && p.id.is_some() && rows[at].id.is_some() && p.id.as_deref() != rows[at].id {
            other.add(|| format!("{} with the id {}", name(), p.id.as_deref().unwrap_or_default()));
        }
        match labels.get(p.label.as_str()) {
            None => label_of_none
                .add(|| format!("`{}` on line {}", crate::text::shorten(&p.label, 20), p.line)),
            Some(&label) if predicted[at].is_none() => predicted[at] = Some(label),
            Some(_) => twice.add(name),
        }
    }
    unknown.none(
        path,
        "predictions are for rows that the gold labels do not have",
        "are they of another split?",
    )?;
    other.none(
        path,
        "predictions have another id than their row",
        "are they of another file or split?",
    )?;
    twice.none(
        path,
        "predictions are for a row that has one already",
        "keep one prediction a row",
    )?;
    label_of_none.none(
        path,
        "predictions are no label of the task",
        "`kobench task check` shows its labels",
    )?;
    let mut missing = Problems::default();
    for (at, row) in rows.iter().enumerate().filter(|(at, _)| predicted[*at].is_none()) {
        missing
            .add(|| row.id.map_or_else(|| format!("row {at}"), |id| format!("row {at} (id {id})")));
    }
    missing.none(
        path,
        "rows have no prediction",
        "predict every row; --limit N scores the first N rows only",
    )?;
    Ok((predicted.into_iter().flatten().collect(), joined_by))
}

/// Rows that do not fit, counted, and the first of them named.
#[derive(Default)]
struct Problems {
    count: usize,
    first: Vec<String>,
}

impl Problems {
    fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(name());
        }
    }

    fn none(self, path: &Path, what: &'static str, hint: &'static str) -> Result<(), ScoreError> {
        if self.count == 0 {
            return Ok(());
        }
        Err(ScoreError::Unmatched {
            path: path.into(),
            count: self.count,
            what,
            first: self.first,
            hint,
        })
    }
}
