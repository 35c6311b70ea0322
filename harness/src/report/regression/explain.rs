//! What an inconclusive verdict means, and what would mend it.

use super::super::number::{grouped, metric_text};
use super::line::Line;
use super::words;
use crate::compare::{CellComparison, MetricComparison, SpeedComparison};

/// What the word means, in one sentence.
pub(crate) const INCONCLUSIVE: &str = "inconclusive: the interval of the difference reaches beyond the margin, but not all of it lies there, so that \
    neither \"worse\" nor \"not worse\" can be said with this confidence";

/// The factor by which rows or repetitions must grow until an equally good new side would pass with a probability of 80%.
///
/// `detectable` is `margin + (z_confidence + z_power) * SE`, and an equal side passes so often once
/// `(z_confidence + z_power) * SE` is the margin; SE shrinks with the root of the rows. None where no number of rows would do.
fn growth(detectable: f64, margin: f64) -> Option<f64> {
    let factor = ((detectable - margin) / margin).powi(2);
    (margin > 0.0 && factor.is_finite()).then_some(factor)
}

/// What an inconclusive line needs, in one sentence.
pub(super) fn remedy(line: &Line<'_>) -> String {
    match line {
        Line::Metric(cell, metric) => of_metric(cell, metric),
        Line::Speed(speed) => of_speed(speed),
        Line::Failed(cell) => cell.reason.clone().unwrap_or_default(),
    }
}

fn of_metric(cell: &CellComparison, metric: &MetricComparison) -> String {
    let text = |value| metric_text(&metric.metric, value);
    let unit = words::unit(&metric.metric);
    let found = format!(
        "with {} rows a loss is found from {} {unit} on",
        grouped(cell.n),
        text(metric.minimum_detectable)
    );
    match growth(metric.minimum_detectable, metric.margin) {
        Some(factor) if factor > 1.0 => format!(
            "{found}; about {} rows would show within {} {unit} that an equal model is no worse",
            grouped(rounded(factor * cell.n as f64)),
            text(metric.margin)
        ),
        Some(_) => format!(
            "{found}; the difference is close to the margin of {} {unit}",
            text(metric.margin)
        ),
        None => format!("{found}; a margin above 0 is needed before any number of rows can pass"),
    }
}

fn of_speed(speed: &SpeedComparison) -> String {
    let Some(detectable) = speed.minimum_detectable else {
        return "measured without repetitions; `kobench bench` measures with them, and with --against in turns on one machine"
            .to_owned();
    };
    let found = format!("a loss is found from {:.1}% on", 100.0 * detectable);
    let repetitions = speed.base.repetitions.min(speed.new.repetitions);
    match growth(detectable, speed.margin) {
        Some(factor) if factor > 1.0 => {
            let needed = (factor * repetitions as f64).ceil() as u64;
            format!("{found}; about {} repetitions would do, or a quieter machine", grouped(needed))
        }
        _ => format!(
            "{found}; the difference is close to the margin of {:.1}%",
            100.0 * speed.margin
        ),
    }
}

/// Two significant digits, upwards: it is an estimate.
fn rounded(number: f64) -> u64 {
    let step = 10_f64.powf((number.max(1.0).log10().floor() - 1.0).max(0.0));
    ((number / step).ceil() * step) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_grow_with_the_square() {
        // SE is half as large with four times the rows: 3 margins above the margin need nine times as many.
        assert_eq!(growth(0.04, 0.01).map(f64::round), Some(9.0));
        assert_eq!(growth(0.04, 0.0), None);
        assert_eq!((rounded(10_712.0), rounded(7.2), rounded(0.0)), (11_000, 8, 0));
    }
}
