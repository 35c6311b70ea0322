//! One line a cell of a compared table; published values as printed, ours as fractions with all digits.

use super::super::number::seed_list;
use crate::error::Error;
use crate::published::{Comparison, PublishedCell};

const HEADER: [&str; 36] = [
    "table",
    "model",
    "label",
    "task",
    "metric",
    "published",
    "unit",
    "published_points",
    "ours",
    "ci_low",
    "ci_high",
    "n",
    "interval",
    "difference_points",
    "margin_points",
    "verdict",
    "source",
    "published_model",
    "size",
    "published_metric",
    "epoch",
    "generation",
    "published_selection",
    "selection_policy",
    "recipe",
    "seed",
    "precision",
    "max_seq_len",
    "id",
    "disagree",
    "notes",
    "seeds",
    "seed_list",
    "deviation",
    "half_width_seeds",
    "half_width_examples",
];

pub(super) fn render(comparison: &Comparison) -> Result<String, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let io = |error: csv::Error| Error::Output(error.into());
    writer.write_record(HEADER).map_err(io)?;
    for row in &comparison.rows {
        for (column, cell) in comparison.columns.iter().zip(&row.cells) {
            if cell.published.is_none() && cell.ours.is_none() {
                continue;
            }
            let (theirs, ours) = (cell.published.as_ref(), cell.ours.as_ref());
            let metric = ours.map(|ours| &ours.metric);
            let spread = metric.and_then(|metric| metric.seeds.as_ref());
            let judgement = cell.judgement.as_ref();
            let notes: Vec<&str> =
                cell.notes.iter().map(|&note| comparison.notes[note].as_str()).collect();
            writer
                .write_record([
                    comparison.table.clone(),
                    row.model.clone(),
                    row.label.clone(),
                    column.task.clone(),
                    column.metric.clone(),
                    text(theirs.map(|cell| &cell.value)),
                    text(theirs.map(|cell| cell.unit)),
                    text(theirs.and_then(PublishedCell::points)),
                    text(metric.map(|metric| metric.value)),
                    text(metric.map(|metric| metric.ci_low)),
                    text(metric.map(|metric| metric.ci_high)),
                    text(metric.map(|metric| metric.n)),
                    text(metric.map(|metric| &metric.method)),
                    text(judgement.map(|judgement| judgement.difference_points)),
                    comparison.margin_points.to_string(),
                    text(judgement.map(|judgement| judgement.verdict)),
                    text(theirs.map(|cell| &cell.source)),
                    text(theirs.map(|cell| &cell.published_model)),
                    text(theirs.and_then(|cell| cell.size.as_ref())),
                    text(theirs.map(|cell| &cell.published_metric)),
                    text(theirs.and_then(|cell| cell.epoch)),
                    text(theirs.map(|cell| cell.generation)),
                    text(theirs.map(|cell| &cell.selection)),
                    text(ours.and_then(|ours| ours.selection_policy.as_ref())),
                    text(ours.and_then(|ours| ours.recipe.as_ref())),
                    text(ours.and_then(|ours| ours.seed)),
                    text(ours.map(|ours| &ours.precision)),
                    text(ours.map(|ours| ours.max_seq_len)),
                    text(ours.map(|ours| &ours.id)),
                    theirs.map(|cell| cell.disagree.join(" | ")).unwrap_or_default(),
                    notes.join("; "),
                    text(spread.map(|spread| spread.seeds.len())),
                    text(spread.map(|spread| seed_list(spread, " "))),
                    text(spread.map(|spread| spread.deviation)),
                    text(spread.map(|spread| spread.half_width_seeds)),
                    text(spread.map(|spread| spread.half_width_examples)),
                ])
                .map_err(io)?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| Error::Output(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
