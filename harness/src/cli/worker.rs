//! `kobench worker`: the process that holds a plugin.

use super::{CliError, Exit};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The process that started this one.
    harness: u32,
    /// Run checks of a plugin.
    #[arg(long)]
    checks: bool,
    /// Run a plugin's self-test.
    #[arg(long)]
    selftest: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, CliError> {
    let serve = match (args.checks, args.selftest) {
        (true, _) => crate::check::serve,
        (false, true) => crate::selftest::serve,
        (false, false) => crate::worker::serve,
    };
    match serve(args.harness) {
        Ok(()) => Ok(Exit::Done),
        Err(e) => Err(CliError::usage(e.to_string(), "`kobench run` starts its workers by itself")),
    }
}
