//! How a compared table is laid out.

use super::super::Look;
use super::super::grid::{Cell, Column, Grid, Tone};
use super::super::number::{grouped, metric_name, metric_text, one_line};
use crate::published::{
    ComparedCell, ComparedRow, Comparison, Generation, Ours, PublishedCell, Verdict,
};

/// Marks a value that other sources print otherwise.
pub(super) const STAR: char = '*';

/// The width to which a compact table breaks the names of models.
const NAME_WIDTH: usize = 18;

/// The same for the names of columns.
const COLUMN_WIDTH: usize = 10;

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
                let text = cell.published.as_ref().map(PublishedCell::text);
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

/// A line for each number of ours. A narrow one breaks names, and has the interval below the value.
pub(super) fn list(comparison: &Comparison, narrow: bool) -> Grid {
    // What gives way is said elsewhere too: below the table, and in JSON.
    let later = |column: Column, rank| if narrow { column.gives_way(rank) } else { column };
    let columns = vec![
        Column::text("Model"),
        Column::text("Column"),
        Column::text("Metric").gives_way(1),
        Column::number("Published"),
        Column::number(if narrow { "Ours\n[95% interval]" } else { "Ours [95% interval]" }),
        Column::number("n").gives_way(2),
        later(Column::number("Diff."), 3),
        Column::text("Verdict"),
        later(Column::text("Notes"), 4),
    ];
    let name = |text: String, width| if narrow { broken(&text, width) } else { text };
    let none = || Cell::from("-");
    let mut rows = Vec::new();
    for row in &comparison.rows {
        for (column, cell) in comparison.columns.iter().zip(&row.cells) {
            let Some(ours) = &cell.ours else { continue };
            let star = if disagrees(cell) { STAR.to_string() } else { String::new() };
            let mut value = metric_text(&column.metric, ours.metric.value);
            if let Some(spread) = &ours.metric.seeds {
                value.push_str(&format!(" ± {}", metric_text(&column.metric, spread.deviation)));
            }
            let between = if narrow { '\n' } else { ' ' };
            rows.push(vec![
                name(one_line(&model(row, ours)), NAME_WIDTH).into(),
                name(column.label(), COLUMN_WIDTH).into(),
                name(metric_name(&column.metric), COLUMN_WIDTH).into(),
                cell.published.as_ref().map_or_else(none, |p| format!("{}{star}", p.text()).into()),
                format!("{value}{between}{}", interval(&column.metric, ours)).into(),
                grouped(ours.metric.n).into(),
                cell.judgement.map_or_else(none, |j| signed(j.difference_points).into()),
                cell.judgement.map_or_else(none, |j| verdict(j.verdict)),
                ranges(&cell.notes).into(),
            ]);
        }
    }
    Grid { columns, rows }
}

/// The tables that a narrow terminal needs: each with the models, and as many columns as fit.
pub(super) fn split(comparison: &Comparison, look: &Look) -> Vec<Grid> {
    let whole = table(comparison, Detail::Narrow);
    let of = |columns: &[usize]| Grid {
        columns: columns.iter().map(|&column| whole.columns[column].clone()).collect(),
        rows: (whole.rows.iter())
            .map(|row| columns.iter().map(|&column| row[column].clone()).collect())
            .collect(),
    };
    let (mut tables, mut shown) = (Vec::new(), vec![0]);
    for column in 1..whole.columns.len() {
        shown.push(column);
        if shown.len() > 2 && !look.fits(&of(&shown)) {
            shown.pop();
            tables.push(of(&shown));
            shown = vec![0, column];
        }
    }
    tables.push(of(&shown));
    tables
}

/// Indices of notes as the numbers that the notes have: `1 3-5`.
pub(super) fn ranges(notes: &[usize]) -> String {
    let mut numbers: Vec<usize> = notes.iter().map(|note| note + 1).collect();
    numbers.sort_unstable();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text = |(first, last): (usize, usize)| match last - first {
        0 => first.to_string(),
        1 => format!("{first} {last}"),
        _ => format!("{first}-{last}"),
    };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(" ")
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
fn model(row: &ComparedRow, ours: &Ours) -> String {
    let seed = ours.seed.map(|seed| format!("seed {seed}"));
    let seeds = ours.metric.seeds.as_ref().map(|spread| format!("{} seeds", spread.seeds.len()));
    let details: Vec<String> = ours.recipe.iter().cloned().chain(seed).chain(seeds).collect();
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
