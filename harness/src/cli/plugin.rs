//! `kobench plugin list`, `kobench plugin check` and `kobench plugin new`.

use super::plugin_new;
use super::plugins::{ListArgs, PluginArgs};
use super::shared::{TextFormat, write_json};
use super::{CliError, Exit};
use crate::check::{Finding, Options, Report, Selection, Verdict, catalog, check_plugin};
use crate::error::Error;
use crate::plugin::{Listed, NO_PLUGINS};
use crate::report::{Look, table};
use crate::text::bytes;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the plugins that were found.
    List(ListArgs),
    /// Check that a plugin keeps what kobench_plugin.h says.
    ///
    /// Runs named checks (--list shows them) of the border, the description, and for each model whose weights
    /// are at hand (bundled, in the Hugging Face cache, or by --checkpoint) of encodings, logits, memory,
    /// training and errors. Each group runs in a process of its own: a crash is a finding too.
    Check(CheckArgs),
    /// Write a new plugin: a crate (or a file in C) that builds and passes the check, to be edited.
    New(plugin_new::Args),
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The library; all plugins that are found, if none is named.
    libraries: Vec<PathBuf>,
    #[command(flatten)]
    plugins: PluginArgs,
    /// Weights to check models with that are not bundled.
    #[arg(long, value_name = "DIR|hf:ID")]
    checkpoint: Option<String>,
    /// Look at this model only.
    #[arg(long, short = 'm', value_name = "MODEL")]
    model: Option<String>,
    /// Run only this check, or the checks of this group (repeatable).
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Show all checks and run none.
    #[arg(long)]
    list: bool,
    /// Seconds after which a check counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    hang_limit: u64,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
}

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    match &args.command {
        Command::List(args) => list(args, look, to),
        Command::Check(args) if args.list => list_checks(args.format, look, to),
        Command::Check(args) => check(args, to),
        Command::New(args) => plugin_new::run(args, to),
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

/// All checks: what holds where each is passed.
fn list_checks(format: TextFormat, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let checks = catalog::all();
    if format == TextFormat::Json {
        let all: Vec<_> = checks
            .iter()
            .map(|c| serde_json::json!({ "id": c.id, "what": c.what, "hint": c.hint }))
            .collect();
        write_json(to, &serde_json::json!({ "schema_version": 1, "checks": all }))?;
        return Ok(Exit::Done);
    }
    let mut listed = table(look);
    listed.set_header(["check", "what holds where it is passed"]);
    for check in checks {
        listed.add_row([check.id, check.what]);
    }
    writeln!(to, "{}", listed.trim_fmt()).map_err(Error::from)?;
    Ok(Exit::Done)
}

fn check(args: &CheckArgs, to: &mut dyn Write) -> Result<Exit, CliError> {
    let libraries = match args.libraries.is_empty() {
        true => args.plugins.search_path().libraries(),
        false => args.libraries.clone(),
    };
    if libraries.is_empty() {
        return Err(CliError::usage("no plugins were found", NO_PLUGINS));
    }
    let options = Options {
        checkpoint: args.checkpoint.clone(),
        model: args.model.clone(),
        selection: Selection::new(&args.only)?,
        limit: Duration::from_secs(args.hang_limit),
    };
    let is_json = args.format == TextFormat::Json;
    let mut reports = Vec::new();
    for library in &libraries {
        let mut written = Ok(());
        if !is_json {
            writeln!(to, "{}", library.display()).map_err(Error::from)?;
        }
        // A check can take a while: each line comes as soon as it is known.
        let report = check_plugin(library, &options, &mut |finding: &Finding| {
            if !is_json && written.is_ok() {
                written = writeln!(to, "  {finding}").and_then(|()| to.flush());
            }
        });
        written.map_err(Error::from)?;
        if !is_json {
            let count = |verdict| report.count(verdict);
            let (ok, skipped) = (count(Verdict::Ok), count(Verdict::Skipped));
            writeln!(to, "  {ok} ok, {skipped} skipped, {} bad", count(Verdict::Bad))
                .map_err(Error::from)?;
        }
        reports.push(report);
    }
    let good = reports.iter().all(Report::is_good);
    if is_json {
        let document = serde_json::json!({ "schema_version": 2, "good": good, "plugins": reports });
        write_json(to, &document)?;
    }
    Ok(Exit::of_verdict(good))
}
