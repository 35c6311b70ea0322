//! One line a model, task and device, with all digits.

use super::ThroughputRow;
use crate::error::Error;

pub(super) fn render(rows: &[ThroughputRow]) -> Result<String, Error> {
    let io = |error: csv::Error| Error::Output(error.into());
    // Not by the first row: a table without rows has its header too.
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer
        .write_record([
            "model",
            "task",
            "split",
            "max_seq_len",
            "device",
            "device_name",
            "precision",
            "threads",
            "n",
            "rows_per_second",
            "tokens_per_second",
            "end_to_end_rows_per_second",
            "peak_rss_bytes",
            "peak_device_bytes",
            "mfu",
            "energy_joules",
            "power_watts",
            "id",
            "cells",
        ])
        .map_err(io)?;
    for row in rows {
        writer.serialize(row).map_err(io)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Output(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
