//! `kobench policy`: what comparisons are judged by.

use std::io::Write;

use super::{CliError, Exit};
use crate::compare::Policy;
use crate::compare::policy::{builtin, builtin_text};
use crate::error::Error;
use crate::report::{Look, table};

/// List, show and check policies
#[derive(Debug, clap::Subcommand)]
pub(super) enum PolicyCommand {
    /// List the built-in policies
    List,
    /// Print a built-in policy, to begin one of your own with
    Show {
        /// Its name
        #[arg(default_value = Policy::DEFAULT)]
        name: String,
    },
    /// Check a policy file
    Check {
        /// Its path
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

/// The schema of policy files, as harness/schemas has it.
const SCHEMA: &str = include_str!("../../schemas/policy.schema.json");

/// Runs the command.
pub(super) fn run(
    command: &PolicyCommand,
    look: &Look,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let text = match command {
        PolicyCommand::List => {
            let mut policies = table(look);
            policies.set_header(["Policy", "Title"]);
            for (name, _) in builtin() {
                let policy = Policy::load(Some(&name))?;
                policies.add_row([&name, &policy.document().title]);
            }
            format!("{}\n", policies.trim_fmt())
        }
        PolicyCommand::Show { name } => builtin_text(name)?,
        PolicyCommand::Check { file } => {
            // A file of a built-in one's name is given by its path.
            let path = if file.contains('/') { file.clone() } else { format!("./{file}") };
            let policy = Policy::load(Some(&path))?;
            format!("{file}: {}, a policy without faults\n", policy.document().name)
        }
        PolicyCommand::Schema => SCHEMA.to_owned(),
    };
    out.write_all(text.as_bytes()).map_err(Error::from)?;
    Ok(Exit::Done)
}
