//! `kobench sweep`: trains with every combination of settings, or with some drawn at random, and ranks them by the
//! development metric.

use std::io::Write;

use super::run;
use super::{CliError, Exit};
use crate::error::Error;
use crate::recipe::Override;
use crate::report::{Look, render_sweep};

const EXAMPLES: &str = "\
Examples:
  kobench sweep -m kcbert-base -t nsmc --set learning_rate=1e-5,3e-5,5e-5 --set batch_size=16,32
  kobench sweep -m koelectra-base-v3 -t korsts --recipe generation-b --set epochs=5,10 --seed 1,2,3
  kobench sweep -m kcbert-demo -t nsmc --set learning_rate=log:1e-5..1e-3 --set batch_size=uniform:8..64 --trials 20

Settings are ranked by the metric on the development rows alone, with each model's checkpoint chosen on them too
(--select best-on-dev) unless --select says otherwise. The score on the reported split stands beside it; choosing
by it would flatter.";

/// Options of `sweep`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Draw so many points at random, in place of every combination; ranges (`log:A..B`, `uniform:A..B`) need it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    trials: Option<u32>,
    /// What the points that are drawn follow from.
    #[arg(long, value_name = "N", default_value_t = 42)]
    search_seed: u64,
    #[command(flatten)]
    run: run::Args,
}

/// Runs the sweep.
pub(super) fn run(args: &Args, look: &Look, out: &mut dyn Write) -> Result<Exit, CliError> {
    let fine_tune = &args.run.fine_tune;
    let suite = run::suite_training(&args.run)?;
    let grid = fine_tune.grid(suite.as_ref(), args.run.max_seq_len)?;
    let mut points = match args.trials {
        Some(trials) => grid.draw(trials, args.search_seed)?,
        None => grid.points()?,
    };
    if points.len() < 2 {
        return Err(CliError::usage(
            "there is one point, and nothing to rank",
            "give several values: --set learning_rate=1e-5,3e-5, or a range with --trials N",
        ));
    }
    if !grid.keys().any(|key| key == "select") {
        let by_dev = Override::parse("select=best_on_dev")?;
        points.iter_mut().for_each(|point| point.push(by_dev.clone()));
    }
    // Two draws of the same point are one.
    let mut seen = Vec::new();
    points.retain(|point| {
        let is_new = !seen.contains(point);
        seen.push(point.clone());
        is_new
    });
    let finished =
        run::finish(&args.run, Some(fine_tune.training(suite.as_ref(), points)?), "sweep")?;
    let table = render_sweep(&finished.cells, args.run.format, look)?;
    out.write_all(table.as_bytes()).map_err(Error::from)?;
    Ok(Exit::of_verdict(finished.all_done()))
}
