//! `kobench history`: how the numbers of many runs went, and where they moved.

use std::io::Write;
use std::path::PathBuf;

use super::leaderboard::{RUNS, margin};
use super::{CliError, Exit};
use crate::error::Error;
use crate::history::{HistoryOptions, MetricFilter, history, regressions};
use crate::report::{HistoryFormat, Look, change_text, render_history};

const EXAMPLES: &str = "\
Examples:
  kobench history                                          all runs in results/runs
  kobench history nightly/ -t nsmc,korsts --metric all     a folder of runs, every metric of two tasks
  kobench history nightly/ --changes --format markdown     only what moved
  kobench history nightly/ --gate                          ends with 1 where the latest run made something worse
  kobench history nightly/ --gate=10 --margin 0.5          .. or one of the latest ten, by more than half a point

Runs are in the order in which they were made. Cells of the same model, task, version, split, recipe and seed are one
series, unless their data, limit or longest sequence differ; measurements of speed (kobench bench) are one series by
scenario, settings, device, precision and threads.

Two tests say where a series moved, each at 5% for the whole series. Values that repeat exactly: a change is a value
that is met nowhere else and stands in a row (a new one after 7 equal ones, two after 3), or one beyond the intervals.
Noisy values: the largest Mann-Whitney statistic over all ways to cut the series, with its p-value by permutation; ten
runs are needed at least. What decides the numbers and is other since then is named: plugin, weights, precision,
device, threads, options, kobench's version.";

/// Options of `history`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Run directories, or folders of them [default: results/runs]
    #[arg(value_name = "RUN|DIR")]
    runs: Vec<PathBuf>,
    /// Only these models, separated by commas
    #[arg(short, long, value_name = "MODEL,..", value_delimiter = ',')]
    model: Vec<String>,
    /// Only these tasks, separated by commas
    #[arg(short, long, value_name = "TASK,..", value_delimiter = ',')]
    task: Vec<String>,
    /// Metrics or measures of speed, separated by commas, or `all` [default: the metric that ranks each task's models,
    /// and the speeds that a comparison judges]
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    metric: Vec<String>,
    /// Only series that moved
    #[arg(long)]
    changes: bool,
    /// How to print it
    #[arg(long, value_enum, default_value = "terminal")]
    format: HistoryFormat,
    /// End with 1 where a series got worse in one of the latest N runs [default without N: 1]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1",
        value_parser = clap::value_parser!(u32).range(1..))]
    gate: Option<u32>,
    /// With --gate: how much worse does no harm, in points for metrics, in percent for speeds and memory
    #[arg(long, value_name = "POINTS", value_parser = margin, allow_negative_numbers = true, default_value = "0",
        requires = "gate")]
    margin: f64,
}

/// Prints the history to `out`, and with `--gate` what got worse to `messages`.
pub(super) fn run(
    args: &Args,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CliError> {
    let folders = if args.runs.is_empty() { vec![PathBuf::from(RUNS)] } else { args.runs.clone() };
    let metrics = match args.metric.as_slice() {
        [] => MetricFilter::Primary,
        names if names.iter().any(|name| name == "all") => MetricFilter::All,
        names => MetricFilter::Named(names.to_vec()),
    };
    let options = HistoryOptions {
        models: args.model.clone(),
        tasks: args.task.clone(),
        metrics,
        changes_only: args.changes,
    };
    let history = history(&folders, &options)?;
    let text = render_history(&history, args.format, look)?;
    out.write_all(text.as_bytes()).map_err(Error::from)?;
    let Some(latest) = args.gate else { return Ok(Exit::Done) };
    let worse = regressions(&history, latest as usize, args.margin);
    for (series, change) in &worse {
        let line = change_text(&history, series, change);
        writeln!(messages, "regression: {line}").map_err(Error::from)?;
    }
    Ok(Exit::of_verdict(worse.is_empty()))
}
