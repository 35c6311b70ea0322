//! Models against devices: how fast they are, and what memory they take.

mod csv;
mod layout;

use std::collections::BTreeMap;

use serde::Serialize;

use super::number::{one_line, rate};
use super::{Format, Look, latex, markdown, terminal};
use crate::error::Error;
use crate::record::{CellRecord, SCHEMA_VERSION};

/// A model on a task's split and a device, as harness/schemas/throughput.schema.json says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThroughputRow {
    /// Model.
    pub model: String,
    /// Task, whose texts decide how long rows are.
    pub task: String,
    /// Split.
    pub split: String,
    /// Tokens an example at most.
    pub max_seq_len: u32,
    /// Kind of device: `cpu` or `cuda`.
    pub device: String,
    /// Its full name, where it is recorded.
    pub device_name: Option<String>,
    /// Precision.
    pub precision: String,
    /// Threads.
    pub threads: u32,
    /// Rows that were evaluated.
    pub n: u64,
    /// Rows a second of forward time.
    pub rows_per_second: Option<f64>,
    /// Tokens a second of forward time.
    pub tokens_per_second: Option<f64>,
    /// Rows a second of tokenisation and forward time together.
    pub end_to_end_rows_per_second: Option<f64>,
    /// Resident set of the worker process.
    pub peak_rss_bytes: Option<u64>,
    /// Memory of the device.
    pub peak_device_bytes: Option<u64>,
    /// Model FLOPs utilisation of the forward passes, from 0 to 1.
    pub mfu: Option<f64>,
    /// Energy of the GPU for the whole cell, in joules.
    pub energy_joules: Option<f64>,
    /// Power of the GPU in watts, its mean over the cell.
    pub power_watts: Option<f64>,
    /// The cell that this is of: the latest.
    pub id: String,
    /// Cells of the same model, task and device.
    pub cells: u64,
}

/// What decides a speed.
type Setting<'a> = (&'a str, &'a str, &'a str, u32, DeviceSetting<'a>);

/// A device and how it was used.
type DeviceSetting<'a> = (&'a str, &'a str, &'a str, u32);

#[derive(Serialize)]
struct Throughput {
    schema_version: u32,
    rows: Vec<ThroughputRow>,
    notes: Vec<String>,
}

/// Renders the speeds of done cells. Where several are of one model, task, device, precision and number of threads,
/// the latest is shown, and a note says how far the others are apart.
///
/// # Errors
/// Only when a number cannot be put into JSON or CSV.
pub fn render_throughput(
    cells: &[CellRecord],
    format: Format,
    look: &Look,
) -> Result<String, Error> {
    let throughput = Throughput::new(cells);
    Ok(match format {
        Format::Terminal => {
            let tables = layout::tables(&throughput.rows, look);
            let tables: String = tables.iter().map(|grid| terminal::grid(grid, look)).collect();
            tables + &terminal::notes(&throughput.notes, look)
        }
        Format::Markdown => {
            let grid = layout::table(&throughput.rows);
            markdown::grid(&grid) + &markdown::notes(&throughput.notes)
        }
        Format::Latex => {
            latex::table(&layout::table(&throughput.rows), "Throughput", &throughput.notes)
        }
        Format::Csv => csv::render(&throughput.rows)?,
        Format::Json => serde_json::to_string_pretty(&throughput)? + "\n",
    })
}

impl Throughput {
    fn new(cells: &[CellRecord]) -> Self {
        let mut settings: BTreeMap<Setting<'_>, Vec<&CellRecord>> = BTreeMap::new();
        let measured = |cell: &&CellRecord| {
            cell.is_done()
                && (cell.throughput.rows_per_second.is_some()
                    || cell.memory.peak_rss_bytes.is_some())
        };
        for cell in cells.iter().filter(measured) {
            settings.entry(setting(cell)).or_default().push(cell);
        }
        let (mut rows, mut notes) = (Vec::new(), Vec::new());
        for mut group in settings.into_values() {
            group.sort_by(|a, b| (&a.finished_at, &a.id).cmp(&(&b.finished_at, &b.id)));
            let Some(latest) = group.last() else { continue };
            rows.push(ThroughputRow::new(latest, group.len()));
            notes.extend(spread(&group));
            notes.extend(throttled(latest));
        }
        Self { schema_version: SCHEMA_VERSION, rows, notes }
    }
}

/// A speed at clocks that were held down is not the device's.
fn throttled(cell: &CellRecord) -> Option<String> {
    let why = cell.telemetry.as_ref()?.throttled()?;
    let key = &cell.inputs.key;
    Some(one_line(&format!(
        "{} on {}/{}: the GPU's clocks were held down: {why}",
        key.model, key.task, key.split
    )))
}

fn setting(cell: &CellRecord) -> Setting<'_> {
    let (inputs, key) = (&cell.inputs, &cell.inputs.key);
    let name = cell.backend.device_name.as_deref().unwrap_or_default();
    let device = (inputs.device.as_str(), name, inputs.precision.as_str(), inputs.threads);
    (&key.model, &key.task, &key.split, inputs.max_seq_len, device)
}

/// What a reader should know of several cells of one setting.
fn spread(group: &[&CellRecord]) -> Option<String> {
    let rates: Vec<f64> = group.iter().filter_map(|cell| cell.throughput.rows_per_second).collect();
    if rates.len() < 2 {
        return None;
    }
    let inputs = &group.last()?.inputs;
    let (low, high) = rates
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), rate| (low.min(*rate), high.max(*rate)));
    Some(one_line(&format!(
        "{} on {}/{}, {} {} {} threads: the latest of {} cells, which have {} to {} rows/s",
        inputs.key.model,
        inputs.key.task,
        inputs.key.split,
        inputs.device,
        inputs.precision,
        inputs.threads,
        group.len(),
        rate(low),
        rate(high)
    )))
}

impl ThroughputRow {
    fn new(cell: &CellRecord, cells: usize) -> Self {
        let (inputs, key) = (&cell.inputs, &cell.inputs.key);
        Self {
            model: key.model.clone(),
            task: key.task.clone(),
            split: key.split.clone(),
            max_seq_len: inputs.max_seq_len,
            device: inputs.device.clone(),
            device_name: cell.backend.device_name.clone(),
            precision: inputs.precision.clone(),
            threads: inputs.threads,
            n: cell.n,
            rows_per_second: cell.throughput.rows_per_second,
            tokens_per_second: cell.throughput.tokens_per_second,
            end_to_end_rows_per_second: cell.throughput.end_to_end_rows_per_second,
            peak_rss_bytes: cell.memory.peak_rss_bytes,
            peak_device_bytes: cell.memory.peak_device_bytes,
            mfu: cell.throughput.mfu,
            energy_joules: cell.telemetry.as_ref().and_then(|told| told.energy_joules),
            power_watts: cell.telemetry.as_ref().and_then(|told| Some(told.power_watts?.mean)),
            id: cell.id.clone(),
            cells: cells as u64,
        }
    }

    /// The device and how it was used.
    fn device_setting(&self) -> DeviceSetting<'_> {
        let name = self.device_name.as_deref().unwrap_or_default();
        (&self.device, name, &self.precision, self.threads)
    }
}

#[cfg(test)]
mod tests;
