//! Models against tasks, at one glance.

use std::collections::BTreeMap;

use super::leaderboard::Group;
use super::names::{model_name, task_name};
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use crate::record::CellRecord;
use crate::report::number::{metric_name, metric_text};

/// Writes the table, where there are several models and several tasks: the ranking metric of each task, the best of
/// each marked.
pub(super) fn write(section: &mut Section, groups: &[Group<'_>]) {
    let mut models: BTreeMap<String, Vec<Option<&CellRecord>>> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        for cell in &group.cells {
            let row = models.entry(model_name(cell)).or_insert_with(|| vec![None; groups.len()]);
            // The best of its name comes first.
            row[index].get_or_insert(cell);
        }
    }
    if groups.len() < 2 || models.len() < 2 {
        return;
    }
    let title = |group: &Group<'_>| {
        format!("{}\n{}", task_name(group.cells[0]), metric_name(group.metric()))
    };
    let columns = groups.iter().map(|group| Column::number(title(group)));
    let rows = models.into_iter().map(|(model, cells)| {
        let value = |(group, cell): (&Group<'_>, &Option<&CellRecord>)| {
            let Some(cell) = cell else { return Cell::none() };
            let Some(value) = cell.metrics.get(group.metric()).map(|metric| metric.value) else {
                return Cell::new(|html| {
                    html.leaf("span", &[("class", "failed")], "✗ failed");
                });
            };
            let best = group.done().next().map(|(_, metric)| metric.value) == Some(value);
            let class = if best { "value best" } else { "value" };
            let text = metric_text(group.metric(), value);
            let cell = Cell::new(|html| {
                html.leaf("span", &[("class", class)], text);
            });
            cell.by(value)
        };
        let values = groups.iter().zip(&cells).map(value);
        Row::from(std::iter::once(Cell::text(&model)).chain(values).collect::<Vec<_>>())
    });
    let table = Table {
        caption: "All tasks at a glance: the metric that ranks each, the best of each in bold"
            .into(),
        columns: std::iter::once(Column::text("Model")).chain(columns).collect(),
        rows: rows.collect(),
        sortable: true,
    };
    table.write(&mut section.body);
}
