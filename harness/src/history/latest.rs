//! What a gate looks at.

use super::{Change, History, Series};

/// The series that got worse with their last change by more than `margin`, where that began within the latest `runs`
/// runs. The margin is in points for fractions, in percent of the value before for all others.
///
/// Values that repeat exactly can be seen to have moved in the very run in which they did; of a noisy series some runs
/// must follow (five of ten at least), so that a gate for those needs to look back as far.
pub fn regressions(history: &History, runs: usize, margin: f64) -> Vec<(&Series, &Change)> {
    let first = history.runs.len().saturating_sub(runs);
    let is_recent = |series: &Series, change: &Change| {
        series.points.get(change.at).is_some_and(|point| point.run >= first)
    };
    (history.series.iter())
        .filter_map(|series| Some((series, series.changes.last()?)))
        .filter(|(series, change)| !change.is_better && is_recent(series, change))
        .filter(|(series, change)| size(series, change) > margin)
        .collect()
}

/// How much a series moved, without its direction, in points or percent.
fn size(series: &Series, change: &Change) -> f64 {
    let difference = 100.0 * (change.after - change.before).abs();
    // What was 0 before has moved by more than any margin.
    if series.is_fraction { difference } else { difference / change.before.abs() }
}
