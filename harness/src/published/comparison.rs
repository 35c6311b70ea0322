//! A published table with our numbers beside it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::choose::{Candidates, Chosen};
use super::notes::add_notes;
use super::verdict::{Interval, Verdict, judge};
use super::{Generation, LeftOut, Published, PublishedCell, TableColumn, TableSpec};
use crate::record::{Alternative, CellRecord, MetricValue, SCHEMA_VERSION, pool_seeds};
use crate::report::Numbered;
use crate::report::number::is_fraction;
use crate::task::Registry;

/// A published table with our numbers beside it, as harness/schemas/table.schema.json says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Name of the table.
    pub table: String,
    /// Its title.
    pub title: String,
    /// Within how many points a published number counts as reproduced.
    pub margin_points: f64,
    /// Columns in the published order.
    pub columns: Vec<TableColumn>,
    /// Rows in the published order, then our models that are not among them.
    pub rows: Vec<ComparedRow>,
    /// Our cells of the table's tasks that may not stand in it.
    pub left_out: Vec<LeftOut>,
    /// What a reader should know; cells refer to them by index.
    pub notes: Vec<String>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedRow {
    /// What the row is called.
    pub label: String,
    /// Our name of the model.
    pub model: String,
    /// Where it is published; none for a model of ours that is not.
    pub published: Option<RowSource>,
    /// A cell for each column.
    pub cells: Vec<ComparedCell>,
}

/// Where a row is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowSource {
    /// Name of the source.
    pub source: String,
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: Option<String>,
    /// Model as printed.
    pub published_model: String,
    /// Size as printed.
    pub size: Option<String>,
    /// The recipes' generation.
    pub generation: Generation,
}

/// A cell of the table; empty where neither side has a number.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ComparedCell {
    /// The published number.
    pub published: Option<PublishedCell>,
    /// Ours.
    pub ours: Option<Ours>,
    /// How they compare, where both are scores.
    pub judgement: Option<Judgement>,
    /// Indices of the table's notes.
    pub notes: Vec<usize>,
}

/// How a number of ours compares with a published one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Ours less the published one, in points.
    pub difference_points: f64,
}

/// A number of ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ours {
    /// Value and interval, as in the record.
    #[serde(flatten)]
    pub metric: MetricValue,
    /// The cell's id.
    pub id: String,
    /// Recipe, when the cell trained the model.
    pub recipe: Option<String>,
    /// Seed.
    pub seed: Option<u64>,
    /// Precision.
    pub precision: String,
    /// Tokens an example at most.
    pub max_seq_len: u32,
    /// How the checkpoint was chosen.
    pub selection_policy: Option<String>,
    /// What other policies would have given, in the metric that ranks the task's models.
    pub alternatives: Vec<Alternative>,
    /// Other cells that could have stood here.
    pub others: Vec<OtherCell>,
}

/// A cell that could have stood in another's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OtherCell {
    /// Its id.
    pub id: String,
    /// Recipe.
    pub recipe: Option<String>,
    /// Seed.
    pub seed: Option<u64>,
    /// Precision.
    pub precision: String,
    /// Its value; none where it lacks the metric.
    pub value: Option<f64>,
}

impl Comparison {
    /// Sets `cells` beside a table; those that differ in their seed alone as one ([`pool_seeds`]). `margin` is in points. The registry says which split of a task is reported.
    pub fn new(
        published: &Published,
        spec: &TableSpec,
        cells: &[CellRecord],
        registry: &Registry,
        margin: f64,
    ) -> Self {
        let cells = &pool_seeds(cells);
        let tasks: BTreeSet<&str> =
            spec.columns.iter().map(|column| column.task.as_str()).collect();
        let candidates = Candidates::new(cells, &tasks, registry);
        let mut rows: Vec<ComparedRow> = Vec::new();
        for row in &spec.rows {
            let Some(any) = published.row(row).next() else { continue };
            // A model's rows all compare with its one cell, but what is published in none of them stands once.
            let first = rows.iter().all(|known| known.model != any.model);
            let source = published.sources().get(&row.source);
            let cells = spec.columns.iter().map(|column| {
                let theirs = published.cell(row, column).cloned();
                let generation = theirs.as_ref().map_or(any.generation, |cell| cell.generation);
                let chosen = (first || theirs.is_some())
                    .then(|| candidates.choose(&any.model, &column.task, generation))
                    .flatten();
                ComparedCell::new(theirs, chosen.as_ref(), column, margin)
            });
            rows.push(ComparedRow {
                label: row.label.clone().unwrap_or_else(|| any.model.clone()),
                model: any.model.clone(),
                cells: cells.collect(),
                published: Some(RowSource {
                    source: row.source.clone(),
                    title: source.map(|source| source.title.clone()).unwrap_or_default(),
                    url: source.and_then(|source| source.url.clone()),
                    published_model: row.model.clone(),
                    size: any.size.clone(),
                    generation: any.generation,
                }),
            });
        }
        for model in candidates.models() {
            if rows.iter().any(|row| row.model == model) {
                continue;
            }
            let cells = spec.columns.iter().map(|column| {
                let chosen = candidates.choose(model, &column.task, Generation::None);
                ComparedCell::new(None, chosen.as_ref(), column, margin)
            });
            let (label, cells) = (model.to_owned(), cells.collect());
            rows.push(ComparedRow { label: label.clone(), model: label, published: None, cells });
        }
        let mut notes = Numbered::default();
        add_notes(&mut notes, published, spec, &mut rows, registry, cells);
        Self {
            schema_version: SCHEMA_VERSION,
            table: spec.name.clone(),
            title: spec.title.clone(),
            margin_points: margin,
            columns: spec.columns.clone(),
            rows,
            left_out: candidates.left_out,
            notes: notes.into_texts(),
        }
    }

    /// Whether any number of ours stands in the table.
    pub fn has_ours(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.ours.is_some())
    }
}

impl ComparedCell {
    fn new(
        published: Option<PublishedCell>,
        chosen: Option<&Chosen<'_>>,
        column: &TableColumn,
        margin: f64,
    ) -> Self {
        let value = |cell: &CellRecord| cell.metrics.get(&column.metric).cloned();
        let ours = chosen.and_then(|chosen| {
            let inputs = &chosen.cell.inputs;
            Some(Ours {
                metric: value(chosen.cell)?,
                id: chosen.cell.id.clone(),
                recipe: inputs.key.recipe.clone(),
                seed: inputs.key.seed,
                precision: inputs.precision.clone(),
                max_seq_len: inputs.max_seq_len,
                selection_policy: chosen.cell.selection_policy.clone(),
                alternatives: (chosen.cell.training.as_ref())
                    .map(|training| training.selection.alternatives.clone())
                    .unwrap_or_default(),
                others: (chosen.others.iter())
                    .map(|other| OtherCell {
                        id: other.id.clone(),
                        recipe: other.inputs.key.recipe.clone(),
                        seed: other.inputs.key.seed,
                        precision: other.inputs.precision.clone(),
                        value: value(other).map(|metric| metric.value),
                    })
                    .collect(),
            })
        });
        let points = published.as_ref().and_then(PublishedCell::points);
        let judgement = (points.zip(ours.as_ref())).filter(|_| is_fraction(&column.metric)).map(
            |(points, ours)| {
                let interval = ours.points();
                Judgement {
                    verdict: judge(interval, points, margin),
                    difference_points: interval.value - points,
                }
            },
        );
        Self { published, ours, judgement, notes: Vec::new() }
    }
}

impl Ours {
    /// Value and interval in points.
    pub fn points(&self) -> Interval {
        Interval::in_points(&self.metric)
    }
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
