//! `kobench recipe list`; harness/schemas/recipe-list.schema.json.

use std::io::Write;

use serde::Serialize;

use super::ListArgs;
use crate::cli::CliError;
use crate::cli::shared::{TextFormat, write_json};
use crate::error::Error;
use crate::recipe::Library;
use crate::report::{Look, table};

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    version: u32,
    title: &'a str,
    source: &'a str,
    file: &'a str,
    /// Those of which the source has a recipe; empty where any is meant.
    models: &'a [String],
    /// Those that it has settings of its own for.
    tasks: Vec<&'a str>,
    any_task: bool,
    notes: &'a [String],
}

pub(super) fn list(args: &ListArgs, look: &Look, out: &mut dyn Write) -> Result<(), CliError> {
    let library = Library::load().map_err(Error::from)?;
    let listed: Vec<Listed<'_>> = library
        .recipes()
        .map(|recipe| {
            let document = recipe.document();
            Listed {
                name: &document.name,
                version: document.version,
                title: &document.title,
                source: &document.source,
                file: recipe.file(),
                models: &document.models,
                tasks: document.tasks.keys().map(String::as_str).collect(),
                any_task: document.any_task,
                notes: &document.notes,
            }
        })
        .collect();
    if args.format == TextFormat::Json {
        let document = serde_json::json!({ "schema_version": 1, "recipes": listed });
        return Ok(write_json(out, &document)?);
    }
    let mut recipes = table(look);
    recipes.set_header(["Recipe", "Title", "Tasks", "Models"]);
    for recipe in &listed {
        let tasks = if recipe.any_task { "any".to_owned() } else { recipe.tasks.join(", ") };
        let models =
            if recipe.models.is_empty() { "any".to_owned() } else { recipe.models.join(", ") };
        recipes.add_row([recipe.name.to_owned(), recipe.title.to_owned(), tasks, models]);
    }
    writeln!(out, "{}", recipes.trim_fmt()).map_err(Error::from)?;
    Ok(())
}
