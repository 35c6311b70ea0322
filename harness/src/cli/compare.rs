//! `kobench compare`: two runs, or a run and a baseline, and whether anything is worse.

mod outputs;
mod side;

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::shared::{DataArgs, TaskArgs};
use super::{CliError, Exit};
use crate::compare::{CompareRequest, GateVerdict, Policy, compare, gate};
use crate::error::Error;
use crate::report::{ComparisonFormat, Judged, Look, annotations, render_judged};
pub(super) use side::open;

/// Rows of each kind that `--flips` lists where it gives no number.
const FLIPS: &str = "10";

/// Compare two runs, or a run with a baseline
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  kobench compare results/runs/old results/runs/new
  kobench compare main results/runs/new --policy ./policy.yaml --junit junit.xml
  kobench compare main results/runs/new --flips 20 --data-dir ~/data        the rows that changed sides
  kobench compare main results/runs/new --format markdown                   for a pull request

Cells are joined by model, task, split, recipe and seed, and compared row by row. What is worse by more than the
policy's margin is a regression; `kobench policy show default` explains the rest.

Exit codes: 0 nothing that decides became worse; 1 something did; 2 wrong usage, or cells that cannot be compared;
3 with --strict: the data are too few to say. In GitHub's workflows notes go to the pull request, and the markdown to
$GITHUB_STEP_SUMMARY.")]
pub(super) struct Args {
    /// What is compared with: a run directory, a baseline's name, or its directory
    base: PathBuf,
    /// What is judged: a run directory
    new: PathBuf,
    /// A policy's name, or the path of a policy file
    #[arg(long, value_name = "FILE|NAME", default_value = Policy::DEFAULT)]
    policy: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: ComparisonFormat,
    /// List rows that changed sides: so many of each kind and cell, with their text where the data are at hand
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = FLIPS, default_value_t = 0, hide_default_value = true)]
    flips: usize,
    /// End with 3 where something that decides is inconclusive
    #[arg(long)]
    strict: bool,
    /// Write JUnit XML to a file, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write markdown to a file, too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JSON to a file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print GitHub's annotations to standard error
    #[arg(long, value_enum, default_value_t)]
    annotations: When,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    data: DataArgs,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum When {
    /// In GitHub's workflows.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl When {
    fn holds(self) -> bool {
        match self {
            Self::Auto => std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Prints the comparison to `out`, annotations to `messages`, and writes the files that are asked for.
///
/// # Errors
/// A side, a policy or a task that is not there or is broken. A file that cannot be written is an error, too, after
/// the verdict was printed.
pub(super) fn run(
    args: &Args,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CliError> {
    // A slip in its name should not wait for the runs to be read.
    let policy = Policy::load(Some(&args.policy))?;
    let registry = args.tasks.registry()?;
    let (base, new) = (open(&args.base)?, open(&args.new)?);
    let comparison = compare(&CompareRequest {
        base: &base,
        new: &new,
        policy: &policy,
        registry: &registry,
        flips: args.flips,
        data: (args.flips > 0).then(|| args.data.places()),
        seed: 0,
    })?;
    let gate = gate(&comparison, &policy, args.strict);
    let judged = Judged { comparison: &comparison, gate: &gate, policy: &policy };
    let text = render_judged(&judged, args.format, look)?;
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::from)?;
    if args.annotations.holds() {
        messages.write_all(annotations(&gate).as_bytes()).map_err(Error::from)?;
    }
    let files = [
        (&args.junit, ComparisonFormat::Junit),
        (&args.markdown, ComparisonFormat::Markdown),
        (&args.json, ComparisonFormat::Json),
    ];
    for (path, format) in files {
        if let Some(path) = path {
            outputs::write(path, &render_judged(&judged, format, look)?)?;
        }
    }
    let markdown = || render_judged(&judged, ComparisonFormat::Markdown, look);
    outputs::step_summary(&markdown, messages)?;
    Ok(match gate.verdict {
        GateVerdict::Pass => Exit::Done,
        GateVerdict::Fail => Exit::Bad,
        GateVerdict::Refused => Exit::Usage,
        GateVerdict::Inconclusive => Exit::Inconclusive,
    })
}
