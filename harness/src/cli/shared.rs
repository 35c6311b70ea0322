//! Options that several commands share.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::data::DataPlaces;
use crate::error::Error;
use crate::task::{Registry, TaskError};

/// Where tasks are found.
#[derive(Debug, Clone, Default, Args)]
pub struct TaskArgs {
    /// A folder with task files of your own, beside the built-in ones
    #[arg(long, value_name = "DIR", env = "KOBENCH_TASK_PATH", value_delimiter = ':')]
    pub task_dir: Vec<PathBuf>,
}

impl TaskArgs {
    /// The built-in tasks and the user's.
    ///
    /// # Errors
    /// As [`Registry::load`].
    pub fn registry(&self) -> Result<Registry, TaskError> {
        Registry::load(&self.task_dir)
    }
}

/// Where data is found.
#[derive(Debug, Clone, Default, Args)]
pub struct DataArgs {
    /// The folder that holds the data sets [default: $KOBENCH_DATA, then ~/.cache/kobench/data]
    // Not clap's `env`: the flag excludes the cache, the variable does not.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl DataArgs {
    /// The places to look at.
    pub fn places(&self) -> DataPlaces {
        DataPlaces::new(self.data_dir.as_deref())
    }
}

/// Text for people or JSON for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
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
    serde_json::to_writer_pretty(&mut *out, document)?;
    Ok(writeln!(out)?)
}
