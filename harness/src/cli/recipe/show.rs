//! `kobench recipe show`; harness/schemas/recipe-show.schema.json.

use std::io::Write;

use serde::Serialize;
use serde_yaml::Value as Yaml;

use super::ShowArgs;
use crate::cli::CliError;
use crate::cli::shared::{TextFormat, write_json};
use crate::error::Error;
use crate::recipe::{Library, Override, Recipe, Resolved};
use crate::report::Look;
use crate::text::wrapped;

pub(super) fn show(args: &ShowArgs, look: &Look, out: &mut dyn Write) -> Result<(), CliError> {
    let recipe = Library::load().and_then(|library| library.get(&args.name))?;
    let (Some(model), Some(task)) = (&args.model, &args.task) else {
        return match args.format {
            TextFormat::Json => {
                let document =
                    serde_json::json!({ "schema_version": 1, "recipe": recipe.document() });
                Ok(write_json(out, &document)?)
            }
            TextFormat::Terminal => Ok(write_recipe(&recipe, look, out)?),
        };
    };
    let task = args.tasks.registry()?.get(task)?;
    let catalog = args.plugins.catalog();
    let (_, variant) = catalog.model(model)?;
    let edits: Vec<Override> =
        args.set.iter().map(|text| Override::parse(text)).collect::<Result<_, _>>()?;
    let resolved = recipe.resolve_with(variant, &task, &edits)?;
    match args.format {
        TextFormat::Json => {
            let document = serde_json::json!({
                "schema_version": 1,
                "resolved": Shown {
                    recipe: &resolved.recipe,
                    version: resolved.version,
                    label: resolved.label(),
                    source: &resolved.source,
                    model: &variant.name,
                    task: &task.name,
                    notes: &resolved.notes,
                    caveat: resolved.settings.select.caveat(),
                    overrides: &resolved.overrides,
                    settings: &resolved.settings,
                    train_begin: resolved.settings.plugin_json(),
                },
            });
            Ok(write_json(out, &document)?)
        }
        TextFormat::Terminal => {
            Ok(write_resolved(&resolved, &variant.name, &task.name, look, out)?)
        }
    }
}

/// The settings of a recipe for one model and one task.
#[derive(Serialize)]
struct Shown<'a> {
    recipe: &'a str,
    version: u32,
    label: String,
    source: &'a str,
    model: &'a str,
    task: &'a str,
    notes: &'a [String],
    caveat: Option<&'static str>,
    overrides: &'a [String],
    settings: &'a crate::recipe::Settings,
    /// What the plugin is given.
    train_begin: serde_json::Value,
}

/// YAML, with what is no setting in comments.
fn write_resolved(
    resolved: &Resolved,
    model: &str,
    task: &str,
    look: &Look,
    out: &mut dyn Write,
) -> Result<(), Error> {
    comment(out, look, &format!("{} for {model} on {task}", resolved.label()))?;
    comment(out, look, &format!("source: {}", resolved.source))?;
    for note in &resolved.notes {
        comment(out, look, &format!("note: {note}"))?;
    }
    if let Some(caveat) = resolved.settings.select.caveat() {
        comment(out, look, &format!("caveat: {caveat}"))?;
    }
    write_yaml(out, &resolved.settings, false)
}

/// The recipe as a file, with the keys that it leaves out left out.
fn write_recipe(recipe: &Recipe, look: &Look, out: &mut dyn Write) -> Result<(), Error> {
    comment(out, look, &format!("{} (-m MODEL -t TASK: the settings of one cell)", recipe.file()))?;
    // A task without settings of its own is a task all the same.
    write_yaml(out, recipe.document(), true)
}

fn comment(out: &mut dyn Write, look: &Look, text: &str) -> Result<(), Error> {
    let width = look.width.map_or(100, usize::from).clamp(40, 120);
    for (index, line) in wrapped(text, width - 4).iter().enumerate() {
        writeln!(out, "#{}{line}", if index == 0 { " " } else { "   " })?;
    }
    Ok(())
}

fn write_yaml(
    out: &mut dyn Write,
    value: &impl Serialize,
    empty_objects: bool,
) -> Result<(), Error> {
    // Not by way of JSON, whose objects are sorted: keys keep the order of their types.
    let text = serde_yaml::to_value(value)
        .and_then(|value| serde_yaml::to_string(&without_empty(value, empty_objects)))
        .map_err(std::io::Error::other)?;
    Ok(out.write_all(text.as_bytes())?)
}

/// The value without members that are null, and without empty lists; `empty_objects` stay or go.
fn without_empty(value: Yaml, empty_objects: bool) -> Yaml {
    let is_empty = |value: &Yaml| match value {
        Yaml::Null => true,
        Yaml::Sequence(items) => items.is_empty(),
        Yaml::Mapping(members) => members.is_empty() && !empty_objects,
        _ => false,
    };
    match value {
        Yaml::Mapping(members) => Yaml::Mapping(
            members
                .into_iter()
                .map(|(key, value)| (key, without_empty(value, empty_objects)))
                .filter(|(_, value)| !is_empty(value))
                .collect(),
        ),
        Yaml::Sequence(items) => Yaml::Sequence(
            items.into_iter().map(|item| without_empty(item, empty_objects)).collect(),
        ),
        scalar => scalar,
    }
}
