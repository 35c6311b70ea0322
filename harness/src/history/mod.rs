//! Numbers over many runs: how they went, and where they moved.
//!
//! Cells of several runs are joined by their key into a series for each metric, measurements of speed by key, scenario
//! and settings into a series for each measure ([`crate::record::BenchRecord`], the median of its repetitions). What
//! makes numbers incomparable parts them: the data, its part, the limit on rows, the longest sequence, and for speeds
//! the device, its precision and threads. A [`Series::variant`] says which it is where there are several. Precision,
//! device, threads and options of a cell do not part a metric's series, for a change of them is a reason why a number
//! moved, unless one run holds cells of several.
//!
//! [`changes()`] says by which test a series is found to have moved, [`trend()`] how its last stretch goes on.

mod changes;
mod error;
mod inputs;
mod latest;
mod options;
mod outcome;
mod read;
mod series;
mod trend;

pub use changes::{ALPHA, Break, Observed, changes};
pub use error::HistoryError;
pub use latest::regressions;
pub use options::{HistoryOptions, MetricFilter, SPEED_MEASURES};
pub use outcome::{Change, History, HistoryRun, Point, Series, Trend};
pub use read::find_runs;
pub use trend::{MIN_TREND, trend};

use std::path::PathBuf;

/// The version of [`History`]; it changes when a field changes its meaning or goes.
pub const HISTORY_VERSION: u32 = 1;

/// Reads runs and says how their numbers went. `runs` are run directories, or folders of such ([`find_runs`]).
///
/// # Errors
/// [`HistoryError`]: a path that holds no run, a damaged record, a model, task or metric that no run has.
pub fn history(runs: &[PathBuf], options: &HistoryOptions) -> Result<History, HistoryError> {
    let runs = read::read(&find_runs(runs)?)?;
    options.check(&runs)?;
    let (mut series, notes) = series::series(&runs, options);
    if options.changes_only {
        series.retain(|series| !series.changes.is_empty());
    }
    let runs = runs.into_iter().map(|run| run.about).collect();
    Ok(History { schema_version: HISTORY_VERSION, runs, series, notes })
}
