//! `kobench selftest`: does a device of this machine compute rightly, and how fast?

mod progress;
mod show;
mod speed;

use super::plugins::PluginArgs;
use super::shared::{TextFormat, write_json};
use super::{CliError, Exit};
use crate::error::Error;
use crate::plugin::{Catalog, CheckId, Entry, NO_PLUGINS};
use crate::report::{Look, table};
use crate::selftest::{Options, Report, check, list};
use std::io::Write;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Checks run in a process of their own: one that crashes or hangs the driver is named, and the others go on in a fresh
process. Nothing is needed but this program and its plugins. Exit codes: 0 every check passed or had nothing to check
here; 1 a check failed; 2 wrong usage, or the device cannot be used.")]
pub(super) struct Args {
    #[command(flatten)]
    plugins: PluginArgs,
    /// Only this plugin's self-test; all that have one, if none is named.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// The device: auto, cpu, or cuda:N.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device)]
    device: String,
    /// Precisions to compute in.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', default_values = ["f32", "bf16"], value_parser = ["f32", "bf16"])]
    precision: Vec<String>,
    /// Run only these checks or groups of checks: `models`, `training/bert`.
    #[arg(long, value_name = "GROUP|NAME,..", value_delimiter = ',', conflicts_with = "speed")]
    only: Vec<String>,
    /// Show all checks (with --speed, all models) and run none.
    #[arg(long)]
    list: bool,
    /// What everything random follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Measure the engine alone in place of checking it, on models of real shapes with random weights.
    #[arg(long)]
    speed: bool,
    #[command(flatten)]
    measure: speed::SpeedArgs,
    /// Seconds after which a check or a measurement counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    hang_limit: u64,
    /// How to print; with --speed, json is a line for each measurement.
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
}

fn device(text: &str) -> Result<String, String> {
    let is_gpu = |number: &str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    match text {
        "auto" | "cpu" => Ok(text.to_owned()),
        gpu if gpu.strip_prefix("cuda:").is_some_and(is_gpu) => Ok(text.to_owned()),
        _ => Err("expected auto, cpu, or cuda:N (for instance cuda:0)".into()),
    }
}

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let catalog = args.plugins.catalog();
    let plugins = plugins(args, &catalog)?;
    let options = Options {
        device: args.device.clone(),
        precisions: args.precision.clone(),
        only: args.only.clone(),
        seed: args.seed,
        limit: Duration::from_secs(args.hang_limit),
    };
    if args.speed {
        return speed::run(&args.measure, &plugins, &options, (args.list, args.format), look, to);
    }
    if args.list {
        return list_checks(&plugins, &options, args.format, look, to);
    }
    let mut reports = Vec::new();
    for plugin in plugins {
        let mut progress = progress::CheckProgress::new();
        reports.push(check(plugin, &options, &mut |now| progress.show(now))?);
    }
    let good = reports.iter().all(Report::is_good);
    match args.format {
        TextFormat::Json => write_json(
            to,
            &serde_json::json!({
                "schema_version": 1, "good": good, "device": options.device,
                "precisions": options.precisions, "seed": options.seed, "plugins": reports,
            }),
        )?,
        TextFormat::Terminal => show::reports(&reports, look, to).map_err(Error::from)?,
    }
    Ok(Exit::of_verdict(good))
}

/// The plugins whose self-test is to run.
fn plugins<'a>(args: &Args, catalog: &'a Catalog) -> Result<Vec<&'a Entry>, CliError> {
    let named = |entry: &&Entry| args.plugin.as_ref().is_none_or(|n| *n == entry.description.name);
    let found: Vec<&Entry> = catalog.entries().filter(named).collect();
    let all: Vec<&Entry> = found.iter().copied().filter(|e| e.description.selftest).collect();
    if all.is_empty() {
        return Err(match (&args.plugin, found.first()) {
            (Some(name), None) => CliError::usage(
                format!("no plugin is called `{name}`"),
                "`kobench plugin list` shows the plugins that were found",
            ),
            (Some(name), Some(_)) => CliError::usage(
                format!("the plugin {name} has no self-test"),
                "leave out --plugin; the plugin `selftest` checks the engine of the bundled plugins",
            ),
            (None, _) => CliError::usage("no plugin with a self-test was found", NO_PLUGINS),
        });
    }
    let kind = args.device.split(':').next().unwrap_or_default();
    let fitting: Vec<&Entry> = all
        .iter()
        .copied()
        .filter(|e| kind == "auto" || e.description.devices.iter().any(|d| d == kind))
        .collect();
    if fitting.is_empty() {
        let names: Vec<String> = all
            .iter()
            .map(|e| format!("{} ({})", e.description.name, e.description.devices.join(", ")))
            .collect();
        return Err(CliError::usage(
            format!("no plugin checks itself on {}: there is {}", args.device, names.join(", ")),
            "a build for that device is needed, or --device cpu",
        ));
    }
    Ok(fitting)
}

fn list_checks(
    plugins: &[&Entry],
    options: &Options,
    format: TextFormat,
    look: &Look,
    to: &mut dyn Write,
) -> Result<Exit, CliError> {
    let mut listed = Vec::new();
    for plugin in plugins {
        listed.push((plugin.description.name.clone(), list(plugin, options)?));
    }
    if format == TextFormat::Json {
        let all: Vec<_> = listed
            .iter()
            .map(|(plugin, checks)| serde_json::json!({ "name": plugin, "checks": checks }))
            .collect();
        write_json(to, &serde_json::json!({ "schema_version": 1, "plugins": all }))?;
        return Ok(Exit::Done);
    }
    let mut shown = table(look);
    shown.set_header(["Plugin", "Check", "Precisions"]);
    for (plugin, checks) in &listed {
        let mut names: Vec<(&str, Vec<&str>)> = Vec::new();
        for CheckId { name, precision } in checks {
            match names.iter_mut().find(|(known, _)| known == name) {
                Some((_, precisions)) => precisions.push(precision),
                None => names.push((name, vec![precision])),
            }
        }
        for (name, precisions) in names {
            shown.add_row([plugin, name, &precisions.join(", ")]);
        }
    }
    writeln!(to, "{}", shown.trim_fmt()).map_err(Error::from)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_strictly() {
        assert!(device("auto").is_ok() && device("cpu").is_ok() && device("cuda:12").is_ok());
        for bad in ["cuda", "cuda:", "cuda:x", "gpu", ""] {
            assert!(device(bad).is_err(), "{bad}");
        }
    }
}
