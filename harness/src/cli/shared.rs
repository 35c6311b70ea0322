//! Options that several commands share.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::CliError;
use crate::data::DataPlaces;
use crate::error::Error;
use crate::task::{Registry, TaskError};

/// Where tasks are found.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TaskArgs {
    /// A folder with task files of your own, beside the built-in ones
    #[arg(long, value_name = "DIR", env = "KOBENCH_TASK_PATH", value_delimiter = ':')]
    pub(super) task_dir: Vec<PathBuf>,
}

impl TaskArgs {
    /// The built-in tasks and the user's.
    ///
    /// # Errors
    /// As [`Registry::load`].
    pub(super) fn registry(&self) -> Result<Registry, TaskError> {
        // An empty variable, and an empty part between two colons, name no folder.
        let folders: Vec<PathBuf> =
            self.task_dir.iter().filter(|folder| !folder.as_os_str().is_empty()).cloned().collect();
        Registry::load(&folders)
    }
}

/// Where data is found.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DataArgs {
    /// The folder that holds the data sets [default: $KOBENCH_DATA, then ~/.cache/kobench/data]
    // Not clap's `env`: the flag excludes the cache, the variable does not.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

impl DataArgs {
    /// The places to look at.
    pub(super) fn places(&self) -> DataPlaces {
        DataPlaces::new(self.data_dir.as_deref())
    }
}

/// The value of `--timeout`: how long a server may be silent.
pub(super) fn silence(seconds: f64) -> Result<Duration, CliError> {
    let timeout = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
    timeout.ok_or_else(|| {
        let message = format!("--timeout {seconds}: not a number of seconds");
        CliError::usage(message, "give a positive number, for instance --timeout 30")
    })
}

/// Text for people or JSON for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum TextFormat {
    /// For reading in a terminal.
    #[default]
    Terminal,
    /// For programs; numbers have all their digits.
    Json,
}

/// Writes warnings as lines of their own.
pub(super) fn warn(messages: &mut dyn Write, warnings: &[String]) -> io::Result<()> {
    warnings.iter().try_for_each(|warning| writeln!(messages, "warning: {warning}"))
}

/// Writes a JSON document and a line end.
pub(super) fn write_json(out: &mut dyn Write, document: &serde_json::Value) -> Result<(), Error> {
    // Not straight into `out`: what the writer has to say would come back as an error of JSON.
    Ok(writeln!(out, "{}", serde_json::to_string_pretty(document)?)?)
}
