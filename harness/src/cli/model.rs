//! `kobench model list`.

use super::plugins::ListArgs;
use super::shared::{TextFormat, write_json};
use super::{CliError, Exit};
use crate::error::Error;
use crate::plugin::{Entry, NO_PLUGINS, Variant};
use crate::report::{Look, table};
use crate::run::Checkpoint;
use crate::text::{bytes, millions};
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the models of all plugins, and whether their weights are at hand.
    List(ListArgs),
}

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let Command::List(args) = &args.command;
    let catalog = args.plugins.catalog();
    let models: Vec<(&Entry, &Variant)> = catalog
        .entries()
        .flat_map(|e| e.description.variants.iter().map(move |v| (e, v)))
        .collect();
    if args.format == TextFormat::Json {
        let one = |(e, v): &(&Entry, &Variant)| serde_json::json!({ "plugin": e.description.name, "weights": weights(v), "model": v });
        let all: Vec<_> = models.iter().map(one).collect();
        write_json(to, &serde_json::json!({ "schema_version": 1, "models": all }))?;
        return Ok(Exit::Done);
    }
    if models.is_empty() {
        return Err(CliError::usage("no models were found", NO_PLUGINS));
    }
    let mut listed = table(look);
    listed.set_header([
        "model",
        "plugin",
        "architecture",
        "parameters",
        "size",
        "tokens",
        "tokeniser",
        "heads",
        "licence",
        "hub id",
        "weights",
    ]);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    for (entry, v) in &models {
        listed.add_row([
            v.name.clone(),
            entry.description.name.clone(),
            v.architecture.clone(),
            or_dash(v.parameters.map(millions)),
            or_dash(v.size_bytes.map(bytes)),
            or_dash(v.max_seq_len.map(|n| n.to_string())),
            or_dash(Some(v.tokenizer.clone()).filter(|t| !t.is_empty())),
            v.heads.join(", "),
            or_dash(Some(v.licence.clone()).filter(|t| !t.is_empty())),
            or_dash(v.hub_id.clone()),
            weights(v).into(),
        ]);
    }
    writeln!(to, "{}", listed.trim_fmt()).map_err(Error::from)?;
    Ok(Exit::Done)
}

/// Where a model's weights are.
fn weights(model: &Variant) -> &'static str {
    match Checkpoint::resolve(model, None) {
        Ok(Checkpoint::Bundled) => "bundled",
        Ok(Checkpoint::Directory(_)) => "in the hub cache",
        Err(_) => "absent",
    }
}
