//! `kobench baseline`: runs that are kept to be compared with.

mod list;
mod set;
mod show;
mod workflow;

use std::io::Write;
use std::path::PathBuf;

use super::shared::{TaskArgs, TextFormat};
use super::{CliError, Exit};
use crate::baseline::{self, Baseline, FOLDER, Folder};
use crate::error::Error;
use crate::report::Look;

/// Keep runs to compare with
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Examples:
  kobench baseline set main results/runs/default --note \"before the new tokeniser\"
  kobench compare main results/runs/new
  kobench baseline workflow cpu > .github/workflows/benchmark.yaml

A baseline is a small folder below results/baselines, to be committed: records, what each row came to, and hashes of
everything; no texts of the data.")]
pub(super) enum BaselineCommand {
    /// Make a baseline of a run
    Set(SetArgs),
    /// List the baselines that there are
    List(ListArgs),
    /// Show what a baseline holds
    Show(ShowArgs),
    /// Check that a baseline is as it was made
    Check(NameArgs),
    /// Remove a baseline
    Remove(NameArgs),
    /// Print a workflow file for GitHub that runs, compares and reports
    Workflow(workflow::WorkflowArgs),
}

/// Where baselines are.
#[derive(Debug, Clone, clap::Args)]
struct FolderArgs {
    /// The folder that holds the baselines
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    baselines: PathBuf,
}

impl FolderArgs {
    fn folder(&self) -> Folder {
        Folder::new(&self.baselines)
    }
}

/// Options of `baseline set`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SetArgs {
    /// What it is called
    name: String,
    /// The run directory
    run: PathBuf,
    /// Put it in the place of one of this name
    #[arg(long)]
    force: bool,
    /// Leave logits out: the rows are smaller by far, and `auroc` and `log_loss` cannot be compared
    #[arg(long)]
    without_logits: bool,
    /// Why it is made
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    tasks: TaskArgs,
}

/// Options of `baseline list`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ListArgs {
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Options of `baseline show`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ShowArgs {
    /// Its name
    name: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    folder: FolderArgs,
}

/// A baseline by its name.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct NameArgs {
    /// Its name
    name: String,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Runs the command. What was done is said on `messages`.
pub(super) fn run(
    command: &BaselineCommand,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CliError> {
    match command {
        BaselineCommand::Set(args) => set::set(args, out, messages)?,
        BaselineCommand::List(args) => list::list(args, look, out)?,
        BaselineCommand::Show(args) => show::show(args, look, out)?,
        BaselineCommand::Check(args) => {
            let files = read(&args.folder, &args.name)?.check()?;
            let what = if files == 1 { "file is" } else { "files are" };
            writeln!(out, "{}: {files} {what} as they were made", args.name)
                .map_err(Error::from)?;
        }
        BaselineCommand::Remove(args) => {
            args.folder.folder().remove(&args.name)?;
            writeln!(messages, "removed the baseline {}", args.name).map_err(Error::from)?;
        }
        BaselineCommand::Workflow(args) => workflow::print(args, out)?,
    }
    Ok(Exit::Done)
}

fn read(folder: &FolderArgs, name: &str) -> Result<Baseline, CliError> {
    Ok(baseline::read(&folder.folder().find(name)?)?)
}
