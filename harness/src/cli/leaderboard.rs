//! `kobench leaderboard`.

use super::{CliError, Exit};
use crate::record::{RecordError, read_cells};
use crate::report::Leaderboard;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where runs go unless they are told otherwise.
pub(super) const RUNS: &str = "results/runs";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run folders; by default all of results/runs.
    runs: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: BoardFormat,
}

/// Forms of a leaderboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum BoardFormat {
    /// A table.
    #[default]
    Terminal,
    /// A table for GitHub.
    Markdown,
    /// Comma-separated, fractions in full.
    Csv,
    /// One JSON document (harness/schemas/leaderboard.schema.json).
    Json,
}

pub(super) fn run(args: &Args, to: &mut dyn Write) -> Result<Exit, CliError> {
    let runs = if args.runs.is_empty() { all_runs(Path::new(RUNS)) } else { args.runs.clone() };
    if runs.is_empty() {
        return Err(CliError::usage(
            format!("there are no runs in {RUNS}"),
            "`kobench run --suite demo` makes one; or name run folders",
        ));
    }
    let cells =
        runs.iter().map(|run| read_cells(run)).collect::<Result<Vec<_>, RecordError>>()?.concat();
    print(&Leaderboard::of(&cells), args.format, to)?;
    Ok(Exit::Done)
}

/// The run folders in a folder, by name.
fn all_runs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut runs: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.join("run.json").is_file()).collect();
    runs.sort();
    runs
}

/// Prints a leaderboard.
pub(super) fn print(
    board: &Leaderboard,
    format: BoardFormat,
    to: &mut dyn Write,
) -> Result<(), CliError> {
    let text = match format {
        BoardFormat::Terminal => board.to_string(),
        BoardFormat::Markdown => board.markdown(),
        BoardFormat::Csv => board.csv().map_err(|e| CliError::output(e.into()))?,
        BoardFormat::Json => {
            let document =
                serde_json::to_string_pretty(board).map_err(|e| CliError::output(e.into()))?;
            document + "\n"
        }
    };
    to.write_all(text.as_bytes()).and_then(|()| to.flush()).map_err(CliError::output)
}
