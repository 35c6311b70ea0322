//! A series in a few characters.

use crate::history::Series;

/// From the lowest to the highest.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values that are shown; of longer series the last.
const MOST: usize = 30;

/// A block a run, as high as its value among those shown, with a bar at each change; an ellipsis where older runs are
/// left out.
pub(super) fn sparkline(series: &Series) -> String {
    let first = series.points.len().saturating_sub(MOST);
    let shown = series.points.get(first..).unwrap_or_default();
    let values = || shown.iter().map(|point| point.value);
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
    let mut line = String::from(if first > 0 { "…" } else { "" });
    for (index, value) in values().enumerate() {
        if index > 0 && series.changes.iter().any(|change| change.at == first + index) {
            line.push('|');
        }
        let top = (BLOCKS.len() - 1) as f64;
        // All equal: in the middle.
        let height = if high > low { top * (value - low) / (high - low) } else { 3.0 };
        line.push(BLOCKS[(height.round() as usize).min(BLOCKS.len() - 1)]);
    }
    line
}
