//! A sweep as a table and as CSV.

use std::collections::BTreeSet;

use super::super::grid::{Cell, Column, Grid, Tone};
use super::super::number::{metric_name, metric_text, one_line};
use super::row::SweepRow;
use crate::error::Error;

/// The settings that differ, ordered by name.
fn keys(rows: &[SweepRow]) -> Vec<&str> {
    let keys: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.settings.keys().map(String::as_str)).collect();
    keys.into_iter().collect()
}

/// A line a point.
pub(super) fn table(rows: &[SweepRow]) -> Grid {
    let keys = keys(rows);
    let mut columns = vec![
        Column::number("#"),
        Column::text("Model").gives_way(3),
        Column::text("Task").gives_way(2),
    ];
    columns.extend(keys.iter().map(|key| Column::number(*key)));
    columns.extend([
        Column::text("Metric").gives_way(1),
        Column::number("Dev %"),
        Column::number("Reported % [95% interval]"),
        Column::number("Seeds").gives_way(4),
        Column::text("Status"),
    ]);
    let none = || "-".to_owned();
    let line = |row: &SweepRow| {
        let mut cells: Vec<Cell> = vec![
            row.rank.map_or_else(none, |rank| rank.to_string()).into(),
            one_line(&row.model).into(),
            one_line(&row.task).into(),
        ];
        cells.extend(
            keys.iter().map(|key| row.settings.get(*key).map_or_else(none, |v| one_line(v)).into()),
        );
        let text = |value| metric_text(&row.metric, value);
        let dev = row.dev.as_ref().map_or_else(none, |dev| text(dev.value));
        let test = row.test.as_ref().map_or_else(none, |test| {
            format!("{} [{}, {}]", text(test.value), text(test.ci_low), text(test.ci_high))
        });
        let tone = if row.cause.is_some() { Tone::Bad } else { Tone::Good };
        cells.extend([
            metric_name(&row.metric).into(),
            dev.into(),
            test.into(),
            row.seeds.len().to_string().into(),
            Cell::toned(row.cause.clone().unwrap_or_else(|| "done".to_owned()), tone),
        ]);
        cells
    };
    Grid { columns, rows: rows.iter().map(line).collect() }
}

/// A line a point, with all digits and a column for each setting that differs.
///
/// # Errors
/// When a text cannot be put into CSV.
pub(super) fn csv(rows: &[SweepRow]) -> Result<String, Error> {
    let keys = keys(rows);
    let io = |error: csv::Error| Error::Output(error.into());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let first = ["rank", "model", "task", "split", "recipe"];
    let last = [
        "metric",
        "dev_split",
        "dev",
        "value",
        "ci_low",
        "ci_high",
        "n",
        "seeds",
        "policy",
        "status",
        "ids",
    ];
    let header: Vec<String> = (first.into_iter().map(str::to_owned))
        .chain(keys.iter().map(|key| format!("set.{key}")))
        .chain(last.into_iter().map(str::to_owned))
        .collect();
    writer.write_record(&header).map_err(io)?;
    for row in rows {
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let mut record = vec![
            row.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            row.model.clone(),
            row.task.clone(),
            row.split.clone(),
            row.recipe.clone(),
        ];
        record.extend(keys.iter().map(|key| row.settings.get(*key).cloned().unwrap_or_default()));
        let seeds: Vec<String> = row.seeds.iter().map(u64::to_string).collect();
        record.extend([
            row.metric.clone(),
            row.dev.as_ref().map(|dev| dev.split.clone()).unwrap_or_default(),
            number(row.dev.as_ref().map(|dev| dev.value)),
            number(row.test.as_ref().map(|test| test.value)),
            number(row.test.as_ref().map(|test| test.ci_low)),
            number(row.test.as_ref().map(|test| test.ci_high)),
            row.test.as_ref().map(|test| test.n.to_string()).unwrap_or_default(),
            seeds.join(" "),
            row.policy.clone().unwrap_or_default(),
            row.cause.clone().unwrap_or_else(|| "done".to_owned()),
            row.ids.join(" "),
        ]);
        writer.write_record(&record).map_err(io)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Output(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
