//! What of a record is kept in a baseline: what decides and what is compared, nothing that says where somebody's files
//! were, and nothing that is different after every run.

use std::path::Path;

use crate::record::{BenchRecord, CellInputs, CellRecord};

/// The record without what only this run's machine knows: the predictions (the rows stand for them), what was printed,
/// the course of a training, telemetry; counts by label and entity follow from the rows.
pub(super) fn cell(cell: &CellRecord) -> CellRecord {
    let mut kept = cell.clone();
    inputs(&mut kept.inputs);
    kept.predictions = None;
    kept.plugin_output = None;
    kept.training = None;
    kept.telemetry = None;
    kept.per_class = Vec::new();
    kept.per_entity = Vec::new();
    kept
}

/// The record without paths.
pub(super) fn bench(bench: &BenchRecord) -> BenchRecord {
    let mut kept = bench.clone();
    inputs(&mut kept.inputs);
    kept
}

/// What was found is in the hashes; of where it was the name alone is kept.
fn inputs(inputs: &mut CellInputs) {
    inputs.data.file = last(&inputs.data.file);
    if let Some(checkpoint) = &mut inputs.weights.checkpoint {
        // The name of a model on the hub is no place on this machine.
        if !checkpoint.starts_with("hf:") {
            *checkpoint = last(checkpoint);
        }
    }
}

fn last(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
