//! The leaderboard: a table a task, best first, with intervals, published numbers, speed and memory.

use super::chip::{self, Tone, chip};
use super::names::{model_cell, model_name, task_title};
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use super::writer::Html;
use super::{Report, overview};
use crate::published::Verdict;
use crate::record::{CellRecord, MetricValue, Status};
use crate::report::leaderboard::{notes, order, place};
use crate::report::number::{grouped, less_is_better, metric_name, metric_text, one_line, rate};
use crate::text::bytes;

/// Cells of one task, its version and split, best first; failed ones last.
pub(super) struct Group<'a> {
    /// The cells; there is one at least.
    pub(super) cells: Vec<&'a CellRecord>,
}

impl<'a> Group<'a> {
    /// The groups of all cells, ordered by task.
    pub(super) fn of(cells: &'a [CellRecord]) -> Vec<Self> {
        let mut sorted: Vec<&CellRecord> = cells.iter().collect();
        sorted.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| order(a, b, &a.primary_metric)));
        let groups = sorted.chunk_by(|a, b| place(a) == place(b));
        groups.map(|cells| Self { cells: cells.to_vec() }).collect()
    }

    /// The metric that ranks the cells.
    pub(super) fn metric(&self) -> &'a str {
        &self.cells[0].primary_metric
    }

    /// The cells that have it, with its value.
    pub(super) fn done(&self) -> impl Iterator<Item = (&'a CellRecord, &'a MetricValue)> {
        let metric = self.metric();
        self.cells.iter().filter_map(move |cell| Some((*cell, cell.metrics.get(metric)?)))
    }

    /// The ends of all intervals.
    fn range(&self) -> (f64, f64) {
        self.done().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, metric)| {
            (low.min(metric.ci_low), high.max(metric.ci_high))
        })
    }
}

/// The section; none without cells.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let cells = &report.cells;
    let mut section = Section::new(
        "leaderboard",
        "Leaderboard",
        "Best first within each task. Scores are percent unless a unit is given, with 95% intervals; ranks of models \
         whose intervals overlap may be chance.",
    );
    let groups = Group::of(cells);
    overview::write(&mut section, &groups);
    for group in &groups {
        section.heading(&task_title(report, group.cells[0]));
        table(report, group).write(&mut section.body);
        caveats(&mut section, group);
    }
    section.unless_empty()
}

fn table(report: &Report<'_>, group: &Group<'_>) -> Table {
    let metric = group.metric();
    let published = |cell: &CellRecord| published(report, cell, metric);
    let has_published = group.cells.iter().any(|cell| !published(cell).is_empty());
    let has = |of: fn(&CellRecord) -> bool| group.cells.iter().any(|cell| of(cell));
    let has_device_memory = has(|cell| cell.memory.peak_device_bytes.is_some());
    let better = if less_is_better(metric) { "less is better" } else { "more is better" };
    let mut columns = vec![
        Column::text("Model"),
        Column::number(metric_name(metric)).about(better),
        Column::text("95% interval"),
    ];
    if has_published {
        columns.push(
            Column::text("Published")
                .about("what was published for this model, and whether ours agrees"),
        );
    }
    columns.extend([
        Column::number("Rows").about("rows that were scored"),
        Column::number("Rows/s").about("rows a second of forward time"),
        Column::number("Tokens/s").about("tokens a second of forward time"),
        Column::number("Memory").about("peak resident memory of the process"),
    ]);
    if has_device_memory {
        columns.push(Column::number("Device memory").about("peak memory of the device"));
    }
    columns.extend([Column::text("Ran on"), Column::text("Status")]);
    let range = group.range();
    let best = group.done().next().map(|(cell, _)| cell.id.as_str());
    let rows = group.cells.iter().map(|cell| {
        let value = cell.metrics.get(metric);
        let mut cells = vec![
            model_cell(cell),
            Cell::number(value.map(|v| v.value), |v| metric_text(metric, v)),
            value.map_or_else(Cell::none, |value| interval(metric, value, range)),
        ];
        if has_published {
            cells.push(published_cell(&published(cell)));
        }
        let throughput = &cell.throughput;
        cells.extend([
            Cell::number(value.map(|v| v.n as f64), |n| grouped(n as u64)),
            Cell::number(throughput.rows_per_second, rate),
            Cell::number(throughput.tokens_per_second, rate),
            memory(cell.memory.peak_rss_bytes),
        ]);
        if has_device_memory {
            cells.push(memory(cell.memory.peak_device_bytes));
        }
        cells.extend([ran_on(cell), status(cell)]);
        let class = match cell.status {
            Status::Failed { .. } => "is-bad",
            Status::Done if Some(cell.id.as_str()) == best => "is-best",
            Status::Done => "",
        };
        Row { cells, class }
    });
    let rows = rows.collect();
    let caption = format!("Ranked by {}; {better}", metric_name(metric));
    Table { caption, columns, rows, sortable: true }
}

/// The interval as text, and as a line on a scale that the table's rows share.
fn interval(metric: &str, value: &MetricValue, (low, high): (f64, f64)) -> Cell {
    let width = if high > low { high - low } else { 1.0 };
    let place = |value: f64| (100.0 * (value - low) / width).clamp(0.0, 100.0);
    let (from, to, at) = (place(value.ci_low), place(value.ci_high), place(value.value));
    let style = format!("--from:{from:.1}%;--to:{to:.1}%;--at:{at:.1}%");
    let text = |value| metric_text(metric, value);
    let spread = value.seeds.as_ref().map(|s| format!(" ± {}", text(s.deviation)));
    let mark = [("class", "range"), ("style", style.as_str()), ("aria-hidden", "true")];
    Cell::new(|html| {
        html.element("span", &[("class", "nowrap")], |html| {
            html.element("span", &mark, |_| ());
            html.leaf(
                "span",
                &[("class", "interval"), ("title", &value.method)],
                format!(
                    "[{}, {}]{}",
                    text(value.ci_low),
                    text(value.ci_high),
                    spread.unwrap_or_default()
                ),
            );
        });
    })
    .by(value.ci_low)
}

