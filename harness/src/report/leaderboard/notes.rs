//! The caveats of a cell, as notes below the table.

use super::super::number::{grouped, one_line};
use crate::record::{AS_GIVEN, CellRecord, Status};

/// One sentence a caveat. Cells that share a caveat get the same sentence, so that it stands once.
pub(super) fn of(cell: &CellRecord) -> Vec<String> {
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
    if let Some(limit) = inputs.limit.filter(|limit| *limit < inputs.data.rows) {
        let (limit, rows) = (grouped(limit), grouped(inputs.data.rows));
        notes.push(format!(
            "{}/{}: only the first {limit} of {rows} rows; not comparable with a full run",
            key.task, key.split
        ));
    }
    // A checkpoint as given is what a reader takes for granted; another policy is news.
    let policy = cell.selection_policy.as_ref().filter(|p| cell.is_done() && *p != AS_GIVEN);
    if let Some(policy) = policy {
        notes.push(format!("checkpoint selection: {policy}"));
    }
    notes.extend(cell.warnings.iter().cloned());
    notes.iter().map(|note| one_line(note)).collect()
}
