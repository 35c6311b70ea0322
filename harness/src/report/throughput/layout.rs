//! Models down, devices across.

use std::collections::{BTreeMap, BTreeSet};

use super::super::grid::{Cell, Column, Grid};
use super::super::number::{one_line, rate};
use super::super::terminal::Look;
use super::{DeviceSetting, ThroughputRow};
use crate::text::bytes;

/// What stands in a device's column, a line each.
const MEASURES: [(&str, Measure); 8] = [
    ("rows/s", |row| row.rows_per_second.map(rate)),
    ("tokens/s", |row| row.tokens_per_second.map(rate)),
    ("end-to-end rows/s", |row| row.end_to_end_rows_per_second.map(rate)),
    ("peak memory", |row| row.peak_rss_bytes.map(bytes)),
    ("peak device memory", |row| row.peak_device_bytes.map(bytes)),
    ("MFU", |row| row.mfu.map(|mfu| format!("{:.1}%", 100.0 * mfu))),
    ("energy", |row| row.energy_joules.map(|joules| format!("{} J", rate(joules)))),
    ("mean power", |row| row.power_watts.map(|watts| format!("{} W", rate(watts)))),
];

type Measure = fn(&ThroughputRow) -> Option<String>;

/// One table of all devices.
pub(super) fn table(rows: &[ThroughputRow]) -> Grid {
    grid(rows, &devices(rows))
}

/// As many tables as the width of the terminal asks for, each with as many devices as fit.
pub(super) fn tables(rows: &[ThroughputRow], look: &Look) -> Vec<Grid> {
    let mut tables = Vec::new();
    let mut shown: Vec<DeviceSetting<'_>> = Vec::new();
    for device in devices(rows) {
        shown.push(device);
        if shown.len() > 1 && !look.fits(&grid(rows, &shown)) {
            shown.pop();
            tables.push(grid(rows, &shown));
            shown = vec![device];
        }
    }
    tables.push(grid(rows, &shown));
    tables
}

fn devices(rows: &[ThroughputRow]) -> Vec<DeviceSetting<'_>> {
    let devices: BTreeSet<DeviceSetting<'_>> =
        rows.iter().map(ThroughputRow::device_setting).collect();
    devices.into_iter().collect()
}

fn grid(rows: &[ThroughputRow], devices: &[DeviceSetting<'_>]) -> Grid {
    let mut columns = vec![Column::text("Model"), Column::text("Task"), Column::text("Measure")];
    columns.extend(devices.iter().map(|(device, name, precision, threads)| {
        let name = if name.is_empty() { device } else { name };
        let unit = if *threads == 1 { "thread" } else { "threads" };
        Column::number(one_line(name) + "\n" + &format!("{device} {precision}, {threads} {unit}"))
    }));
    let mut groups: BTreeMap<(&str, &str, &str, u32), Vec<&ThroughputRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| devices.contains(&row.device_setting())) {
        groups.entry((&row.model, &row.task, &row.split, row.max_seq_len)).or_default().push(row);
    }
    let mut lines = Vec::new();
    for ((model, task, split, max_seq_len), group) in groups {
        let mut head =
            [one_line(model), one_line(&format!("{task}/{split}, {max_seq_len} tokens"))];
        for (name, measure) in MEASURES {
            let values: Vec<Option<String>> = (devices.iter())
                .map(|device| {
                    let row = group.iter().find(|row| row.device_setting() == *device);
                    row.and_then(|row| measure(row))
                })
                .collect();
            if values.iter().all(Option::is_none) {
                continue;
            }
            let mut line: Vec<Cell> = head.iter().map(|text| text.as_str().into()).collect();
            line.push(name.into());
            line.extend(values.into_iter().map(|value| value.unwrap_or_else(|| "-".into()).into()));
            lines.push(line);
            // Said once for all of its lines.
            head = [String::new(), String::new()];
        }
    }
    Grid { columns, rows: lines }
}
