//! `kobench leaderboard`: the cells of one or more runs as a table, alone or beside published numbers.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;

use super::shared::{TaskArgs, warn};
use crate::error::Error;
use crate::metrics::Metric;
use crate::published::{Comparison, MARGIN_POINTS, Published, TableColumn};
use crate::record::{CellRecord, RecordError, read_cells, trust_predictions, verify_predictions};
use crate::report::{
    Format, Look, MetricChoice, render, render_comparison, render_leaderboard, render_throughput,
    table,
};
use crate::suggest::closest;

/// Where `kobench run` puts runs that are given no other place.
pub(super) const RUNS: &str = "results/runs";

/// Show the results of runs as a table
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench leaderboard
  kobench leaderboard results/runs/a results/runs/b --format markdown
  kobench leaderboard --table kcbert                      ours beside the published numbers
  kobench leaderboard --throughput --format csv           models against devices

A published number is `identical` to ours when they are less than 0.01 points apart, `reproduced` when our 95% interval
lies within the margin around it, else `above` or `below` when the whole interval is, else `inconclusive`.")]
pub(super) struct LeaderboardArgs {
    /// Run directories [default: all in results/runs]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<PathBuf>,
    /// How to print the table
    #[arg(long, value_enum, default_value = "terminal")]
    pub(super) format: Format,
    /// Read every predictions file again and compare its hash with the record
    #[arg(long)]
    pub(super) verify: bool,
    /// A published table, with ours beside it; see --list-tables
    #[arg(long, value_name = "NAME")]
    pub(super) table: Option<String>,
    /// How far our interval may reach from a published number that it reproduces, in points
    #[arg(long, value_name = "POINTS", value_parser = margin, allow_negative_numbers = true, requires = "table")]
    pub(super) margin: Option<f64>,
    /// List the published tables
    #[arg(long, conflicts_with_all = ["table", "throughput", "metric", "runs", "verify", "format"])]
    pub(super) list_tables: bool,
    /// Show models against devices with their speed and memory
    #[arg(long, conflicts_with_all = ["table", "metric"])]
    pub(super) throughput: bool,
    /// The metric to show, or `all` [default: for each task the one that ranks its models; csv: all]
    #[arg(long, value_name = "NAME", value_parser = metric, conflicts_with = "table")]
    pub(super) metric: Option<MetricChoice>,
    #[command(flatten)]
    pub(super) tasks: TaskArgs,
}

/// Prints the table to `out`, what is missing to `messages`.
///
/// A cell that is in several runs is shown once: a done one before a failed one, then the latest.
///
/// # Errors
/// [`Error`]: a directory that is no run, a damaged record, predictions of another size than their record says, with
/// `--verify` predictions that changed; a table that
/// there is not.
pub(super) fn run(
    args: &LeaderboardArgs,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<(), Error> {
    if args.list_tables {
        return list_tables(look, out);
    }
    // A slip in its name should not wait for the runs to be read.
    let published = args.table.as_ref().map(|_| Published::load()).transpose()?;
    let table = published.as_ref().zip(args.table.as_ref());
    let table = table.map(|(published, name)| published.table(name)).transpose()?;
    let (cells, places) = read_all(args)?;
    if cells.is_empty() {
        warn(messages, &[format!("no results in {places}; `kobench run` makes some")])?;
    }
    let text = if let (Some(published), Some(table)) = (&published, table) {
        let registry = args.tasks.registry()?;
        let margin = args.margin.unwrap_or(MARGIN_POINTS);
        let comparison = Comparison::new(published, table, &cells, &registry, margin);
        if !cells.is_empty() && !comparison.has_ours() {
            let what = format!("no result in {places} may stand in table {}", table.name);
            warn(messages, &[what])?;
        }
        render_comparison(&comparison, args.format, look)?
    } else if args.throughput {
        render_throughput(&cells, args.format, look)?
    } else if let Some(choice) = &args.metric {
        render_leaderboard(&cells, choice, args.format, look)?
    } else {
        render(&cells, args.format, look)?
    };
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// The cells of all runs, each once, and where they were looked for.
fn read_all(args: &LeaderboardArgs) -> Result<(Vec<CellRecord>, String), Error> {
    let runs =
        if args.runs.is_empty() { default_runs(Path::new(RUNS))? } else { args.runs.clone() };
    let mut cells: BTreeMap<String, CellRecord> = BTreeMap::new();
    for run in &runs {
        let read = read_cells(run)?;
        let check = if args.verify { verify_predictions } else { trust_predictions };
        read.par_iter().try_for_each(|cell| check(run, cell))?;
        for cell in read {
            let rank = |cell: &CellRecord| (cell.is_done(), cell.finished_at.clone());
            if cells.get(&cell.id).is_none_or(|known| rank(known) < rank(&cell)) {
                cells.insert(cell.id.clone(), cell);
            }
        }
    }
    let places: Vec<String> = runs.iter().map(|run| run.display().to_string()).collect();
    let places = if places.is_empty() { RUNS.to_owned() } else { places.join(", ") };
    Ok((cells.into_values().collect(), places))
}

fn list_tables(look: &Look, out: &mut dyn Write) -> Result<(), Error> {
    let published = Published::load()?;
    let mut tables = table(look);
    tables.set_header(["Table", "Title", "Models", "Columns"]);
    for table in published.tables() {
        let columns: Vec<String> = table.columns.iter().map(TableColumn::label).collect();
        let rows = table.rows.len().to_string();
        tables.add_row([table.name.as_str(), &table.title, &rows, &columns.join(", ")]);
    }
    writeln!(out, "{}", tables.trim_fmt())?;
    Ok(())
}

/// Points: a number that is not negative.
pub(super) fn margin(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(points) if f64::is_finite(points) && points >= 0.0 => Ok(points),
        _ => Err("a margin is a number of points from 0, for instance 0.5".to_owned()),
    }
}

/// `all`, or the name of a metric.
fn metric(text: &str) -> Result<MetricChoice, String> {
    let names = || Metric::ALL.into_iter().map(Metric::name);
    if text == "all" {
        return Ok(MetricChoice::All);
    }
    if names().any(|name| name == text) {
        return Ok(MetricChoice::Named(text.to_owned()));
    }
    let known = names().collect::<Vec<_>>().join(", ");
    let slip = closest(text, names()).map(|name| format!("; did you mean `{name}`?"));
    Err(format!("the metrics are all, {known}{}", slip.unwrap_or_default()))
}

/// Every run in `folder`; none when there is no such folder.
fn default_runs(folder: &Path) -> Result<Vec<PathBuf>, RecordError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let io = |source| RecordError::Io { action: "read", path: folder.to_owned(), source };
    let mut runs = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.join("cells").is_dir() {
            runs.push(path);
        }
    }
    runs.sort();
    Ok(runs)
}

#[cfg(test)]
#[path = "leaderboard_tests.rs"]
mod tests;
