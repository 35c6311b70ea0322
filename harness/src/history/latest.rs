//! What a gate looks at.

use super::{Change, History, Series};

/// The series that got worse with their last change, where that began within the latest `runs` runs.
///
/// Values that repeat exactly can be seen to have moved in the very run in which they did; of a noisy series some runs
/// must follow (five of ten at least), so that a gate for those needs to look back as far.
pub fn regressions(history: &History, runs: usize) -> Vec<(&Series, &Change)> {
    let first = history.runs.len().saturating_sub(runs);
    let is_recent = |series: &Series, change: &Change| {
        series.points.get(change.at).is_some_and(|point| point.run >= first)
    };
    (history.series.iter())
        .filter_map(|series| Some((series, series.changes.last()?)))
        .filter(|(series, change)| !change.is_better && is_recent(series, change))
        .collect()
}