fn memory(size: Option<u64>) -> Cell {
    Cell::number(size.map(|size| size as f64), |size| bytes(size as u64))
}

fn ran_on(cell: &CellRecord) -> Cell {
    let inputs = &cell.inputs;
    let threads = if inputs.threads == 1 { "thread" } else { "threads" };
    let on = format!("{} {}, {} {threads}", inputs.device, inputs.precision, inputs.threads);
    let device = cell.backend.device_name.clone().unwrap_or_default();
    Cell::new(|html| {
        html.leaf(
            "span",
            &[("class", "small nowrap"), ("title", &one_line(&device))],
            one_line(&on),
        );
    })
}

fn status(cell: &CellRecord) -> Cell {
    Cell::new(|html| match &cell.status {
        Status::Done => chip(html, Tone::Good, "✓", "done"),
        Status::Failed { cause } => chip(html, Tone::Bad, "✗", &one_line(&cause.label())),
    })
}

/// What was published for a cell: number, where, and whether ours agrees; the same of two tables once.
fn published<'a>(
    report: &'a Report<'_>,
    cell: &CellRecord,
    metric: &str,
) -> Vec<(String, &'a str, Option<Verdict>)> {
    let mut found: Vec<(String, &str, Option<Verdict>)> = Vec::new();
    for table in report.tables {
        for row in &table.rows {
            for (column, compared) in table.columns.iter().zip(&row.cells) {
                let ours = compared.ours.as_ref().filter(|ours| ours.id == cell.id);
                let (Some(_), Some(theirs)) = (ours, &compared.published) else { continue };
                let source = row.published.as_ref().map_or(table.title.as_str(), |s| &s.title);
                let verdict = compared.judgement.map(|judgement| judgement.verdict);
                let entry = (theirs.text(), source, verdict);
                if column.metric == metric && !found.contains(&entry) {
                    found.push(entry);
                }
            }
        }
    }
    found
}

fn published_cell(found: &[(String, &str, Option<Verdict>)]) -> Cell {
    if found.is_empty() {
        return Cell::new(|html| {
            html.leaf("span", &[("class", "none"), ("title", "nothing is published")], "–");
        });
    }
    let key = found[0].0.parse().unwrap_or(f64::MIN);
    let cell = Cell::new(|html| {
        for (value, source, verdict) in found {
            html.element("span", &[("class", "published"), ("title", source)], |html| {
                html.text(value);
                if let Some(verdict) = verdict {
                    html.text(" ");
                    chip::published(html, *verdict);
                }
            });
        }
    });
    cell.by(key)
}

/// What a reader should know of the cells, below their table.
fn caveats(section: &mut Section, group: &Group<'_>) {
    let mut all: Vec<String> = Vec::new();
    for cell in &group.cells {
        for note in notes::of(cell, group.metric()) {
            if !all.contains(&note) {
                all.push(note);
            }
        }
    }
    list_of_notes(&mut section.body, &all);
}

/// Notes in small letters; more than a few are folded.
pub(super) fn list_of_notes(html: &mut Html, notes: &[String]) {
    const SHOWN: usize = 3;
    let list = |html: &mut Html, notes: &[String]| {
        html.element("ul", &[("class", "notes")], |html| {
            notes.iter().for_each(|note| {
                html.leaf("li", &[], note);
            });
        });
    };
    let (shown, folded) = notes.split_at(notes.len().min(SHOWN));
    if !shown.is_empty() {
        list(html, shown);
    }
    if !folded.is_empty() {
        html.element("details", &[], |html| {
            let notes = if folded.len() == 1 { "note" } else { "notes" };
            html.leaf("summary", &[], format!("{} more {notes}", folded.len()));
            list(html, folded);
        });
    }
}

/// Every metric of every cell.
pub(super) fn all_metrics(report: &Report<'_>) -> Option<Section> {
    let mut section = Section::new(
        "metrics",
        "All metrics",
        "Every metric of every cell, with its interval and how that was made.",
    );
    let rows = |cell: &CellRecord| -> Vec<Row> {
        let row = |(name, value): (&String, &MetricValue)| {
            let text = |value| metric_text(name, value);
            let interval = format!("[{}, {}]", text(value.ci_low), text(value.ci_high));
            Row::from(vec![
                Cell::text(model_name(cell)),
                Cell::text(format!("{}/{}", cell.inputs.key.task, cell.inputs.key.split)),
                Cell::text(metric_name(name)),
                Cell::number(Some(value.value), text),
                Cell::text(interval).by(value.ci_low),
                Cell::number(Some(value.n as f64), |n| grouped(n as u64)),
                Cell::text(value.method.replace('_', " ")),
            ])
        };
        cell.metrics.iter().map(row).collect()
    };
    let rows: Vec<Row> = report.cells.iter().flat_map(rows).collect();
    if rows.is_empty() {
        return None;
    }
    let table = Table {
        caption: format!("{} metrics", rows.len()),
        columns: vec![
            Column::text("Model"),
            Column::text("Task"),
            Column::text("Metric"),
            Column::number("Value"),
            Column::number("95% interval"),
            Column::number("n"),
            Column::text("Interval by"),
        ],
        rows,
        sortable: true,
    };
    section.folded("Show all metrics", |section| table.write(&mut section.body));
    Some(section)
}
