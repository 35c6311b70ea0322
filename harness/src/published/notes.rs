//! What a reader of a compared table should know, as notes below it.

use std::collections::BTreeMap;

use super::choose::task;
use super::{ComparedCell, ComparedRow, Generation, Ours, Published, TableSpec};
use crate::record::CellRecord;
use crate::report::Numbered;
use crate::report::number::{
    OVER_SEEDS, alternatives_text, metric_text, one_line, seed_list, seeds_text,
};
use crate::task::Registry;

/// Fills in the notes of every cell: first what matters to cells of ours, then what the rest of the table needs.
pub(super) fn add_notes(
    notes: &mut Numbered,
    published: &Published,
    spec: &TableSpec,
    rows: &mut [ComparedRow],
    registry: &Registry,
    cells: &[CellRecord],
) {
    let cells: BTreeMap<&str, &CellRecord> =
        cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
    let of_rows: Vec<BTreeMap<usize, String>> =
        rows.iter().map(|row| printed_notes(spec, row)).collect();
    for ours_first in [true, false] {
        for (row, of_row) in rows.iter_mut().zip(&of_rows) {
            let label = row.label.clone();
            for (index, cell) in row.cells.iter_mut().enumerate() {
                if cell.ours.is_some() != ours_first {
                    continue;
                }
                let place = format!("{label}, {}", spec.columns[index].label());
                let mut texts = Vec::new();
                texts.extend(checkpoints(published, cell));
                if let Some(theirs) = &cell.published {
                    texts.extend(published.caveats_of(theirs).map(str::to_owned));
                }
                texts.extend(of_row.get(&index).cloned());
                texts.extend(disagreement(&place, cell));
                if let Some(ours) = &cell.ours {
                    let metric = &spec.columns[index].metric;
                    if let Some(spread) = &ours.metric.seeds {
                        texts.push(OVER_SEEDS.to_owned());
                        texts.push(format!("{place}: {}", seeds_text(metric, spread)));
                    }
                    texts.extend(seeds(&place, metric, ours));
                    texts.extend(of_record(ours, registry, &cells));
                }
                cell.notes = texts.iter().map(|text| notes.number(one_line(text))).collect();
            }
        }
    }
    if let Some(text) = mixed_generations(rows) {
        notes.number(one_line(&text));
    }
}

/// How the checkpoints of both sides were chosen, where there are two sides.
fn checkpoints(published: &Published, cell: &ComparedCell) -> Option<String> {
    let (theirs, ours) = (cell.published.as_ref()?, cell.ours.as_ref()?);
    let text = published.selection_text(&theirs.selection).unwrap_or_default();
    let policy = ours.selection_policy.as_deref().unwrap_or("not recorded");
    let seeds = match (&ours.metric.seeds, ours.seed) {
        (Some(spread), _) => format!(", the mean of {} seeds", spread.seeds.len()),
        (None, Some(_)) => ", one seed".to_owned(),
        (None, None) => String::new(),
    };
    Some(format!(
        "how checkpoints were chosen: published: {}, {text}, one value; ours: {policy}{seeds}",
        theirs.selection
    ))
}

/// The cells' own notes by column, said once for a row that shares one.
fn printed_notes(spec: &TableSpec, row: &ComparedRow) -> BTreeMap<usize, String> {
    let mut columns: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let printed = row.cells.iter().filter(|cell| cell.published.is_some()).count();
    for (index, cell) in row.cells.iter().enumerate() {
        if let Some(note) = cell.published.as_ref().and_then(|cell| cell.note.as_deref()) {
            columns.entry(note).or_default().push(index);
        }
    }
    let mut notes = BTreeMap::new();
    for (note, columns) in columns {
        let labels: Vec<String> = columns.iter().map(|&c| spec.columns[c].label()).collect();
        let text = if columns.len() == printed {
            format!("{}: {note}", row.label)
        } else {
            format!("{}, {}: {note}", row.label, labels.join(", "))
        };
        notes.extend(columns.into_iter().map(|column| (column, text.clone())));
    }
    notes
}

/// Only where there is a number of ours; the table marks the other cells with a star.
fn disagreement(place: &str, cell: &ComparedCell) -> Option<String> {
    let theirs = cell.published.as_ref().filter(|theirs| !theirs.disagree.is_empty())?;
    cell.ours.as_ref()?;
    Some(format!("{place}: sources disagree: {}", theirs.disagree.join(", ")))
}

/// Which of several cells is shown, and what the others have.
fn seeds(place: &str, metric: &str, ours: &Ours) -> Option<String> {
    let name = |recipe: &Option<String>, seed: Option<u64>, precision: &str| {
        let parts: Vec<String> = (recipe.iter().map(|recipe| format!("recipe {recipe}")))
            .chain(seed.map(|seed| format!("seed {seed}")))
            .chain([precision.to_owned()])
            .collect();
        parts.join(" ")
    };
    let others: Vec<String> = (ours.others.iter())
        .map(|other| {
            let value = other.value.map_or_else(|| "-".to_owned(), |v| metric_text(metric, v));
            format!("{} {value}", name(&other.recipe, other.seed, &other.precision))
        })
        .collect();
    if others.is_empty() {
        return None;
    }
    let shown = match &ours.metric.seeds {
        Some(spread) => {
            let recipe = ours.recipe.iter().map(|recipe| format!("recipe {recipe} "));
            let recipe: String = recipe.collect();
            format!("{recipe}seeds {} {}", seed_list(spread, ", "), ours.precision)
        }
        None => name(&ours.recipe, ours.seed, &ours.precision),
    };
    Some(format!("{place}: shown is {shown}; also there: {}", others.join(", ")))
}

/// What our record and its task say.
fn of_record(ours: &Ours, registry: &Registry, cells: &BTreeMap<&str, &CellRecord>) -> Vec<String> {
    let Some(cell) = cells.get(ours.id.as_str()) else { return Vec::new() };
    let key = &cell.inputs.key;
    let mut texts = Vec::new();
    if let Some(training) = &cell.training {
        texts.extend(training.selection.caveat.as_ref().map(|caveat| format!("ours: {caveat}")));
        let others = alternatives_text(&training.selection);
        texts.extend(others.map(|text| format!("{}: {text}", key.label())));
    }
    if !cell.inputs.data.verified {
        texts.push(format!("{}/{}: there is no hash to verify the data with", key.task, key.split));
    }
    texts.extend(cell.warnings.iter().cloned());
    if let Some(task) = task(registry, &key.task) {
        texts.extend(task.caveats.iter().map(|caveat| format!("{}: {caveat}", task.name)));
    }
    texts
}

/// Rows of several generations were made with different recipes.
fn mixed_generations(rows: &[ComparedRow]) -> Option<String> {
    let mut labels: BTreeMap<Generation, Vec<&str>> = BTreeMap::new();
    for row in rows {
        if let Some(published) = &row.published {
            labels.entry(published.generation).or_default().push(&row.label);
        }
    }
    if labels.len() < 2 {
        return None;
    }
    let parts = labels.iter().map(|(generation, labels)| {
        let labels = labels.join(", ");
        match generation {
            Generation::None => format!("unknown ({labels})"),
            _ => format!("{generation} ({labels})"),
        }
    });
    let parts: Vec<String> = parts.collect();
    Some(format!("rows of different recipes, not comparable with each other: {}", parts.join("; ")))
}
