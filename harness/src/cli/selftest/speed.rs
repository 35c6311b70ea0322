//! `kobench selftest --speed`: the engine alone, on models of real shapes with random weights.

use crate::cli::shared::{TextFormat, write_json};
use crate::cli::{CliError, Exit};
use crate::error::Error;
use crate::plugin::{Entry, SpeedLine};
use crate::report::{Look, table};
use crate::selftest::{Options, SpeedOptions, measure, shapes};
use crate::text::bytes;
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of --speed")]
pub(super) struct SpeedArgs {
    /// Models; --list shows all.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', requires = "speed")]
    shape: Vec<String>,
    /// Lengths of rows: as NSMC's rows are (20 tokens in the mean, 128 at most), or this number of tokens.
    #[arg(long, value_name = "nsmc|N,..", value_delimiter = ',', default_values = ["nsmc", "512"], requires = "speed", value_parser = lengths)]
    lengths: Vec<String>,
    /// What to measure.
    #[arg(long, value_name = "MODE,..", value_delimiter = ',', default_values = ["evaluate", "train"], requires = "speed", value_parser = ["evaluate", "train"])]
    mode: Vec<String>,
    /// Rows of a training step [default: 32; 8 for gemma-2-9b].
    #[arg(long, value_name = "N", requires = "speed", value_parser = positive())]
    batch: Option<u64>,
    /// Tokens of a batch in evaluation [default: 2048 on the CPU, 32768 on a GPU].
    #[arg(long, value_name = "N", requires = "speed", value_parser = positive())]
    batch_tokens: Option<u64>,
    /// Rows of a repetition [default: as many as take a few seconds on such a device].
    #[arg(long, value_name = "N", requires = "speed", value_parser = positive())]
    rows: Option<u64>,
    /// How often to measure, behind a first time that does not count; the median is reported.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "speed", value_parser = positive())]
    repetitions: u64,
    /// Threads on the CPU; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "speed")]
    threads: u64,
}

fn positive() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..)
}

fn lengths(text: &str) -> Result<String, String> {
    match text.parse::<u32>() {
        Ok(1..) => Ok(text.to_owned()),
        _ if text == "nsmc" => Ok(text.to_owned()),
        _ => Err("expected nsmc, or a number of tokens".into()),
    }
}

impl SpeedArgs {
    fn options(&self) -> SpeedOptions {
        SpeedOptions {
            shapes: self.shape.clone(),
            lengths: self.lengths.clone(),
            modes: self.mode.clone(),
            batch: self.batch,
            batch_tokens: self.batch_tokens,
            rows: self.rows,
            repetitions: self.repetitions,
            threads: self.threads,
        }
    }
}

pub(super) fn run(
    args: &SpeedArgs,
    plugins: &[&Entry],
    options: &Options,
    (list, format): (bool, TextFormat),
    look: &Look,
    to: &mut dyn Write,
) -> Result<Exit, CliError> {
    let speed = args.options();
    if list {
        return list_shapes(plugins, options, &speed, format, to);
    }
    let (mut rows, mut left_out) = (Vec::new(), 0);
    let mut written = Ok(());
    for plugin in plugins {
        let mut show = |measured: Result<SpeedLine, String>| match measured {
            Ok(row) => {
                if format == TextFormat::Json && written.is_ok() {
                    written = line(to, &row);
                }
                rows.push(row);
            }
            Err(why) => {
                left_out += 1;
                // Nothing can be done about a standard error that is gone.
                let _ = writeln!(std::io::stderr(), "not measured: {why}");
            }
        };
        measure(plugin, options, &speed, &mut show)?;
    }
    written?;
    if format == TextFormat::Terminal {
        print(&rows, look, to)?;
    }
    Ok(Exit::of_verdict(left_out == 0))
}

/// One line of JSON, there at once.
fn line(to: &mut dyn Write, row: &SpeedLine) -> Result<(), Error> {
    writeln!(to, "{}", serde_json::to_string(row)?)?;
    Ok(to.flush()?)
}

fn list_shapes(
    plugins: &[&Entry],
    options: &Options,
    speed: &SpeedOptions,
    format: TextFormat,
    to: &mut dyn Write,
) -> Result<Exit, CliError> {
    let mut all = Vec::new();
    for plugin in plugins {
        all.extend(shapes(plugin, options, speed)?);
    }
    match format {
        TextFormat::Json => {
            write_json(to, &serde_json::json!({ "schema_version": 1, "shapes": all }))?;
        }
        TextFormat::Terminal => {
            for name in all {
                writeln!(to, "{name}").map_err(Error::from)?;
            }
        }
    }
    Ok(Exit::Done)
}

fn print(rows: &[SpeedLine], look: &Look, to: &mut dyn Write) -> Result<(), Error> {
    let Some(first) = rows.first() else { return Ok(()) };
    writeln!(to, "{}: {}", first.device, first.device_name)?;
    let mut shown = table(look);
    shown.set_header([
        "Shape",
        "Mode",
        "Lengths",
        "Precision",
        "Rows",
        "Tokens",
        "rows/s",
        "tokens/s",
        "ms a step",
        "lowest to highest",
        "model TFLOP/s",
        "Memory",
    ]);
    for row in rows {
        let per_step = |seconds: f64| 1e3 * seconds / row.steps.max(1) as f64;
        let range = |pick: fn(f64, f64) -> f64, from: f64| {
            per_step(row.repetitions.iter().copied().fold(from, pick))
        };
        let memory = row.peak_device_bytes.or(row.peak_rss_bytes).map_or(String::new(), bytes);
        shown.add_row([
            row.shape.clone(),
            row.mode.clone(),
            row.lengths.clone(),
            row.precision.clone(),
            row.rows.to_string(),
            row.tokens.to_string(),
            format!("{:.1}", row.rows_per_second),
            format!("{:.0}", row.tokens_per_second),
            format!("{:.2}", row.step_milliseconds),
            format!("{:.2} to {:.2}", range(f64::min, f64::INFINITY), range(f64::max, 0.0)),
            format!("{:.3}", row.model_flops_per_second / 1e12),
            memory,
        ]);
    }
    writeln!(to, "{}", shown.trim_fmt())?;
    Ok(())
}
