//! Values to pixels.

use super::ticks;
use super::{Axis, Ranged, Scale};

/// How far an axis reaches, and between which pixels it lies.
#[derive(Clone, Copy)]
pub(super) struct Ruler {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    scale: Scale,
}

/// What is wanted of an axis beside its values.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// Room at both ends, as a part of the range.
    pub(super) margin: f64,
    /// A linear axis of positive values begins at zero if the least is below this part of the greatest.
    pub(super) zero_below: f64,
}

impl Reach {
    /// Some room, and zero where it is near.
    pub(super) const ROOMY: Self = Self { margin: 0.06, zero_below: 0.15 };
    /// From end to end.
    pub(super) const TIGHT: Self = Self { margin: 0.0, zero_below: 0.0 };
}

impl Ruler {
    /// An axis over these values; what cannot be drawn on it is passed over. `start` and `end` are the pixels of its
    /// least and its greatest value.
    pub(super) fn over(
        axis: &Axis,
        values: impl IntoIterator<Item = f64>,
        reach: Reach,
        (start, end): (f64, f64),
    ) -> Self {
        let scale = axis.scale;
        let drawn = values.into_iter().filter(|value| drawable(scale, *value));
        let range = drawn.fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        });
        let (low, high) = match (range, scale) {
            (Some(range), Scale::Log) => logarithmic(range, reach.margin),
            (Some(range), Scale::Linear) => linear(range, reach, axis.percent),
            (None, Scale::Log) => (1.0, 10.0),
            (None, Scale::Linear) => (0.0, 1.0),
        };
        Self { low, high, start, end, scale }
    }

    /// The same axis between other pixels.
    pub(super) fn between(self, start: f64, end: f64) -> Self {
        Self { start, end, ..self }
    }

    /// Where a value is; none for what cannot be drawn.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        if !drawable(self.scale, value) {
            return None;
        }
        let share = match self.scale {
            Scale::Log => {
                let low = self.low.log10();
                (value.log10() - low) / (self.high.log10() - low)
            }
            // Halves, for the whole may be more than a number can be.
            Scale::Linear => (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0),
        };
        // What lies outside stays outside, but not by much.
        Some(self.start + (self.end - self.start) * share.clamp(-0.5, 1.5))
    }

    /// The pixel of a value, or the start of the axis for one that it does not reach (zero, on a logarithmic one).
    pub(super) fn at_or_start(&self, value: f64) -> f64 {
        self.at(value).unwrap_or(self.start)
    }

    /// About `count` ticks: pixel and text of each.
    pub(super) fn ticks(&self, axis: &Axis, count: usize, signed: bool) -> Vec<(f64, String)> {
        let values = match self.scale {
            Scale::Linear => ticks::linear(self.low, self.high, count).0,
            Scale::Log => ticks::logarithmic(self.low, self.high, count),
        };
        // A range too narrow for round numbers has its ends written.
        let values = if values.is_empty() { vec![self.low, self.high] } else { values };
        let labels = ticks::labels(axis, &values, signed);
        values
            .iter()
            .zip(labels)
            .filter_map(|(value, text)| Some((self.at(*value)?, text)))
            .collect()
    }

    /// As [`Ruler::ticks`] on a line from left to right, as many as have room beside each other.
    pub(super) fn ticks_in_a_row(&self, axis: &Axis, signed: bool) -> Vec<(f64, String)> {
        let length = (self.end - self.start).abs();
        for count in [10, 8, 6, 5, 4, 3, 2] {
            let ticks = self.ticks(axis, count, signed);
            let fits = |pair: &[(f64, String)]| {
                let width = |text: &str| super::text::width(text, super::style::TextSize::Small);
                let needed = width(&pair[0].1) / 2.0 + width(&pair[1].1) / 2.0 + 14.0;
                (pair[1].0 - pair[0].0).abs() >= needed
            };
            if ticks.windows(2).all(fits) && length / ticks.len().max(1) as f64 >= 48.0 {
                return ticks;
            }
        }
        // At least the ends are apart.
        let mut ticks = self.ticks(axis, 2, signed);
        ticks.truncate(1);
        ticks
    }
}

impl Ranged {
    /// The value and the ends of its interval.
    pub(super) fn all(&self) -> impl Iterator<Item = f64> + use<> {
        [Some(self.value), self.low, self.high].into_iter().flatten()
    }

