//! `kobench plugin list` and `kobench plugin check`.

use super::plugins::{ListArgs, PluginArgs};
use super::shared::{TextFormat, write_json};
use super::{CliError, Exit};
use crate::check::{Finding, check_plugin};
use crate::error::Error;
use crate::plugin::{Listed, NO_PLUGINS};
use crate::report::{Look, table};
use crate::text::bytes;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the plugins that were found.
    List(ListArgs),
    /// Load a plugin in a worker and try its calls.
    ///
    /// Checks the handshake, the description, and for each model whose weights are at hand (bundled, or by
    /// --checkpoint) that texts of all kinds go in and logits come out, the same whatever the batch.
    Check {
        /// The library; all plugins that are found, if none is named.
        libraries: Vec<PathBuf>,
        #[command(flatten)]
        plugins: PluginArgs,
        /// Weights to check models with that are not bundled.
        #[arg(long, value_name = "DIR|hf:ID")]
        checkpoint: Option<String>,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
    },
}

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    match &args.command {
        Command::List(args) => list(args, look, to),
        Command::Check { libraries, plugins, checkpoint, format } => {
            let named = if libraries.is_empty() {
                plugins.search_path().libraries()
            } else {
                libraries.clone()
            };
            if named.is_empty() {
                return Err(CliError::usage("no plugins were found", NO_PLUGINS));
            }
            check(&named, checkpoint.as_deref(), *format, to)
        }
    }
}

fn list(args: &ListArgs, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let catalog = args.plugins.catalog();
    if args.format == TextFormat::Json {
        let entry = |listed: &Listed| match listed {
            Ok(e) => serde_json::json!({
                "path": e.path, "status": "ok", "description": e.description,
            }),
            Err(b) => serde_json::json!({
                "path": b.path, "status": "broken", "reason": b.reason, "hint": b.hint,
            }),
        };
        let all: Vec<_> = catalog.plugins.iter().map(entry).collect();
        write_json(to, &serde_json::json!({ "schema_version": 1, "plugins": all }))?;
    } else {
        let mut listed = table(look);
        listed.set_header([
            "plugin",
            "version",
            "models",
            "devices",
            "precisions",
            "trains",
            "library",
        ]);
        for entry in catalog.entries() {
            let d = &entry.description;
            let models: Vec<&str> = d.variants.iter().map(|v| v.name.as_str()).collect();
            let size =
                entry.path.metadata().map(|m| format!(" ({})", bytes(m.len()))).unwrap_or_default();
            listed.add_row([
                d.name.clone(),
                d.version.clone(),
                models.join(", "),
                d.devices.join(", "),
                d.precisions.join(", "),
                if d.trains { "yes".into() } else { "no".into() },
                format!("{}{size}", entry.path.display()),
            ]);
        }
        for broken in catalog.broken() {
            let name = broken.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let reason = format!("broken: {}", broken.reason);
            listed.add_row([
                name,
                "-".into(),
                reason,
                "-".into(),
                "-".into(),
                "-".into(),
                broken.path.display().to_string(),
            ]);
        }
        if listed.is_empty() {
            return Err(CliError::usage("no plugins were found", NO_PLUGINS));
        }
        writeln!(to, "{}", listed.trim_fmt()).map_err(Error::from)?;
    }
    Ok(Exit::of_verdict(catalog.broken().next().is_none()))
}

fn check(
    libraries: &[PathBuf],
    checkpoint: Option<&str>,
    format: TextFormat,
    to: &mut dyn Write,
) -> Result<Exit, CliError> {
    let mut good = true;
    let mut documents = Vec::new();
    for library in libraries {
        let findings = check_plugin(library, checkpoint);
        good &= findings.iter().all(Finding::is_good);
        if format == TextFormat::Json {
            documents.push(serde_json::json!({ "library": library, "findings": findings }));
            continue;
        }
        writeln!(to, "{}", library.display()).map_err(Error::from)?;
        for finding in &findings {
            writeln!(to, "  {finding}").map_err(Error::from)?;
        }
    }
    if format == TextFormat::Json {
        write_json(
            to,
            &serde_json::json!({ "schema_version": 1, "good": good, "plugins": documents }),
        )?;
    }
    Ok(Exit::of_verdict(good))
}
