//! History over runs: a line a series, and where it moved.

use super::Report;
use super::chip::{Tone, chip};
use super::leaderboard::list_of_notes;
use super::section::Section;
use super::table::{Cell, Column, Row, Table};
use crate::history::{Change, History, Series};
use crate::plot::{Axis, LinePoint, LineSeries, LineStyle, Lines, Mark, Ranged, Scale};
use crate::report::history::{change_text, layout};
use crate::report::number::grouped;

/// Charts that are open; the others are folded.
const OPEN: usize = 6;
/// Charts at most, those that moved first. The table has every series.
const CHARTS: usize = 60;

/// The section; none without a history, or with nothing in it.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let history = report.history.filter(|history| !history.series.is_empty())?;
    let mut section = Section::new(
        "history",
        "History",
        format!(
            "{} over {} runs. A mark stands where a series moved, by a test at 5% for the whole series.",
            series(history.series.len()),
            history.runs.len()
        ),
    );
    changes(&mut section, history);
    table(history).write(&mut section.body);
    // One value makes no line.
    let mut drawn: Vec<&Series> = history.series.iter().filter(|s| s.points.len() > 1).collect();
    drawn.sort_by_key(|series| series.changes.is_empty());
    drawn.truncate(CHARTS);
    let (open, folded) = drawn.split_at(drawn.len().min(OPEN));
    section.gallery(|section| open.iter().for_each(|series| chart(section, history, series)));
    if !folded.is_empty() {
        section.folded(&format!("{} more charts", folded.len()), |section| {
            section.gallery(|section| {
                folded.iter().for_each(|series| chart(section, history, series));
            });
        });
    }
    list_of_notes(&mut section.body, &history.notes);
    Some(section)
}

fn series(count: usize) -> String {
    if count == 1 { "One series".to_owned() } else { format!("{count} series") }
}

fn changes(section: &mut Section, history: &History) {
    let all: Vec<(&Series, &Change)> = (history.series.iter())
        .flat_map(|series| series.changes.iter().map(move |change| (series, change)))
        .collect();
    if all.is_empty() {
        section.body.leaf("p", &[("class", "quiet")], "Nothing moved.");
        return;
    }
    section.body.element("ul", &[("class", "changes")], |html| {
        for (series, change) in all {
            let class = if change.is_better { "is-better" } else { "is-worse" };
            html.leaf("li", &[("class", class)], change_text(history, series, change));
        }
    });
}

fn direction(html: &mut super::writer::Html, change: &Change) {
    if change.is_better {
        chip(html, Tone::Better, "▲", "better");
    } else {
        chip(html, Tone::Bad, "✗", "worse");
    }
}

fn table(history: &History) -> Table {
    let rows = history.series.iter().map(|series| {
        let value = |point: Option<&crate::history::Point>| {
            Cell::number(point.map(|point| point.value), |v| layout::value_text(series, v))
        };
        let change = series.changes.last().map_or_else(
            || Cell::text("–"),
            |change| {
                Cell::new(|html| {
                    direction(html, change);
                    let size = layout::difference_text(series, change.before, change.after);
                    html.text(" ").text(size);
                })
            },
        );
        Row::from(vec![
            Cell::text(layout::name(series)),
            Cell::text(layout::metric(series)),
            Cell::number(Some(series.points.len() as f64), |n| grouped(n as u64)),
            value(series.points.first()),
            value(series.points.last()),
            change,
            Cell::text(layout::trend_text(series)),
        ])
    });
    Table {
        caption: "Series, their first and last values, and what moved".into(),
        columns: vec![
            Column::text("Series"),
            Column::text("Metric"),
            Column::number("Runs"),
            Column::number("First"),
            Column::number("Last"),
            Column::text("Last change"),
            Column::text("Trend since"),
        ],
        rows: rows.collect(),
        sortable: true,
    }
}

fn chart(section: &mut Section, history: &History, series: &Series) {
    let run = |index: usize| history.runs.get(index);
    let day = |index: usize| {
        run(index).map_or_else(String::new, |run| run.created_at.chars().take(10).collect())
    };
    let point = |(x, point): (usize, &crate::history::Point)| LinePoint {
        x: x as f64,
        y: Ranged { value: point.value, low: point.ci_low, high: point.ci_high },
        title: format!(
            "{}: {}",
            run(point.run).map(layout::run_text).unwrap_or_default(),
            layout::value_text(series, point.value)
        ),
    };
    let mark = |change: &Change| Mark {
        x: change.at as f64,
        label: layout::size_text(series, change),
        is_bad: !change.is_better,
    };
    let title = format!("{}: {}", layout::name(series), layout::metric(series));
    let chart = Lines {
        description: format!(
            "{} values; {}.",
            series.points.len(),
            match series.changes.len() {
                0 => "nothing moved".to_owned(),
                1 => "it moved once".to_owned(),
                times => format!("it moved {times} times"),
            }
        ),
        x: Axis { label: "run".into(), scale: Scale::Linear, percent: false },
        y: Axis {
            label: layout::metric(series),
            scale: Scale::Linear,
            percent: series.is_fraction,
        },
        right: None,
        series: vec![LineSeries {
            label: layout::metric(series),
            style: LineStyle::Line,
            on_right: false,
            points: series.points.iter().enumerate().map(point).collect(),
        }],
        marks: series.changes.iter().map(mark).collect(),
        ticks: series.points.iter().map(|point| day(point.run)).collect(),
        title: title.clone(),
    };
    section.figure(&title, chart.svg());
}
