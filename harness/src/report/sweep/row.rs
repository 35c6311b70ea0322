//! One point of a sweep.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::number::less_is_better;
use crate::recipe::split_label;
use crate::record::{CellRecord, MetricValue, Status, pool_seeds};

/// A point: what was varied, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct SweepRow {
    /// From 1, within its model and task; none where there is nothing to rank by.
    pub(super) rank: Option<u32>,
    /// Model.
    pub(super) model: String,
    /// Task.
    pub(super) task: String,
    /// The split that is reported.
    pub(super) split: String,
    /// The recipe with everything that was overridden.
    pub(super) recipe: String,
    /// What differs between the points of the sweep.
    pub(super) settings: BTreeMap<String, String>,
    /// The seeds.
    pub(super) seeds: Vec<u64>,
    /// How checkpoints were chosen.
    pub(super) policy: Option<String>,
    /// The metric on the development rows.
    pub(super) dev: Option<Dev>,
    /// The metric that ranks the task's models.
    pub(super) metric: String,
    /// Its value on the reported split.
    pub(super) test: Option<MetricValue>,
    /// `done`, or what happened.
    pub(super) cause: Option<String>,
    /// The whole of it.
    pub(super) detail: Option<String>,
    /// Ids of the cells.
    pub(super) ids: Vec<String>,
}

/// A metric on the development rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Dev {
    /// Which rows.
    pub(super) split: String,
    /// The metric.
    pub(super) metric: String,
    /// Its value; of several seeds the mean.
    pub(super) value: f64,
    /// The values of all seeds.
    pub(super) values: Vec<f64>,
}

/// The points of these cells, in the order of their models and tasks, best first.
pub(super) fn ranked(cells: &[CellRecord]) -> Vec<SweepRow> {
    let by_id: BTreeMap<&str, &CellRecord> =
        cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
    let mut rows: Vec<SweepRow> = Vec::new();
    for pooled in pool_seeds(cells) {
        let spread = pooled.metrics.values().find_map(|metric| metric.seeds.as_ref());
        let members: Vec<&CellRecord> = match spread {
            Some(spread) => {
                spread.ids.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect()
            }
            None => vec![&pooled],
        };
        rows.push(SweepRow::new(&pooled, &members));
    }
    only_what_differs(&mut rows);
    let of = |row: &SweepRow| (row.model.clone(), row.task.clone(), row.split.clone());
    let mut places: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut placed: Vec<(usize, SweepRow)> = Vec::with_capacity(rows.len());
    for row in rows {
        let next = places.len();
        placed.push((*places.entry(of(&row)).or_insert(next), row));
    }
    placed.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| order(x, y)));
    let mut rows: Vec<SweepRow> = placed.into_iter().map(|(_, row)| row).collect();
    let mut last = None;
    let mut rank = 0;
    for row in &mut rows {
        let here = Some((row.model.clone(), row.task.clone(), row.split.clone()));
        rank = if here == last { rank + 1 } else { 1 };
        last = here;
        row.rank = row.dev.is_some().then_some(rank);
    }
    rows
}

/// The best first; points without a value last, those that failed after them.
fn order(a: &SweepRow, b: &SweepRow) -> std::cmp::Ordering {
    let value = |row: &SweepRow| row.dev.as_ref().map(|dev| dev.value);
    match (value(a), value(b)) {
        (Some(x), Some(y)) if less_is_better(&a.metric) => x.total_cmp(&y),
        (Some(x), Some(y)) => y.total_cmp(&x),
        (x, y) => x.is_none().cmp(&y.is_none()).then(a.cause.is_some().cmp(&b.cause.is_some())),
    }
}

/// Takes out the settings that are the same in every row.
fn only_what_differs(rows: &mut [SweepRow]) {
    let Some(first) = rows.first().map(|row| row.settings.clone()) else { return };
    let same: Vec<String> = first
        .into_iter()
        .filter(|(key, value)| rows.iter().all(|row| row.settings.get(key) == Some(value)))
        .map(|(key, _)| key)
        .collect();
    for row in rows {
        row.settings.retain(|key, _| !same.contains(key));
    }
}

impl SweepRow {
    fn new(pooled: &CellRecord, members: &[&CellRecord]) -> Self {
        let key = &pooled.inputs.key;
        let recipe = key.recipe.clone().unwrap_or_default();
        let settings = split_label(&recipe).1.into_iter();
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let (cause, detail) = match &pooled.status {
            Status::Done => (None, None),
            Status::Failed { cause } => (Some(cause.label()), Some(cause.text())),
        };
        Self {
            rank: None,
            model: key.model.clone(),
            task: key.task.clone(),
            split: key.split.clone(),
            settings,
            recipe,
            seeds: members.iter().filter_map(|cell| cell.inputs.key.seed).collect(),
            policy: pooled.training.as_ref().map(|training| training.selection.policy.clone()),
            dev: dev(members),
            metric: pooled.primary_metric.clone(),
            test: pooled.metrics.get(&pooled.primary_metric).cloned(),
            cause,
            detail,
            ids: members.iter().map(|cell| cell.id.clone()).collect(),
        }
    }
}

/// The mean over cells that all have a value.
fn dev(members: &[&CellRecord]) -> Option<Dev> {
    let all: Vec<(&str, &str, f64)> = members.iter().filter_map(|cell| dev_of(cell)).collect();
    let (split, metric, _) = *all.first()?;
    if all.len() < members.len() {
        return None;
    }
    let values: Vec<f64> = all.iter().map(|(_, _, value)| *value).collect();
    Some(Dev {
        split: split.to_owned(),
        metric: metric.to_owned(),
        value: crate::stats::mean(&values),
        values,
    })
}

/// Split, metric and value on the development rows of the checkpoint that was chosen.
fn dev_of(cell: &CellRecord) -> Option<(&str, &str, f64)> {
    let training = cell.training.as_ref()?;
    let reported = &cell.inputs.key.split;
    let found = training.evaluations.iter().find(|evaluation| {
        evaluation.step == training.selection.step && evaluation.split != *reported
    })?;
    Some((&found.split, &found.metric, found.value))
}
