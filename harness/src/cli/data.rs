//! `kobench data`: what of the tasks' data is here, and how the rest is got.

use std::io::Write;

use clap::{Args, Subcommand};

use super::shared::{DataArgs, TaskArgs};
use super::{CliError, Exit};
use crate::inventory::Item;
use crate::report::Look;
use crate::task::{Registry, Task, TaskError};

mod fetch;
mod import;
mod list;
mod outcome;
#[cfg(test)]
mod tests;
mod verify;

/// List, download, import and verify data sets
#[derive(Debug, Clone, Subcommand)]
pub(super) enum DataCommand {
    /// List the data of every task: what is here, what is missing, and how it is got
    List(list::ListArgs),
    /// Download data sets, and check their SHA-256
    Fetch(fetch::FetchArgs),
    /// Find data sets in a folder, whatever the files are called, and copy them into place
    Import(import::ImportArgs),
    /// Read everything that is here, and check its SHA-256 and rows
    Verify(verify::VerifyArgs),
}

/// Where tasks and data are found.
#[derive(Debug, Clone, Default, Args)]
struct Places {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    tasks: TaskArgs,
}

/// Runs the command.
pub(super) fn run(
    command: &DataCommand,
    look: &Look,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    match command {
        DataCommand::List(args) => list::run(args, look, out),
        DataCommand::Fetch(args) => fetch::run(args, out),
        DataCommand::Import(args) => import::run(args, out),
        DataCommand::Verify(args) => verify::run(args, out),
    }
}

/// The tasks of these names, each once; all where there are no names.
fn tasks(registry: &Registry, names: &[String]) -> Result<Vec<Task>, TaskError> {
    if names.is_empty() {
        return Ok(registry.tasks().cloned().collect());
    }
    let mut tasks: Vec<Task> = Vec::new();
    for name in names {
        let task = registry.get(name)?;
        if !tasks.iter().any(|known| known.name == task.name) {
            tasks.push(task);
        }
    }
    Ok(tasks)
}

/// The splits of tasks, or the one split of each of them. A task without that split is an error, unless `lax`.
fn items<'a>(
    tasks: &'a [Task],
    split: Option<&str>,
    lax: bool,
) -> Result<Vec<Item<'a>>, TaskError> {
    let mut items = Vec::new();
    for task in tasks {
        match split {
            None => items.extend(Item::of(task)),
            Some(name) if lax && !task.splits.contains_key(name) => {}
            Some(name) => {
                let (name, split) = task.split(Some(name))?;
                items.push(Item { task, name, split });
            }
        }
    }
    Ok(items)
}
