//! `kobench data verify`: everything that is here, read in full.

use std::io::Write;

use clap::Args;

use super::outcome::{Outcome, Report, What};
use super::{Places, items, tasks};
use crate::cli::shared::TextFormat;
use crate::cli::{CliError, Exit};
use crate::data::{DataError, DataPlaces, Dataset, DatasetOptions};
use crate::hint::Hint as _;
use crate::inventory::Item;

/// Options of `data verify`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench data verify
  kobench data verify nsmc korquad --complete --data-dir data

Exit code 1 means that a file is not what its task names; with --complete also that one is missing.")]
pub(in crate::cli) struct VerifyArgs {
    /// Tasks, by name or by the path of their files [default: all]
    #[arg(value_name = "TASK")]
    names: Vec<String>,
    /// A split that is missing is wrong too
    #[arg(long)]
    complete: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let registry = args.places.tasks.registry()?;
    let tasks = tasks(&registry, &args.names)?;
    let places = args.places.data.places();
    let mut report = Report::new(out, args.format);
    for item in items(&tasks, None, false)? {
        report.add(verify(&item, &places))?;
    }
    let (right, wrong) = (report.count(What::Right), report.count(What::Wrong));
    let missing = report.count(What::Missing);
    report.line(&format!("{right} right, {wrong} wrong, {missing} missing"))?;
    let good = wrong == 0 && !(args.complete && missing > 0);
    report.finish(good, &[])?;
    Ok(Exit::of_verdict(good))
}

fn verify(item: &Item<'_>, places: &DataPlaces) -> Outcome {
    match Dataset::open(item.task, Some(item.name), places, DatasetOptions::default()) {
        Ok(data) => {
            let info = data.info();
            Outcome::new(item, What::Right)
                .file(&info.file)
                .rows(info.rows)
                .content(None, Some(info.sha256.clone()))
                .verified(info.verified)
        }
        Err(DataError::NotFound { .. }) => Outcome::missing(item, places),
        Err(error) => Outcome::new(item, What::Wrong).message(error.to_string(), error.hint()),
    }
}
