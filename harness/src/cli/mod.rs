//! The command line. Data goes to standard output, everything else to standard error.

mod data_args;
mod error;
mod exit;
mod format;
mod leaderboard;
mod model;
mod plugin;
mod plugins;
mod run;
mod score;
mod worker;

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
  kobench score -t nsmc --predictions preds.csv              any system's predictions

Exit codes: 0 done; 1 the verdict is bad (a cell failed, a check found something); 2 wrong usage, or
something that is needed is missing or broken; 3 inconclusive under --strict.";

#[derive(Debug, Parser)]
#[command(
    name = "kobench",
    version,
    about = "Benchmarks Korean language models on Korean tasks, with intervals, beside published numbers",
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
    Leaderboard(leaderboard::Args),
    /// Score any system's predictions.
    Score(score::Args),
    /// List the models that plugins offer.
    Model(model::Args),
    /// List plugins, or check one.
    Plugin(plugin::Args),
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
    let mut stdout = anstream::stdout().lock();
    let done = match cli.command {
        Command::Run(args) => run::run(&args, &mut stdout),
        Command::Leaderboard(args) => leaderboard::run(&args, &mut stdout),
        Command::Score(args) => score::run(&args, &mut stdout),
        Command::Model(args) => model::run(&args, &mut stdout),
        Command::Plugin(args) => plugin::run(&args, &mut stdout),
        Command::Worker(args) => worker::run(&args),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => error.report().into(),
    }
}