    /// The value and its interval, for a tooltip.
    pub(super) fn text(&self, axis: &Axis) -> String {
        let value = ticks::value(axis, self.value);
        match (self.low, self.high) {
            (Some(low), Some(high)) if low.is_finite() && high.is_finite() => {
                format!("{value} [{}, {}]", ticks::value(axis, low), ticks::value(axis, high))
            }
            _ => value,
        }
    }
}

/// Whether a value can be drawn on such an axis.
pub(super) fn drawable(scale: Scale, value: f64) -> bool {
    value.is_finite() && (scale == Scale::Linear || value >= f64::MIN_POSITIVE)
}

fn linear((low, high): (f64, f64), reach: Reach, percent: bool) -> (f64, f64) {
    let bound = |value: f64| value.clamp(f64::MIN, f64::MAX);
    let range = high / 2.0 - low / 2.0;
    // A range in which numbers cannot be told apart is as none.
    let size = low.abs().max(high.abs());
    if range <= size * 1e-13 || !range.is_normal() {
        let room = if size > 1e-290 { size * 0.05 } else { 1.0 };
        return (bound(low - room), bound(high + room));
    }
    let from_zero = low >= 0.0 && low < reach.zero_below * high;
    let room = 2.0 * reach.margin * range;
    let mut start = if from_zero { 0.0 } else { bound(low - room) };
    let mut end = bound(high + room);
    // Parts of a whole do not go beyond it.
    if percent && low >= 0.0 {
        start = start.max(0.0);
    }
    if percent && high <= 1.0 && low >= 0.0 {
        end = end.min(1.0 + 0.2 * room);
    }
    (start, end)
}

fn logarithmic((low, high): (f64, f64), margin: f64) -> (f64, f64) {
    let bound = |value: f64| value.clamp(f64::MIN_POSITIVE, f64::MAX);
    let ratio = high.log10() - low.log10();
    let factor = if ratio < 1e-12 { 2.0 } else { 10f64.powf(margin * ratio) };
    let (start, end) = (bound(low / factor), bound(high * factor));
    // At the ends of what a number can be there is no room on one side.
    if start < end { (start, end) } else { (bound(low / 2.0), bound(high * 2.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(scale: Scale, percent: bool) -> Axis {
        Axis { label: String::new(), scale, percent }
    }

    #[test]
    fn values_lie_in_proportion_and_what_cannot_be_drawn_nowhere() {
        let linear =
            Ruler::over(&axis(Scale::Linear, false), [1.0, 3.0], Reach::TIGHT, (0.0, 100.0));
        assert_eq!([1.0, 2.0, 3.0].map(|v| linear.at(v)), [Some(0.0), Some(50.0), Some(100.0)]);
        assert_eq!((linear.at(f64::NAN), linear.at(f64::INFINITY)), (None, None));
        let log = Ruler::over(
            &axis(Scale::Log, false),
            [0.0, -2.0, 1.0, 100.0],
            Reach::TIGHT,
            (100.0, 0.0),
        );
        assert_eq!((log.at(10.0), log.at(0.0), log.at_or_start(0.0)), (Some(50.0), None, 100.0));
    }

    #[test]
    fn percentages_have_no_room_below_zero() {
        let ruler = Ruler::over(&axis(Scale::Linear, true), [0.01, 0.9], Reach::ROOMY, (0.0, 1.0));
        assert_eq!(ruler.low, 0.0);
        assert!(ruler.high < 1.0);
    }

    #[test]
    fn any_values_make_an_axis() {
        let extremes = [0.0, -0.0, 5e-324, 1e-300, -1e300, f64::MAX, f64::MIN, 1.0, f64::NAN];
        for scale in [Scale::Linear, Scale::Log] {
            for a in extremes {
                for b in extremes {
                    let ruler = Ruler::over(&axis(scale, true), [a, b], Reach::ROOMY, (0.0, 100.0));
                    assert!(ruler.low < ruler.high && ruler.low.is_finite(), "{a} {b}");
                    let at: Vec<f64> = [a, b].iter().filter_map(|v| ruler.at(*v)).collect();
                    assert!(
                        at.iter().all(|x| (-1.0..=101.0).contains(x)),
                        "{scale:?} {a} {b} {at:?}"
                    );
                    for (x, _) in ruler.ticks_in_a_row(&axis(scale, true), true) {
                        assert!((-1.0..=101.0).contains(&x), "{a} {b} {x}");
                    }
                }
            }
        }
    }
}
