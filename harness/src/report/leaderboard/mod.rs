//! The leaderboard: every cell, best first within its task.

mod csv;
mod json;
pub(crate) mod notes;
mod row;

pub use row::LeaderboardRow;
pub(crate) use row::{order, place};

use std::collections::{BTreeMap, BTreeSet};

use super::grid::{Cell, Grid, Tone};
use super::number::{grouped, less_is_better};
use super::numbered::Numbered;
use super::{Format, Look, latex, markdown, terminal};
use crate::error::Error;
use crate::metrics::Metric;
use crate::record::{CellRecord, pool_seeds};

/// Which metrics a leaderboard shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricChoice {
    /// For each task the one that ranks its models.
    Primary,
    /// The one of this name; done cells without it are left out, and counted in a note.
    Named(String),
    /// Each, in a line of its own.
    All,
}

/// All of a leaderboard: rows in order, and the notes that they refer to.
#[derive(Debug, Clone, PartialEq)]
struct Leaderboard {
    entries: Vec<Entry>,
    notes: Vec<String>,
}

/// A line: a cell and the metric that it shows.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    row: LeaderboardRow,
    metric: String,
    /// Indices of its notes.
    marks: Vec<usize>,
    /// Whether cells of its task were chosen in several ways, so that its line says how it was.
    with_policy: bool,
}

/// Renders cells with the metric that ranks them, best first within each task; CSV has all metrics.
///
/// # Errors
/// As [`render_leaderboard`].
pub fn render(cells: &[CellRecord], format: Format, look: &Look) -> Result<String, Error> {
    let choice = if format == Format::Csv { MetricChoice::All } else { MetricChoice::Primary };
    render_leaderboard(cells, &choice, format, look)
}

/// Renders cells, best first within each task and metric, with one line for all seeds of a cell ([`pool_seeds`]); failed cells come last in theirs, with their cause.
///
/// `look` matters to [`Format::Terminal`] alone, and JSON has all metrics whatever the choice. The text ends with a
/// line end.
///
/// # Errors
/// Only when a number cannot be put into JSON or CSV.
pub fn render_leaderboard(
    cells: &[CellRecord],
    choice: &MetricChoice,
    format: Format,
    look: &Look,
) -> Result<String, Error> {
    let cells = &pool_seeds(cells);
    let leaderboard = Leaderboard::new(cells, choice);
    Ok(match format {
        Format::Terminal => {
            terminal::grid(&leaderboard.grid(), look) + &terminal::notes(&leaderboard.notes, look)
        }
        Format::Markdown => {
            markdown::grid(&leaderboard.grid()) + &markdown::notes(&leaderboard.notes)
        }
        Format::Latex => latex::table(&leaderboard.grid(), "Leaderboard", &leaderboard.notes),
        Format::Csv => csv::render(&leaderboard)?,
        Format::Json => json::render(&Leaderboard::new(cells, &MetricChoice::Primary))?,
    })
}

impl Leaderboard {
    fn new(cells: &[CellRecord], choice: &MetricChoice) -> Self {
        let mut lines: Vec<(&CellRecord, String)> = Vec::new();
        let mut without = 0_u64;
        for cell in cells {
            match choice {
                MetricChoice::Named(name) if cell.metrics.contains_key(name) || !cell.is_done() => {
                    lines.push((cell, name.clone()));
                }
                MetricChoice::Named(_) => without += 1,
                MetricChoice::All if !cell.metrics.is_empty() => {
                    lines.extend(cell.metrics.keys().map(|name| (cell, name.clone())));
                }
                _ => lines.push((cell, cell.primary_metric.clone())),
            }
        }
        lines.sort_by(|(a, metric_a), (b, metric_b)| {
            let metric =
                |cell: &CellRecord, metric: &str| (*metric != *cell.primary_metric, rank(metric));
            place(a)
                .cmp(&place(b))
                .then_with(|| metric(a, metric_a).cmp(&metric(b, metric_b)))
                .then_with(|| metric_a.cmp(metric_b))
                .then_with(|| order(a, b, metric_a))
        });
        let mut notes = Numbered::default();
        let mut entries = Vec::new();
        let several = places_with_policies(cells);
        for (cell, metric) in lines {
            let marks =
                notes::of(cell, &metric).into_iter().map(|note| notes.number(note)).collect();
            let with_policy = several.contains(&place(cell));
            entries.push(Entry { row: LeaderboardRow::new(cell), metric, marks, with_policy });
        }
        if let (MetricChoice::Named(name), true) = (choice, without > 0) {
            let cells = if without == 1 { "cell has" } else { "cells have" };
            notes
                .number(format!("{} {cells} no {name}; --metric all shows them", grouped(without)));
        }
        Self { entries, notes: notes.into_texts() }
    }

    fn grid(&self) -> Grid {
        let rows = self.entries.iter().map(|entry| {
            let marks: String = entry.marks.iter().map(|mark| format!(" [{}]", mark + 1)).collect();
            let texts = entry.row.texts(&entry.metric, &marks, entry.with_policy);
            let tone = if entry.row.cause.is_some() { Tone::Bad } else { Tone::Good };
            let last = texts.len() - 1;
            let cell = |(column, text): (usize, String)| {
                Cell::toned(text, if column == last { tone } else { Tone::Plain })
            };
            texts.into_iter().enumerate().map(cell).collect()
        });
        Grid { columns: row::columns(), rows: rows.collect() }
    }
}

/// Tasks, versions and splits of which checkpoints were chosen in several ways.
fn places_with_policies(cells: &[CellRecord]) -> BTreeSet<(&str, u32, &str)> {
    let mut policies: BTreeMap<(&str, u32, &str), BTreeSet<Option<&str>>> = BTreeMap::new();
    for cell in cells {
        policies.entry(place(cell)).or_default().insert(policy(cell));
    }
    policies.retain(|_, policies| policies.len() > 1);
    policies.into_keys().collect()
}

/// How the checkpoint of a cell that trained its model was chosen.
fn policy(cell: &CellRecord) -> Option<&str> {
    cell.training.as_ref().map(|training| training.selection.policy.as_str())
}

/// Metrics in the order in which tables show them.
fn rank(metric: &str) -> usize {
    Metric::ALL.iter().position(|known| known.name() == metric).unwrap_or(Metric::ALL.len())
}

#[cfg(test)]
mod tests;
