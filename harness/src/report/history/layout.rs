//! How a history is laid out for people.

use super::super::grid::{Cell, Column, Grid, Tone};
use super::super::number::{grouped, metric_name, one_line, percent, rate};
use super::sparkline::sparkline;
use crate::history::{Change, History, HistoryRun, Point, Series};
use crate::metrics::Metric;
use crate::text::bytes;

/// Digits of a revision that tell it from others.
const REVISION_DIGITS: usize = 12;

/// Whether a change is for the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction(bool);

impl Direction {
    /// What stands before a change's line: its direction without colour.
    pub(super) fn mark(self) -> &'static str {
        if self.0 { "+ " } else { "- " }
    }
}

/// A line a series.
pub(super) fn table(history: &History) -> Grid {
    let columns = vec![
        Column::text("Series"),
        Column::text("Metric"),
        Column::number("Runs").gives_way(2),
        Column::text("Course").gives_way(4),
        Column::number("First").gives_way(3),
        Column::number("Last"),
        Column::text("Last change"),
        Column::text("Trend since").gives_way(1),
    ];
    let rows = history.series.iter().map(|series| {
        let value = |point: Option<&Point>| {
            point.map_or_else(|| "-".to_owned(), |point| value_text(series, point.value))
        };
        let change = series.changes.last();
        let tone = match change {
            None => Tone::Plain,
            Some(change) if change.is_better => Tone::Good,
            Some(_) => Tone::Bad,
        };
        vec![
            name(series).into(),
            metric(series).into(),
            grouped(series.points.len() as u64).into(),
            sparkline(series).into(),
            value(series.points.first()).into(),
            value(series.points.last()).into(),
            Cell::toned(change.map_or_else(|| "-".to_owned(), |c| size_text(series, c)), tone),
            trend_text(series).into(),
        ]
    });
    Grid { columns, rows: rows.collect() }
}

/// A line a change, series by series.
pub(super) fn changes(history: &History) -> Vec<(Direction, String)> {
    let all = history
        .series
        .iter()
        .flat_map(|series| series.changes.iter().map(move |change| (series, change)));
    let line = |(series, change): (&Series, &Change)| {
        (Direction(change.is_better), change_text(history, series, change))
    };
    all.map(line).collect()
}

/// A change in one sentence: what moved from where to where, since which run, and what else is other since then.
pub fn change_text(history: &History, series: &Series, change: &Change) -> String {
    let since = series.points.get(change.at).and_then(|point| history.runs.get(point.run));
    let since = since.map(|run| format!(" since {}", run_text(run))).unwrap_or_default();
    let inputs = if change.changed_inputs.is_empty() {
        "; nothing that the records name is other than before".to_owned()
    } else {
        format!("; other than before: {}", change.changed_inputs.join(", "))
    };
    let text = format!(
        "{}, {}: {}, {} -> {}, {}{since}{inputs}",
        name(series),
        metric(series),
        size_text(series, change),
        value_text(series, change.before),
        value_text(series, change.after),
        p_text(change.p_value)
    );
    one_line(&text)
}

/// The notes of a history, and what its columns mean.
pub(super) fn notes(history: &History) -> Vec<String> {
    let mut notes: Vec<String> = history.notes.iter().map(|note| one_line(note)).collect();
    if history.series.iter().any(|series| !series.changes.is_empty()) {
        notes.push(
            "changes: p below 0.05 for the whole series, corrected for looking everywhere; values are medians of the \
             runs between two changes"
                .to_owned(),
        );
    }
    notes
}

pub(crate) fn name(series: &Series) -> String {
    let details = series.scenario.iter().chain(&series.variant).map(String::as_str);
    let name: Vec<&str> = std::iter::once(series.label.as_str()).chain(details).collect();
    one_line(&name.join(", "))
}

pub(crate) fn metric(series: &Series) -> String {
    one_line(&if Metric::named(&series.metric).is_some() {
        metric_name(&series.metric)
    } else {
        series.metric.clone()
    })
}

pub(crate) fn run_text(run: &HistoryRun) -> String {
    let day = run.created_at.get(..10).unwrap_or(&run.created_at);
    let revision = run.git_revision.as_ref().map(|revision| {
        format!(", revision {}", revision.get(..REVISION_DIGITS).unwrap_or(revision))
    });
    format!("{} ({day}{})", run.path, revision.unwrap_or_default())
}

/// A value in the unit that its metric has in tables.
pub(crate) fn value_text(series: &Series, value: f64) -> String {
    let metric = series.metric.as_str();
    if series.is_fraction {
        percent(value)
    } else if metric.ends_with("_bytes") && value >= 0.0 {
        bytes(value as u64)
    } else if metric.ends_with("_seconds") {
        if value.abs() < 1.0 { format!("{:.2} ms", 1e3 * value) } else { format!("{value:.2} s") }
    } else if Metric::named(metric).is_some() || value.abs() < 10.0 {
        format!("{value:.4}")
    } else {
        rate(value)
    }
}

/// How much a series moved: fractions in points, others in percent of what they were.
pub(crate) fn size_text(series: &Series, change: &Change) -> String {
    let direction = if change.is_better { "better" } else { "worse" };
    format!("{direction}, {}", difference_text(series, change.before, change.after))
}

pub(crate) fn difference_text(series: &Series, before: f64, after: f64) -> String {
    if series.is_fraction {
        format!("{:+.2} points", 100.0 * (after - before))
    } else if before == 0.0 {
        "from 0".to_owned()
    } else {
        format!("{:+.1}%", 100.0 * (after - before) / before.abs())
    }
}

/// The slope of the last stretch, where it is none by chance.
pub(crate) fn trend_text(series: &Series) -> String {
    let Some(trend) = series.trend.as_ref().filter(|t| t.p_value < 0.05) else { return "-".into() };
    let Some(last) = series.points.last() else { return "-".into() };
    // What a run adds to the value that stands there now.
    let slope = if series.is_fraction {
        format!("{:+.3} points", 100.0 * trend.slope)
    } else if last.value != 0.0 {
        format!("{:+.2}%", 100.0 * trend.slope / last.value.abs())
    } else {
        format!("{:+.3e}", trend.slope)
    };
    format!("{slope} a run, {}", p_text(trend.p_value))
}

pub(crate) fn p_text(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}
