//! Round numbers for axes, and how they are written.

use super::Axis;
use crate::report::number::grouped;

/// Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, about `count` of them, and the step between two.
pub(super) fn linear(low: f64, high: f64, count: usize) -> (Vec<f64>, f64) {
    let count = count.max(2) as f64;
    // Halves, for the whole may be more than a number can be.
    let rough = 2.0 * ((high / 2.0 - low / 2.0) / count);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(0.0);
    let first = (low / step - 1e-9).ceil();
    let room = high / step + 1e-9;
    // A step that is lost in the rounding of what it is added to gives no ticks.
    if !step.is_normal() || !first.is_finite() || first.abs() > 1e15 {
        return (Vec::new(), 0.0);
    }
    let mut ticks = Vec::new();
    let mut index = 0.0;
    while first + index <= room && ticks.len() < 100 {
        let tick = (first + index) * step;
        if tick.is_finite() {
            // `0.1 * 3` and the like: as close to the decimal as can be.
            ticks.push(if power < 1.0 {
                ((first + index) * (step / power).round()) / (1.0 / power).round()
            } else {
                tick
            });
        }
        index += 1.0;
    }
    if ticks.iter().any(|tick| !tick.is_finite()) {
        ticks = (0..ticks.len()).map(|at| (first + at as f64) * step).collect();
    }
    (ticks, step)
}

/// Powers of ten between `low` and `high` (both positive), with 2 and 5 where there is room; where even these are
/// too few, as on a linear axis.
pub(super) fn logarithmic(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = high.log10() - low.log10();
    let factors: &[f64] = if decades <= count as f64 / 2.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = ((decades / count.max(2) as f64).ceil() as i32).max(1);
    let ticks: Vec<f64> = (first..=last)
        .filter(|power| power.rem_euclid(every) == 0)
        .flat_map(|power| factors.iter().map(move |factor| decimal(*factor, power)))
        .filter(|tick| *tick >= low * 0.999_999 && *tick <= high * 1.000_001)
        .collect();
    if ticks.len() < 3 { linear(low, high, count.min(5)).0 } else { ticks }
}

/// `factor` times ten to the power; exact where a number can be.
fn decimal(factor: f64, power: i32) -> f64 {
    format!("{factor}e{power}").parse().unwrap_or(f64::NAN)
}

/// How the ticks of an axis are written: all with the same number of decimals.
pub(super) fn labels(axis: &Axis, ticks: &[f64], signed: bool) -> Vec<String> {
    // A fraction beyond 1e306 has no percentage that is a number.
    let percent = axis.percent && ticks.iter().all(|tick| (tick * 100.0).is_finite());
    let factor = if percent { 100.0 } else { 1.0 };
    let gap =
        ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs() * factor).fold(f64::MAX, f64::min);
    let own = |value: f64| decimals(value.abs() * factor);
    let needed = ticks.iter().map(|tick| own(*tick)).max().unwrap_or(0);
    let by_gap = if gap > 0.0 && gap < f64::MAX { decimals(gap) } else { needed };
    ticks
        .iter()
        .map(|tick| {
            // On a logarithmic axis each has as many as it needs.
            let places = if axis.scale == super::Scale::Log { own(*tick) } else { by_gap };
            let mut text = plain(tick * factor, places);
            if signed && *tick > 0.0 {
                text.insert(0, '+');
            }
            if percent {
                text.push('%');
            }
            text
        })
        .collect()
}

