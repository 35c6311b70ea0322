//! Which prediction belongs to which row.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::ScoreError;
use super::format::InputFormat;
use super::problems::{MISSING, Problems};
use super::reference::Reference;
use super::value::{Prediction, Predictions, Value};

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

/// The prediction of each row.
#[derive(Debug)]
pub(super) struct Joined {
    /// For each row of the data the index of its prediction.
    pub(super) rows: Vec<Option<usize>>,
    pub(super) by: JoinedBy,
    /// Rows without a prediction, where that is allowed.
    pub(super) missing: u64,
    pub(super) warnings: Vec<String>,
}

/// Finds each row's prediction, and counts what has none, or several, or belongs to no row.
///
/// # Errors
/// [`ScoreError`] where there is nothing to join by.
pub(super) fn join(
    reference: &Reference<'_>,
    predictions: &Predictions<'_>,
    (path, format): (&Path, InputFormat),
    allow_missing: bool,
    problems: &mut Problems,
) -> Result<Joined, ScoreError> {
    let Places { by, places, warnings } = places(reference, predictions, (path, format))?;
    let place = |row: &Prediction<'_>| predictions.place(row);
    let mut rows: Vec<Option<usize>> = vec![None; reference.len()];
    for (index, row) in predictions.rows.iter().enumerate() {
        let at = match &places {
            None => Some(index),
            Some(places) => places[index],
        };
        match at.and_then(|at| rows.get_mut(at)) {
            None if by == JoinedBy::Id && row.id.is_none() => {
                problems.add("predictions without an id", || place(row));
            }
            None => problems.add("predictions for no row of the data", || {
                format!("{} in {}", name(row), place(row))
            }),
            Some(Some(first)) => problems.add("predictions for a row that has one already", || {
                let first = place(&predictions.rows[*first]);
                format!("{} in {first} and {}", name(row), place(row))
            }),
            Some(free) => *free = Some(index),
        }
    }
    let by_id = by == JoinedBy::Id;
    let mut missing = 0;
    for (index, row) in rows.iter().enumerate() {
        // A question may have the answer null: the system has none.
        if row.is_some_and(|row| {
            predictions.rows[row].pred != Value::Null || predictions.rows[row].cut
        }) {
            continue;
        }
        missing += 1;
        if !allow_missing {
            problems.add(MISSING, || match row {
                Some(row) => format!("null in {}", place(&predictions.rows[*row])),
                None => reference.name(index, by_id),
            });
        }
    }
    Ok(Joined { rows, by, missing, warnings })
}

/// Where predictions belong.
struct Places {
    by: JoinedBy,
    /// For each prediction the index of its row, if there is one; none where their order says it.
    places: Option<Vec<Option<usize>>>,
    warnings: Vec<String>,
}

impl Places {
    fn new(by: JoinedBy, places: Option<Vec<Option<usize>>>) -> Self {
        Self { by, places, warnings: vec![] }
    }
}

fn places(
    reference: &Reference<'_>,
    predictions: &Predictions<'_>,
    (path, format): (&Path, InputFormat),
) -> Result<Places, ScoreError> {
    let rows = &predictions.rows;
    let have_ids = rows.iter().any(|row| row.id.is_some());
    let have_indices = rows.iter().all(|row| row.index.is_some());
    let data_has_ids = reference.ids.first().is_some_and(Option::is_some);
    if have_ids && data_has_ids {
        let same = |(row, id): (&Prediction<'_>, &Option<&str>)| row.id.as_deref() == *id;
        if rows.len() == reference.len() && rows.iter().zip(&reference.ids).all(same) {
            return Ok(Places::new(JoinedBy::Id, None));
        }
        let mut by_id = HashMap::with_capacity(reference.len());
        let ids = reference.ids.iter().enumerate();
        let doubled = ids
            .filter_map(|(index, id)| id.map(|id| (id, index)))
            .find(|(id, index)| by_id.insert(*id, *index).is_some());
        match doubled {
            None => {
                let place = |row: &Prediction<'_>| by_id.get(row.id.as_deref()?.trim()).copied();
                return Ok(Places::new(JoinedBy::Id, Some(rows.iter().map(place).collect())));
            }
            Some((id, _)) if !have_indices => {
                return Err(ScoreError::GoldIds { path: path.to_owned(), id: id.to_owned() });
            }
            Some(_) => {}
        }
    }
    if have_indices {
        let place = |row: &Prediction<'_>| row.index.and_then(|index| usize::try_from(index).ok());
        return Ok(Places::new(JoinedBy::Index, Some(rows.iter().map(place).collect())));
    }
    let mut warnings = Vec::new();
    if have_ids && !data_has_ids {
        if let Some(places) = as_indices(rows) {
            return Ok(Places::new(JoinedBy::Index, Some(places)));
        }
        if let Some(row) = descent(rows) {
            return Err(ScoreError::IdsOfNothing {
                path: path.to_owned(),
                id: row.id.as_deref().unwrap_or_default().to_owned(),
                place: predictions.place(row),
            });
        }
        warnings.push(
            "the data has no ids, so that the ids of the predictions were not used: rows were matched by their order"
                .to_owned(),
        );
    }
    if rows.len() != reference.len() {
        return Err(ScoreError::Count {
            path: path.to_owned(),
            found: rows.len(),
            expected: reference.len(),
            format: format.name(),
        });
    }
    Ok(Places { warnings, ..Places::new(JoinedBy::Line, None) })
}

/// Ids as indices of rows, if they are the integers from 0 in some order.
fn as_indices(rows: &[Prediction<'_>]) -> Option<Vec<Option<usize>>> {
    let mut seen = vec![false; rows.len()];
    let index = |row: &Prediction<'_>| row.id.as_deref()?.trim().parse::<usize>().ok();
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        let index = index(row)?;
        if std::mem::replace(seen.get_mut(index)?, true) {
            return None;
        }
        places.push(Some(index));
    }
    Some(places)
}

/// The first row whose id is an integer smaller than the one before it: a sign that the file is in another
/// order than the data.
fn descent<'p, 't>(rows: &'p [Prediction<'t>]) -> Option<&'p Prediction<'t>> {
    let number = |row: &Prediction<'_>| row.id.as_deref()?.trim().parse::<u64>().ok();
    rows.windows(2).find(|pair| number(&pair[0]) > number(&pair[1])).map(|pair| &pair[1])
}

fn name(row: &Prediction<'_>) -> String {
    match (&row.id, row.index) {
        (Some(id), _) => format!("id {}", id.escape_debug()),
        (None, Some(index)) => format!("i {index}"),
        (None, None) => "the prediction".to_owned(),
    }
}
