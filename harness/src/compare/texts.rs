//! The texts of rows that changed sides.

use std::collections::BTreeMap;

use super::{Comparison, Source};
use crate::data::{DataPlaces, Dataset, DatasetOptions, Input};
use crate::record::CellKey;
use crate::task::Registry;

/// Adds the texts of all flips that are listed. Data that are not there, or are not those that the new side ran on, are
/// passed over with a note.
pub(super) fn add(
    comparison: &mut Comparison,
    new: &Source,
    places: &DataPlaces,
    registry: &Registry,
) {
    let mut opened: BTreeMap<(String, String), Option<Dataset>> = BTreeMap::new();
    let mut missing = Vec::new();
    for cell in comparison.cells.iter_mut().filter(|cell| !cell.flips.rows.is_empty()) {
        let place = (cell.key.task.clone(), cell.key.split.clone());
        let dataset = opened.entry(place).or_insert_with(|| {
            let opened = open(&cell.key, places, registry);
            opened.map_err(|reason| missing.push(format!("{}: {reason}", cell.key.task))).ok()
        });
        let Some(dataset) = dataset else { continue };
        let ran_on = new.cells.iter().find(|c| c.id == cell.new_id).map(|c| &c.inputs.data.sha256);
        if ran_on != Some(&dataset.info().sha256) {
            continue;
        }
        for flip in &mut cell.flips.rows {
            let row = usize::try_from(flip.i).ok().and_then(|index| dataset.row(index));
            flip.text = row.map(|row| text(&row.input));
        }
    }
    comparison.notes.extend(
        missing.into_iter().map(|what| format!("rows are shown without their text: {what}")),
    );
}

fn open(key: &CellKey, places: &DataPlaces, registry: &Registry) -> Result<Dataset, String> {
    let task = registry.get(&key.task).map_err(|error| error.to_string())?;
    let options = DatasetOptions { allow_unverified: true, ..DatasetOptions::default() };
    Dataset::open(&task, Some(&key.split), places, options).map_err(|error| error.to_string())
}

/// A row as one text; the parts of a pair are divided by a bar.
fn text(input: &Input<'_>) -> String {
    match input {
        Input::Text(text) => (*text).to_owned(),
        Input::Pair(first, second) => format!("{first} | {second}"),
        Input::Words(words) => words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Input::Question { question, .. } => (*question).to_owned(),
    }
}
