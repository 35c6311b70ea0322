//! The command line. Data goes to standard output, everything else to standard error.

mod audit;
mod baseline;
mod bench;
mod compare;
mod data;
mod error;
mod exit;
mod files;
mod history;
mod leaderboard;
mod measured;
mod model;
mod plugin;
mod plugin_new;
mod plugins;
mod policy;
mod progress;
mod recipe;
mod report;
mod run;
mod score;
mod selftest;
mod shared;
mod sweep;
mod task;
#[cfg(test)]
mod tests;
mod worker;

use crate::error::Error;
use crate::report::Look;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

pub(crate) use error::CliError;
pub use exit::Exit;

const EXAMPLES: &str = "\
Examples:
  kobench run --suite demo                                   the bundled model on bundled rows
  kobench run -m kcbert-demo -t nsmc --data-dir ~/data       the full test set
  kobench run -m kcbert-base --checkpoint DIR -t nsmc        your own fine-tuned weights
  kobench leaderboard results/runs/demo --format markdown    the table again
  kobench report results/runs/demo -o report.html            one HTML file with charts
  kobench score -t nsmc --predictions preds.csv              any system's predictions
  kobench baseline set main results/runs/default             keep a run to compare with
  kobench compare main results/runs/new                      is anything worse?

Exit codes: 0 done; 1 the verdict is bad (a cell failed, a check found something, a number became
worse); 2 wrong usage, or something that is needed is missing or broken, or cannot be compared;
3 the data are too few to say (under `compare --strict` alone).";

#[derive(Debug, Parser)]
#[command(
    name = "kobench",
    version,
    about = "Benchmarks Korean language models: models are plugins, every number has its interval and its record",
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run models on tasks, and print the table.
    Run(run::Args),
    /// Print the table of earlier runs.
    Leaderboard(leaderboard::LeaderboardArgs),
    /// Write one HTML file about runs, with charts and without need of a network.
    Report(report::Args),
    /// Compare two runs, or a run with a baseline: is anything worse?
    Compare(compare::Args),
    /// Keep runs to compare with.
    #[command(subcommand)]
    Baseline(baseline::BaselineCommand),
    /// List, show and check the policies of comparisons.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Show how the numbers of many runs went, and where they moved.
    History(history::Args),
    /// Check that models answer alike however they are asked.
    Audit(audit::Args),
    /// Measure how fast models are, alone or against a base.
    Bench(bench::Args),
    /// Score any system's predictions.
    Score(score::ScoreArgs),
    /// List tasks, check a task file and its data, or write a task file.
    #[command(subcommand)]
    Task(task::TaskCommand),
    /// List data sets, download, import and verify them.
    #[command(subcommand)]
    Data(data::DataCommand),
    /// List the models that plugins offer.
    Model(model::Args),
    /// List plugins, check one, or make a new one.
    Plugin(plugin::Args),
    /// List and show recipes of fine-tuning.
    #[command(subcommand)]
    Recipe(recipe::RecipeCommand),
    /// Train with several settings, and rank them by the development metric.
    Sweep(sweep::Args),
    /// Check that a device of this machine computes rightly, or measure how fast it does.
    Selftest(selftest::Args),
    /// The process that holds a plugin; started by kobench itself.
    #[command(hide = true)]
    Worker(worker::Args),
}

/// Parses the command line, does what it says, and reports errors.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows where each goes.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let look = Look::of_stdout();
    let (mut stdout, mut stderr) = (anstream::stdout().lock(), anstream::stderr());
    let ended = match cli.command {
        Command::Run(args) => run::run(&args, &look, &mut stdout),
        Command::Leaderboard(args) => {
            done(leaderboard::run(&args, &look, &mut stdout, &mut stderr))
        }
        Command::Report(args) => report::run(&args, &mut stdout, &mut stderr),
        Command::Compare(args) => compare::run(&args, &look, &mut stdout, &mut stderr),
        Command::Baseline(command) => baseline::run(&command, &look, &mut stdout, &mut stderr),
        Command::Policy(command) => policy::run(&command, &look, &mut stdout),
        Command::History(args) => history::run(&args, &look, &mut stdout, &mut stderr),
        Command::Audit(args) => audit::run(&args, &look, &mut stdout),
        Command::Bench(args) => bench::run(&args, &look, &mut stdout),
        Command::Score(args) => done(score::run(&args, &look, &mut stdout, &mut stderr)),
        Command::Task(command) => task::run(&command, &look, &mut stdout, &mut stderr)
            .map(Exit::of_verdict)
            .map_err(CliError::from),
        Command::Data(command) => data::run(&command, &look, &mut stdout),
        Command::Model(args) => model::run(&args, &look, &mut stdout),
        Command::Plugin(args) => plugin::run(&args, &look, &mut stdout),
        Command::Recipe(command) => recipe::run(&command, &look, &mut stdout),
        Command::Sweep(args) => sweep::run(&args, &look, &mut stdout),
        Command::Selftest(args) => selftest::run(&args, &look, &mut stdout),
        Command::Worker(args) => worker::run(&args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => error.report().into(),
    }
}

/// A command without a verdict.
fn done(result: Result<(), Error>) -> Result<Exit, CliError> {
    result.map(|()| Exit::Done).map_err(CliError::from)
}
