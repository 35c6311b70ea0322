//! `kobench leaderboard`: the cells of one or more runs as a table.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::shared::warn;
use crate::error::Error;
use crate::record::{CellRecord, RecordError, read_cells, verify_predictions};
use crate::report::{Format, Look, render};

/// Where `kobench run` puts runs that are given no other place.
pub(super) const RUNS: &str = "results/runs";

/// Show the results of runs as a table
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench leaderboard
  kobench leaderboard results/runs/a results/runs/b --format markdown")]
pub struct LeaderboardArgs {
    /// Run directories [default: all in results/runs]
    #[arg(value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// How to print the table
    #[arg(long, value_enum, default_value = "terminal")]
    pub format: Format,
    /// Read every predictions file again and compare its hash with the record
    #[arg(long)]
    pub verify: bool,
}

/// Prints the table to `out`, what is missing to `messages`.
///
/// A cell that is in several runs is shown once: a done one before a failed one, then the latest.
///
/// # Errors
/// [`Error`]: a directory that is no run, a damaged record, with `--verify` predictions that changed.
pub fn run(
    args: &LeaderboardArgs,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<(), Error> {
    let runs =
        if args.runs.is_empty() { default_runs(Path::new(RUNS))? } else { args.runs.clone() };
    let mut cells: BTreeMap<String, CellRecord> = BTreeMap::new();
    for run in &runs {
        for cell in read_cells(run)? {
            if args.verify {
                verify_predictions(run, &cell)?;
            }
            let rank = |cell: &CellRecord| (cell.is_done(), cell.finished_at.clone());
            if cells.get(&cell.id).is_none_or(|known| rank(known) < rank(&cell)) {
                cells.insert(cell.id.clone(), cell);
            }
        }
    }
    if cells.is_empty() {
        let places: Vec<String> = runs.iter().map(|run| run.display().to_string()).collect();
        let places = if places.is_empty() { RUNS.to_owned() } else { places.join(", ") };
        warn(messages, &[format!("no results in {places}; `kobench run` makes some")])?;
    }
    let cells: Vec<CellRecord> = cells.into_values().collect();
    out.write_all(render(&cells, args.format, look)?.as_bytes())?;
    Ok(())
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
mod tests {
    use super::*;
    use crate::record::RunDir;
    use crate::record::testing::{done, failed, predictions};

    #[test]
    fn runs_are_merged_and_verified() {
        let folder = tempfile::tempdir().expect("a folder");
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        RunDir::open_or_create(&a).and_then(|run| run.write_cell(failed(), None)).expect("written");
        let written =
            RunDir::open_or_create(&b).and_then(|run| run.write_cell(done(), Some(&predictions())));
        let written = written.expect("written");
        let mut args = LeaderboardArgs {
            runs: default_runs(folder.path()).expect("read"),
            format: Format::Csv,
            verify: true,
        };
        assert_eq!(args.runs, [a, b.clone()]);
        let show = |args: &LeaderboardArgs| {
            let (mut out, mut messages) = (Vec::new(), Vec::new());
            run(args, &Look::default(), &mut out, &mut messages).map(|()| (out, messages))
        };
        let (out, messages) = show(&args).expect("shown");
        let out = String::from_utf8(out).expect("text");
        assert!(out.lines().count() == 2 && out.contains(",done,"), "the done cell alone: {out}");
        assert!(messages.is_empty());
        fs::write(b.join("cells").join(&written.id).join("predictions.jsonl"), "")
            .expect("written");
        assert!(matches!(show(&args), Err(Error::Record(RecordError::Mismatch { .. }))));
        args.runs = vec![folder.path().join("none")];
        assert!(matches!(show(&args), Err(Error::Record(RecordError::NotARun { .. }))));
    }
}
