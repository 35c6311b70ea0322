//! `kobench task`: what can be run, whether its data is what it should be, and tasks of one's own.

use std::io::Write;

use clap::Subcommand;

use crate::error::Error;
use crate::report::Look;

mod audit;
mod check;
mod found;
mod gold;
mod lines;
mod list;
mod new;
mod schema;
mod show;
mod tokens;

/// List, check and add tasks
#[derive(Debug, Clone, Subcommand)]
pub(super) enum TaskCommand {
    /// List the tasks that there are, and which of their data is here
    List(list::ListArgs),
    /// Check task files, and the data that is here against them
    Check(check::CheckArgs),
    /// Write the task file for a data file of your own
    New(new::NewArgs),
    /// Print the JSON Schema of task files, for editors
    Schema,
}

/// Runs the command; whether everything that was checked is right.
///
/// # Errors
/// [`Error`]: an unknown task, an unreadable folder, a file that no task can be made of. What `check`
/// finds is no error but its result.
pub(super) fn run(
    command: &TaskCommand,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<bool, Error> {
    match command {
        TaskCommand::List(args) => list::list(args, look, out).map(|()| true),
        TaskCommand::Check(args) => check::check(args, look, out, messages),
        TaskCommand::New(args) => new::new(args, look, out, messages),
        TaskCommand::Schema => schema::print(out).map(|()| true),
    }
}