/// A value in full for a tooltip: six digits that count.
pub(super) fn value(axis: &Axis, value: f64) -> String {
    let percent = axis.percent && (100.0 * value).is_finite();
    let shown = if percent { 100.0 * value } else { value };
    let size = if shown == 0.0 { 0.0 } else { shown.abs().log10().floor() };
    let most = if percent { 2.0 } else { 5.0 };
    let places = (5.0 - size).clamp(0.0, most) as usize;
    let mut text = plain(shown, places);
    if text.contains('.') && !percent {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if percent {
        text.push('%');
    }
    text
}

/// Decimals that show the first digit of `size`, or its first two where they are no multiple of ten.
fn decimals(size: f64) -> usize {
    if !size.is_normal() {
        return 0;
    }
    (0..=5usize)
        .find(|places| {
            let scaled = size * 10f64.powi(*places as i32);
            scaled >= 0.999 && (scaled - scaled.round()).abs() < 1e-6 * scaled
        })
        .unwrap_or(5)
}

/// A number with thousands apart, a true minus, and a power of ten where it is very large or very small.
fn plain(value: f64, places: usize) -> String {
    let size = value.abs();
    let sign = if value < 0.0 { "−" } else { "" };
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        // `1.2345e-9`, as the formatter rounds it; the exponent is of the digits that are shown.
        let written = format!("{size:.2e}");
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let mantissa = digits.trim_end_matches('0').trim_end_matches('.');
        let power = superscript(exponent);
        let factor = if mantissa == "1" { String::new() } else { format!("{mantissa}×") };
        return format!("{sign}{factor}10{power}");
    }
    let text = format!("{size:.places$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let whole = match whole.parse() {
        Ok(number) if whole.len() > 3 => grouped(number),
        _ => whole.to_owned(),
    };
    let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
    let sign = if is_zero { "" } else { sign };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

fn superscript(number: &str) -> String {
    number
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4'..='9' => char::from_u32('⁴' as u32 + (c as u32 - '4' as u32)).unwrap_or(c),
            _ => '⁰',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Scale;

    fn axis(scale: Scale, percent: bool) -> Axis {
        Axis { label: String::new(), scale, percent }
    }

    fn written(low: f64, high: f64, percent: bool) -> Vec<String> {
        labels(&axis(Scale::Linear, percent), &linear(low, high, 5).0, false)
    }

    #[test]
    fn ticks_are_round_and_lie_within() {
        assert_eq!(written(0.0, 1.0, false), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(written(0.513, 0.747, true), ["55%", "60%", "65%", "70%"]);
        assert_eq!(written(-3.0, 4.0, false), ["−2", "0", "2", "4"]);
        assert_eq!(written(0.0, 12_345.0, false), ["0", "5,000", "10,000"]);
        assert_eq!(written(0.891, 0.894, true), ["89.1%", "89.2%", "89.3%", "89.4%"]);
    }

    #[test]
    fn ticks_of_a_logarithmic_axis_are_powers_of_ten_with_2_and_5() {
        let of = |low, high| labels(&axis(Scale::Log, false), &logarithmic(low, high, 8), false);
        assert_eq!(of(80.0, 12_000.0), ["100", "200", "500", "1,000", "2,000", "5,000", "10,000"]);
        assert_eq!(
            of(0.001, 1.0),
            ["0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(
            of(1.0, 1e8),
            ["1", "10", "100", "1,000", "10,000", "100,000", "1,000,000", "10⁷", "10⁸"]
        );
        assert_eq!(of(2100.0, 2900.0), ["2,200", "2,400", "2,600", "2,800"]);
    }

    #[test]
    fn any_range_has_ticks_that_are_numbers() {
        for (low, high) in [
            (1e-300, 2e-300),
            (-1e300, 1e300),
            (-f64::MAX, f64::MAX),
            (1.0, 1.0 + f64::EPSILON),
            (0.0, 0.0),
        ] {
            let (ticks, _) = linear(low, high, 5);
            assert!(
                ticks.len() < 12 && ticks.iter().all(|t| t.is_finite()),
                "{low} {high} {ticks:?}"
            );
            for label in labels(&axis(Scale::Linear, true), &ticks, true) {
                assert!(!label.contains("inf") && !label.contains("NaN"), "{label}");
            }
        }
        assert!(logarithmic(1e-300, 1e300, 6).len() <= 8);
    }

    #[test]
    fn values_of_tooltips_are_short_and_true() {
        let (percent, number) = (axis(Scale::Linear, true), axis(Scale::Linear, false));
        assert_eq!(value(&percent, 0.868_5), "86.85%");
        assert_eq!(value(&number, 10_034.2), "10,034.2");
        assert_eq!(value(&number, -0.25), "−0.25");
        assert_eq!(value(&number, 1.5e9), "1.5×10⁹");
        assert_eq!(value(&number, 0.0), "0");
    }
}
