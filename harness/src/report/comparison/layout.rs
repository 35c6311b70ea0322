//! How a compared table is laid out.

use super::super::grid::{Cell, Column, Grid, Tone};
use super::super::number::{grouped, metric_name, metric_text, one_line};
use crate::published::{ComparedCell, ComparedRow, Comparison, Generation, Ours, Verdict};

/// Marks a value that other sources print otherwise.
pub(super) const STAR: char = '*';

/// The width to which a compact table breaks the names of models.
const NAME_WIDTH: usize = 18;

/// How much a table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Size and generation; below each published line ours, its interval and the verdict.
    Full,
    /// Without size and generation.
    Middle,
    /// Below each published line ours alone.
    Short,
    /// The same, long names of models in several lines.
    Narrow,
}

impl Detail {
    /// The widest first.
    pub(super) const ALL: [Self; 4] = [Self::Full, Self::Middle, Self::Short, Self::Narrow];
}

/// Where the rows are published: titles and addresses, each once.
pub(super) fn sources(comparison: &Comparison) -> Vec<String> {
    let mut sources = Vec::new();
    for published in comparison.rows.iter().filter_map(|row| row.published.as_ref()) {
        let address = published.url.iter().map(|url| format!(", {url}"));
        let source = format!("{}{}", published.title, address.collect::<String>());
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

/// Models against tasks: a line as published, and below it lines of ours.
pub(super) fn table(comparison: &Comparison, detail: Detail) -> Grid {
    let mut columns = vec![Column::text("Model")];
    if detail == Detail::Full {
        columns.extend([Column::number("Size"), Column::text("Gen.")]);
    }
    let narrow = detail == Detail::Narrow;
    for column in &comparison.columns {
        let title = if narrow { column.title.replace(' ', "\n") } else { column.title.clone() };
        columns.push(Column::number(format!("{title}\n{}", column.short)));
    }
    let starred: Vec<bool> = (0..comparison.columns.len())
        .map(|column| comparison.rows.iter().any(|row| disagrees(&row.cells[column])))
        .collect();
    let mut rows = Vec::new();
    for row in &comparison.rows {
        let label = one_line(&row.label);
        let label = if narrow { broken(&label, NAME_WIDTH) } else { label };
        let line = |head: &str, size: Option<&str>, generation: Option<Generation>| {
            let mut line = vec![Cell::from(head)];
            if detail == Detail::Full {
                line.push(size.unwrap_or_default().into());
                let known = generation.filter(|g| *g != Generation::None);
                line.push(known.map(|g| g.to_string()).unwrap_or_default().into());
            }
            line
        };
        if let Some(published) = &row.published {
            let mut cells = line(&label, published.size.as_deref(), Some(published.generation));
            cells.extend(row.cells.iter().zip(&starred).map(|(cell, starred)| {
                let text = cell.published.as_ref().map(|published| published.text());
                let mut text = text.unwrap_or_else(|| "-".to_owned());
                if *starred {
                    text.push(if disagrees(cell) { STAR } else { ' ' });
                }
                Cell::from(text)
            }));
            rows.push(cells);
        }
        if row.cells.iter().all(|cell| cell.ours.is_none()) {
            continue;
        }
        // A model that is published nowhere has no line to stand below.
        let heads = match &row.published {
            Some(_) => ["  ours", "  95% interval", "  verdict"].map(str::to_owned),
            None => [format!("{label} (ours)"), "  95% interval".into(), String::new()],
        };
        let ours = |head: &str, text: &dyn Fn(usize, &ComparedCell) -> Option<Cell>| {
            let mut cells = line(head, None, None);
            cells.extend(row.cells.iter().zip(&starred).enumerate().map(
                |(index, (cell, starred))| {
                    let mut cell = text(index, cell).unwrap_or_default();
                    if *starred && !cell.text.is_empty() {
                        cell.text.push(' ');
                    }
                    cell
                },
            ));
            cells
        };
        let metric = |index: usize| comparison.columns[index].metric.as_str();
        rows.push(ours(&heads[0], &|index, cell| {
            cell.ours.as_ref().map(|ours| metric_text(metric(index), ours.metric.value).into())
        }));
        if matches!(detail, Detail::Full | Detail::Middle) {
            rows.push(ours(&heads[1], &|index, cell| {
                cell.ours.as_ref().map(|ours| interval(metric(index), ours).into())
            }));
            if row.cells.iter().any(|cell| cell.judgement.is_some()) {
                rows.push(ours(&heads[2], &|_, cell| cell.judgement.map(|j| verdict(j.verdict))));
            }
        }
    }
    Grid { columns, rows }
}

/// A line for each number of ours, or with `everything` for every number.
pub(super) fn list(comparison: &Comparison, everything: bool) -> Grid {
    let columns = vec![
        Column::text("Model"),
        Column::text("Column"),
        Column::text("Metric").gives_way(2),
        Column::number("Published"),
        Column::number("Ours [95% interval]"),
        Column::number("n").gives_way(1),
        Column::number("Diff."),
        Column::text("Verdict"),
        Column::text("Notes").gives_way(3),
    ];
    let mut rows = Vec::new();
    for row in &comparison.rows {
        for (column, cell) in comparison.columns.iter().zip(&row.cells) {
            let empty = cell.published.is_none() && cell.ours.is_none();
            if empty || (!everything && cell.ours.is_none()) {
                continue;
            }
            let marks: Vec<String> = cell.notes.iter().map(|mark| (mark + 1).to_string()).collect();
            let none = || "-".to_owned();
            let published = cell.published.as_ref();
            let star = if disagrees(cell) { STAR.to_string() } else { String::new() };
            let difference = cell.judgement.map(|j| signed(j.difference_points));
            rows.push(vec![
                one_line(&model(row, cell.ours.as_ref())).into(),
                column.label().into(),
                metric_name(&column.metric).into(),
                published.map_or_else(none, |p| format!("{}{star}", p.text())).into(),
                cell.ours
                    .as_ref()
                    .map_or_else(none, |ours| {
                        let value = metric_text(&column.metric, ours.metric.value);
                        format!("{value} {}", interval(&column.metric, ours))
                    })
                    .into(),
                cell.ours.as_ref().map_or_else(none, |ours| grouped(ours.metric.n)).into(),
                difference.unwrap_or_else(none).into(),
                cell.judgement.map_or_else(|| none().into(), |j| verdict(j.verdict)),
                marks.join(" ").into(),
            ]);
        }
    }
    Grid { columns, rows }
}

/// With its sign, but no sign before zeros only.
fn signed(points: f64) -> String {
    let text = format!("{points:+.2}");
    if points.abs() < 0.005 { "0.00".to_owned() } else { text }
}

fn disagrees(cell: &ComparedCell) -> bool {
    cell.published.as_ref().is_some_and(|published| !published.disagree.is_empty())
}

fn interval(metric: &str, ours: &Ours) -> String {
    let text = |value| metric_text(metric, value);
    format!("[{}, {}]", text(ours.metric.ci_low), text(ours.metric.ci_high))
}

fn verdict(verdict: Verdict) -> Cell {
    let tone = match verdict {
        Verdict::Identical | Verdict::Reproduced | Verdict::Above => Tone::Good,
        Verdict::Below => Tone::Bad,
        Verdict::Inconclusive => Tone::Faint,
    };
    Cell::toned(verdict.name(), tone)
}

/// The row's label with the recipe and seed of ours.
fn model(row: &ComparedRow, ours: Option<&Ours>) -> String {
    let details: Vec<String> = ours.map_or_else(Vec::new, |ours| {
        let seed = ours.seed.map(|seed| format!("seed {seed}"));
        ours.recipe.iter().cloned().chain(seed).collect()
    });
    if details.is_empty() {
        row.label.clone()
    } else {
        format!("{} ({})", row.label, details.join(", "))
    }
}

/// A name in lines of at most `width` columns, broken after hyphens, blanks and underscores.
fn broken(name: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthStr;
    let (mut lines, mut line) = (String::new(), String::new());
    for part in name.split_inclusive(['-', ' ', '_']) {
        if !line.is_empty() && line.width() + part.trim_end().width() > width {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line.clear();
        }
        line.push_str(part);
    }
    lines + &line
}
