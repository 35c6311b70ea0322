//! Where models err: what was taken for what, and entities by type.

use super::Report;
use super::confusion::{Confusion, mistakes};
use super::material::Cell as CellOf;
use super::names::{model_cell, model_name, task_name, task_title};
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use crate::plot::Heatmap;
use crate::record::{CellRecord, PerEntity};
use crate::report::leaderboard::{order, place};
use crate::report::number::{grouped, one_line, percent};

/// Labels of a matrix at most; the most frequent mistakes say more of larger ones.
const LABELS: usize = 16;
/// Mistakes that are listed of larger ones.
const MISTAKES: usize = 12;

/// Confusion matrices, best model first within each task; the first of each task is open, the others are folded.
pub(super) fn confusions(report: &Report<'_>) -> Option<Section> {
    let mut section = Section::new(
        "confusions",
        "Confusions",
        "Rows are what is right, columns what was predicted; the colour is the share of the row. Labels of words are \
         joined by type of entity.",
    );
    let mut cells: Vec<(&CellOf, &Confusion)> = (report.material.cells.iter())
        .filter_map(|cell| Some((cell, cell.confusion.as_ref()?)))
        .collect();
    cells.sort_by(|(a, _), (b, _)| {
        let (a, b) = (&a.record, &b.record);
        place(a).cmp(&place(b)).then_with(|| order(a, b, &a.primary_metric))
    });
    for group in cells.chunk_by(|(a, _), (b, _)| place(&a.record) == place(&b.record)) {
        section.heading(&task_title(report, &group[0].0.record));
        matrix(&mut section, group[0]);
        if group.len() > 1 {
            let title = format!("The other {} of this task", models(group.len() - 1));
            section.folded(&title, |section| {
                section.gallery(|section| {
                    group[1..].iter().for_each(|cell| matrix(section, *cell));
                });
            });
        }
    }
    section.unless_empty()
}

fn models(count: usize) -> String {
    if count == 1 { "model".to_owned() } else { format!("{count} models") }
}

fn matrix(section: &mut Section, (cell, confusion): (&CellOf, &Confusion)) {
    let (labels, counts) = if confusion.of_words {
        confusion.by_type(&cell.record.labels)
    } else {
        (cell.label_names(), confusion.counts.clone())
    };
    let title = format!("{} on {}", model_name(&cell.record), task_name(&cell.record));
    let of = if confusion.of_words { "words" } else { "rows" };
    if labels.len() > LABELS {
        list(&title, of, &labels, &counts).write(&mut section.body);
        return;
    }
    let total: u64 = counts.iter().flatten().sum();
    let right: u64 = counts.iter().enumerate().map(|(label, row)| row[label]).sum();
    let cut = match confusion.cut {
        0 => String::new(),
        cut => format!(" {} words were cut off and are not counted.", grouped(cut)),
    };
    let chart = Heatmap {
        description: format!(
            "{} of {} {of} have the right label.{cut}",
            grouped(right),
            grouped(total)
        ),
        row_title: "right".into(),
        column_title: "predicted".into(),
        rows: labels.clone(),
        columns: labels,
        counts,
        title: title.clone(),
    };
    section.figure(&title, chart.svg());
}

fn list(title: &str, of: &str, labels: &[String], counts: &[Vec<u64>]) -> Table {
    let rows = mistakes(counts).into_iter().take(MISTAKES).map(|(gold, pred, count)| {
        let support: u64 = counts[gold].iter().sum();
        Row::from(vec![
            Cell::text(one_line(&labels[gold])),
            Cell::text(one_line(&labels[pred])),
            Cell::number(Some(count as f64), |n| grouped(n as u64)),
            Cell::number(Some(count as f64 / support as f64), percent),
        ])
    });
    Table {
        caption: format!("{title}: the most frequent mistakes ({} labels)", labels.len()),
        columns: vec![
            Column::text("Right"),
            Column::text("Predicted"),
            Column::number(if of == "words" { "Words" } else { "Rows" }),
            Column::number("% of the label"),
        ],
        rows: rows.collect(),
        sortable: true,
    }
}

/// Precision, recall and F1 by type of entity, a table a cell.
pub(super) fn entities(report: &Report<'_>) -> Option<Section> {
    let mut section = Section::new(
        "entities",
        "Entities",
        "Precision, recall and F1 in percent. An entity is right where its words and its type are.",
    );
    let mut cells: Vec<&CellRecord> = (report.material.cells.iter())
        .map(|cell| &cell.record)
        .filter(|record| !record.per_entity.is_empty())
        .collect();
    cells.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| order(a, b, &a.primary_metric)));
    for group in cells.chunk_by(|a, b| place(a) == place(b)) {
        section.heading(&task_title(report, group[0]));
        entity_f1(report, group).write(&mut section.body);
        let title = format!("Precision, recall and counts of {}", models(group.len()));
        section.folded(&title, |section| {
            group.iter().for_each(|cell| entity_table(cell).write(&mut section.body));
        });
    }
    section.unless_empty()
}

/// F1 of each type, models side by side.
fn entity_f1(report: &Report<'_>, group: &[&CellRecord]) -> Table {
    let mut kinds: Vec<&str> = Vec::new();
    for entity in group.iter().flat_map(|cell| &cell.per_entity) {
        if !kinds.contains(&entity.kind.as_str()) {
            kinds.push(&entity.kind);
        }
    }
    let rows = group.iter().map(|cell| {
        let f1 = |kind: &&str| {
            let found = cell.per_entity.iter().find(|entity| entity.kind == **kind);
            Cell::number(found.map(|entity| entity.f1), percent)
        };
        std::iter::once(model_cell(cell)).chain(kinds.iter().map(f1)).collect::<Vec<_>>().into()
    });
    Table {
        caption: format!("{}: F1 by type of entity", task_title(report, group[0])),
        columns: std::iter::once(Column::text("Model"))
            .chain(kinds.iter().map(|kind| Column::number(one_line(kind))))
            .collect(),
        rows: rows.collect(),
        sortable: true,
    }
}

fn entity_table(cell: &CellRecord) -> Table {
    let count = |count: u64| Cell::number(Some(count as f64), |n| grouped(n as u64));
    let share = |share: f64| Cell::number(Some(share), percent);
    let row = |entity: &PerEntity| {
        Row::from(vec![
            Cell::text(one_line(&entity.kind)),
            share(entity.precision),
            share(entity.recall),
            share(entity.f1),
            count(entity.support),
            count(entity.predicted),
            count(entity.correct),
        ])
    };
    Table {
        caption: model_name(cell),
        columns: ["Type", "Precision", "Recall", "F1", "In the data", "Predicted", "Right"]
            .iter()
            .enumerate()
            .map(|(i, title)| if i == 0 { Column::text(*title) } else { Column::number(*title) })
            .collect(),
        rows: cell.per_entity.iter().map(row).collect(),
        sortable: true,
    }
}
