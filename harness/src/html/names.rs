//! What cells are called.

use super::Report;
use super::table::Cell;
use crate::record::CellRecord;
use crate::report::number::one_line;

/// The model, with what tells it from others of its name.
pub(super) fn model_name(cell: &CellRecord) -> String {
    let (model, details) = parts(cell);
    if details.is_empty() { model } else { format!("{model} ({details})") }
}

/// The same as a table's cell.
pub(super) fn model_cell(cell: &CellRecord) -> Cell {
    let (model, details) = parts(cell);
    Cell::new(|html| {
        html.leaf("span", &[("class", "model")], model);
        if !details.is_empty() {
            html.text(" ").leaf("span", &[("class", "details")], details);
        }
    })
}

fn parts(cell: &CellRecord) -> (String, String) {
    let key = &cell.inputs.key;
    // Settings that were overridden stand in brackets, and would fill the table.
    let recipe = key.recipe.as_deref().map(|name| name.split('[').next().unwrap_or_default());
    let seeds = cell.metrics.values().find_map(|metric| metric.seeds.as_ref());
    let details: Vec<String> = (recipe.map(str::to_owned).into_iter())
        .chain(key.seed.map(|seed| format!("seed {seed}")))
        .chain(seeds.map(|spread| format!("{} seeds", spread.seeds.len())))
        .collect();
    (one_line(&key.model), one_line(&details.join(", ")))
}

/// The task's title where it is known, and the split.
pub(super) fn task_title(report: &Report<'_>, cell: &CellRecord) -> String {
    let key = &cell.inputs.key;
    let known = report.registry.tasks().find(|task| task.name == key.task);
    let title = known.map_or(key.task.as_str(), |task| &task.title);
    one_line(&format!("{title} · {}", key.split))
}

/// The task and split in short.
pub(super) fn task_name(cell: &CellRecord) -> String {
    one_line(&format!("{}/{}", cell.inputs.key.task, cell.inputs.key.split))
}
