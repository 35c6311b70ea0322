//! The plans behind a measurement: what is measured, and the base.

use crate::bench::{Against, BenchPlan};
use crate::cli::CliError;
use crate::cli::measured::{MeasuredArgs, one_device};
use crate::cli::plugins::catalog_at;
use crate::run::{Progress, RunOptions, plan as plan_run, settle_all};

/// Plans what the options say, and the base.
pub(super) fn plan(args: &MeasuredArgs, against: Option<&Against>) -> Result<BenchPlan, CliError> {
    let options = args.options()?;
    let (registry, catalog) = (args.tasks.registry()?, args.plugins.catalog());
    let new = plan_run(&options, &catalog, &registry)?;
    let Some(against) = against else { return Ok(BenchPlan { new, base: None }) };
    let options = differing(options, against)?;
    let base = match &against.plugins {
        None => plan_run(&options, &catalog, &registry)?,
        Some(place) if !place.exists() => {
            return Err(CliError::usage(
                format!("--against plugins={}: there is nothing", place.display()),
                "name a folder with the plugin libraries of another build, or one library",
            ));
        }
        Some(place) => plan_run(&options, &catalog_at(place.clone()), &registry)?,
    };
    Ok(BenchPlan { new, base: Some(base) })
}

/// The options of the base.
fn differing(options: RunOptions, against: &Against) -> Result<RunOptions, CliError> {
    if let Some(device) = &against.device {
        one_device(device)?;
    }
    let mut plugin_options = options.plugin_options;
    plugin_options.extend(against.plugin_options.clone());
    Ok(RunOptions {
        checkpoint: against.checkpoint.clone().or(options.checkpoint),
        precision: against.precision.clone().or(options.precision),
        threads: against.threads.unwrap_or(options.threads),
        devices: against.device.clone().unwrap_or(options.devices),
        plugin_options,
        ..options
    })
}

/// Settles where `--device auto` computes, on both sides.
pub(super) fn settle_devices(plan: &mut BenchPlan, progress: &mut Progress) {
    // Workers that were started for that end here: each side starts its own.
    drop(settle_all(&mut plan.new, progress));
    if let Some(base) = &mut plan.base {
        drop(settle_all(base, progress));
    }
}
