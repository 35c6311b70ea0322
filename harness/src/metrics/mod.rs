//! Metrics, each under its one name, a file a family.
//!
//! A run and `kobench score` both call [`evaluate`], so the same predictions give the same bits.
//!
//! Each metric is a function of sufficient statistics that add up over rows (`stats::Grouped`), or of ranks
//! under weights; its interval comes from the same function (`scoring.rs`).

mod answers;
mod auroc;
mod batches;
mod classes;
mod classification;
mod correlation;
mod entities;
mod error;
mod f1;
mod fits;
mod log_loss;
mod metric;
mod normalise;
mod observations;
mod paired;
mod regression;
mod scoring;

pub use answers::AnswerScores;
pub use error::MetricError;
pub use metric::Metric;
pub use normalise::normalise_answer;
pub use observations::{IntervalOptions, LabelObservations, Observations, ScoreRows};
pub use paired::{Estimate, IntervalMethod, POWER, Paired, PairedRows, TestMethod};
pub use scoring::Scores;

use crate::stats::Clusters;
use crate::task::{Label, Task};
use scoring::Scoring;

/// Scores what a task's metrics ask for. `labels` are the data set's; rows of one cluster (one number a
/// row) share a source, so that intervals resample clusters, not rows.
///
/// Metrics that need the model's scores are left out where there are none, and named in
/// [`Scores::notes`].
///
/// # Errors
/// [`MetricError`], when gold and predictions differ in length, hold an index beyond the labels or a number
/// that is not finite, are empty, or a metric makes no sense for them.
pub fn evaluate(
    task: &Task,
    labels: &[Label],
    observations: &Observations<'_>,
    clusters: Option<&[u32]>,
    intervals: &IntervalOptions,
) -> Result<Scores, MetricError> {
    let rows = observations.len();
    if rows == 0 {
        return Err(MetricError::Empty);
    }
    // Resampling counts units by u32.
    if u32::try_from(rows).is_err() {
        return Err(MetricError::TooMany { rows });
    }
    if let Some(clusters) = clusters.filter(|clusters| clusters.len() != rows) {
        return Err(MetricError::Clusters { clusters: clusters.len(), rows });
    }
    if intervals.resamples == 0 {
        return Err(MetricError::NoResamples);
    }
    for metric in &task.metrics {
        metric
            .fits(observations.kind(), task)
            .map_err(|reason| MetricError::Unfit { metric: metric.name(), reason })?;
    }
    let mut scoring = Scoring {
        task,
        labels,
        clusters: clusters.map(Clusters::new),
        intervals,
        scores: Scores { n: rows as u64, ..Scores::default() },
    };
    match observations {
        Observations::Labels(rows) => classification::score(&mut scoring, rows)?,
        Observations::Values { gold, predicted } => {
            regression::score(&mut scoring, gold, predicted)?;
        }
        Observations::Tags { gold, predicted } => entities::score(&mut scoring, gold, predicted)?,
        Observations::Answers { gold, predicted } => answers::score(&mut scoring, gold, predicted)?,
    }
    Ok(scoring.scores)
}

#[cfg(test)]
mod tests;
