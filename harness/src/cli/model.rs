//! `kobench model`: the models that plugins offer, and their files.

use std::io::Write;

use super::{CliError, Exit};
use crate::report::Look;

mod check;
mod checked;
mod fetch;
mod list;
mod named;
mod outcome;
#[cfg(test)]
mod tests;
mod verify;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the models of all plugins, and whether their files are here.
    List(list::ListArgs),
    /// Download models from the Hugging Face Hub into its standard cache.
    Fetch(fetch::FetchArgs),
    /// Hash what is in the Hugging Face cache again.
    Verify(verify::VerifyArgs),
    /// Open a checkpoint, and say whether it fits the model, tensor by tensor.
    Check(check::CheckArgs),
}

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    match &args.command {
        Command::List(args) => list::run(args, look, to),
        Command::Fetch(args) => fetch::run(args, to),
        Command::Verify(args) => verify::run(args, to),
        Command::Check(args) => check::run(args, look, to),
    }
}
