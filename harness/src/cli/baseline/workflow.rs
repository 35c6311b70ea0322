//! `kobench baseline workflow`: ready files for GitHub.

use std::io::Write;

use clap::ValueEnum;

use crate::cli::CliError;
use crate::error::Error;

/// Options of `baseline workflow`.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct WorkflowArgs {
    /// The kind of runner
    #[arg(value_enum)]
    runner: Runner,
}

/// A kind of runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Runner {
    /// One of GitHub's, without a GPU
    Cpu,
    /// One of your own, with a GPU
    Gpu,
}

const CPU: &str = include_str!("../../../templates/workflows/cpu-hosted.yaml");
const GPU: &str = include_str!("../../../templates/workflows/gpu-self-hosted.yaml");

pub(super) fn print(args: &WorkflowArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let text = match args.runner {
        Runner::Cpu => CPU,
        Runner::Gpu => GPU,
    };
    out.write_all(text.as_bytes()).map_err(Error::from)?;
    Ok(())
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
