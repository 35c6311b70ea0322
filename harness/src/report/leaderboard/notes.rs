//! The caveats of a cell, as notes below the table.

use super::super::number::{OVER_SEEDS, alternatives_text, grouped, one_line, seeds_text};
use crate::record::{AS_GIVEN, CellRecord, Status};

/// One sentence a caveat. Cells that share a caveat get the same sentence, so that it stands once.
/// `metric` is the one that the cell's line shows.
pub(crate) fn of(cell: &CellRecord, metric: &str) -> Vec<String> {
    let (inputs, key) = (&cell.inputs, &cell.inputs.key);
    let mut notes = Vec::new();
    if let Status::Failed { cause } = &cell.status {
        notes.push(format!("{}: {}", key.label(), cause.text()));
    }
    if !inputs.data.verified {
        notes.push(format!(
            "{}/{}: unverified data: {} is not the file that the task names (its SHA-256 is {})",
            key.task, key.split, inputs.data.file, inputs.data.sha256
        ));
    }
    if let Some(limit) = inputs.limit.filter(|limit| *limit < inputs.data.split_rows()) {
        let (limit, rows) = (grouped(limit), grouped(inputs.data.split_rows()));
        notes.push(format!(
            "{}/{}: only the first {limit} of {rows} rows; not comparable with a full run",
            key.task, key.split
        ));
    }
    // A checkpoint as given is what a reader takes for granted; another policy is news.
    let policy = cell.selection_policy.as_ref().filter(|p| cell.is_done() && *p != AS_GIVEN);
    if let Some(policy) = policy {
        let caveat = cell.training.as_ref().and_then(|training| training.selection.caveat.as_ref());
        let caveat = caveat.map(|caveat| format!(": {caveat}")).unwrap_or_default();
        notes.push(format!("checkpoint selection: {policy}{caveat}"));
    }
    if let Some(training) = cell.training.as_ref().filter(|t| t.selection.metric == metric) {
        let others = alternatives_text(&training.selection);
        notes.extend(others.map(|text| format!("{}: {text}", key.label())));
    }
    if let Some(spread) = cell.metrics.get(metric).and_then(|metric| metric.seeds.as_ref()) {
        notes.push(OVER_SEEDS.to_owned());
        notes.push(format!("{}: {}", key.label(), seeds_text(metric, spread)));
    }
    notes.extend(cell.warnings.iter().cloned());
    notes.iter().map(|note| one_line(note)).collect()
}
