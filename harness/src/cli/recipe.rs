//! `kobench recipe`: how models are fine-tuned, by task and model.

use std::io::Write;

use super::plugins::PluginArgs;
use super::shared::{TaskArgs, TextFormat};
use super::{CliError, Exit};
use crate::report::Look;

mod list;
mod show;
#[cfg(test)]
mod tests;

/// List and show recipes
#[derive(Debug, clap::Subcommand)]
pub(super) enum RecipeCommand {
    /// List the recipes that there are
    List(ListArgs),
    /// Show what a recipe says, or the settings that it gives for one model and one task
    Show(ShowArgs),
    /// Print the JSON Schema of recipe files, for editors
    Schema,
}

/// Options of `recipe list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
}

/// Options of `recipe show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// A recipe's name, or the path of a recipe file
    name: String,
    /// The model
    #[arg(short, long, requires = "task")]
    model: Option<String>,
    /// The task
    #[arg(short, long, requires = "model")]
    task: Option<String>,
    /// A setting that overrides the recipe's, for instance `learning_rate=3e-5` or `optimizer.eps=1e-7`
    #[arg(long, value_name = "KEY=VALUE", requires = "model")]
    set: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Runs the command.
pub(super) fn run(
    command: &RecipeCommand,
    look: &Look,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    match command {
        RecipeCommand::List(args) => list::list(args, look, out)?,
        RecipeCommand::Show(args) => show::show(args, look, out)?,
        RecipeCommand::Schema => {
            out.write_all(RECIPE_SCHEMA.as_bytes()).map_err(crate::error::Error::from)?;
        }
    }
    Ok(Exit::Done)
}

/// The schema of recipe files, as harness/schemas has it.
const RECIPE_SCHEMA: &str = include_str!("../../schemas/recipe.schema.json");
