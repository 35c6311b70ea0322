//! Changes of a series whose values come out exactly the same run after run.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{ALPHA, Break, Observed};

/// Equal values that a change needs before it: below, nothing says that the series repeats.
const MIN_BEFORE: usize = 3;

/// Some values in a row that are equal.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: usize,
    len: usize,
    /// Whether its value is met in no other stretch.
    unique: bool,
}

/// The changes of a series that repeats: with one step that is not exactly 0, or at least four of five that are; none of
/// other series.
///
/// A step is a change where one of its sides stands by itself, or where it is larger than the intervals allow:
///
/// - *Stands by itself*: let one value make up j of n runs, all of them in a row. If it came up in each run with the
///   same chance whatever the others, the chance of that would be at most `s j^j (n - j)^(n - j) / n^n` (the likelihood
///   at its maximum, the chance j/n), where s counts the places at which such a stretch can stand: 1 at an end of the
///   series, 2 (n - j + 1) inside it, double for what else it could have been looked at for. One new value after 7 equal
///   ones has 0.049, two after 3 have 0.035; one odd run among 20 is none.
/// - *Larger than the intervals allow*: after [`MIN_BEFORE`] equal values, a difference with a two-sided p-value below
///   5% when its standard error is made of the two intervals (`half width / 1.96`), times the number of steps. The
///   rows are the same on both sides, so that this errs on the safe side; `kobench compare` looks at them in pairs.
pub(super) fn steps(series: &[Observed]) -> Vec<Break> {
    let stretches = stretches(series);
    let moves = stretches.len().saturating_sub(1);
    if moves == 0 || (moves > 1 && 5 * moves > series.len() - 1) {
        return Vec::new();
    }
    let step = |pair: &[Stretch]| {
        let [before, after] = pair else { return None };
        let (at, n) = (after.from, series.len());
        if at < MIN_BEFORE {
            return None;
        }
        let alone = neatness(before, n).min(neatness(after, n));
        let beyond = (before.len >= MIN_BEFORE)
            .then(|| beyond_intervals(&series[at - 1], &series[at]))
            .flatten()
            .map_or(1.0, |p| p * moves as f64);
        let p_value = alone.min(beyond).min(1.0);
        (p_value < ALPHA).then_some(Break { at, p_value })
    };
    stretches.windows(2).filter_map(step).collect()
}

fn stretches(series: &[Observed]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (index, observed) in series.iter().enumerate() {
        match stretches.last_mut() {
            Some(last) if series[last.from].value == observed.value => last.len += 1,
            _ => stretches.push(Stretch { from: index, len: 1, unique: true }),
        }
    }
    let values: Vec<f64> = stretches.iter().map(|stretch| series[stretch.from].value).collect();
    for (stretch, value) in stretches.iter_mut().zip(&values) {
        stretch.unique = values.iter().filter(|other| *other == value).count() == 1;
    }
    stretches
}

/// An upper bound of the chance that all runs with a stretch's value stand in a row.
fn neatness(stretch: &Stretch, n: usize) -> f64 {
    if !stretch.unique {
        return 1.0;
    }
    let at_an_end = stretch.from == 0 || stretch.from + stretch.len == n;
    let places = if at_an_end { 1 } else { 2 * (n - stretch.len + 1) };
    let log_power = |count: usize| {
        let count = count as f64;
        if count > 0.0 { count * (count / n as f64).ln() } else { 0.0 }
    };
    places as f64 * (log_power(stretch.len) + log_power(n - stretch.len)).exp()
}

/// The two-sided p-value of two values with these intervals being the same; none where neither interval has a width.
fn beyond_intervals(a: &Observed, b: &Observed) -> Option<f64> {
    let normal = Normal::standard();
    let width = |observed: &Observed| observed.interval.map(|(low, high)| (high - low).abs());
    let error = width(a)?.hypot(width(b)?) / 2.0 / normal.inverse_cdf(0.975);
    let p = 2.0 * normal.sf((a.value - b.value).abs() / error);
    (error > 0.0).then_some(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(values: &[f64], half_width: Option<f64>) -> Vec<Observed> {
        let interval = |value: f64| half_width.map(|half| (value - half, value + half));
        values.iter().map(|&value| Observed { value, interval: interval(value) }).collect()
    }

    fn places(values: &[f64], half_width: Option<f64>) -> Vec<usize> {
        steps(&observed(values, half_width)).iter().map(|found| found.at).collect()
    }

    #[test]
    fn a_new_value_after_many_equal_ones_is_a_change() {
        let mut values = vec![0.86; 7];
        assert!(places(&values, None).is_empty());
        values.push(0.8601);
        assert_eq!(places(&values, None), [7]);
        // After six it might be chance, and two of it after three are none.
        assert!(places(&values[1..], None).is_empty());
        assert_eq!(places(&[0.8, 0.8, 0.8, 0.9, 0.9], None), [3]);
        // 7**7 / 8**8 in Python.
        let p = steps(&observed(&values, None))[0].p_value;
        assert!((p - 0.049_086_987_972_259_52).abs() < 1e-12, "{p}");
    }

    #[test]
    fn one_odd_run_is_none_and_a_fault_that_was_mended_is_two() {
        let mut values = vec![0.5; 21];
        values[10] = 0.4;
        assert!(places(&values, None).is_empty());
        for value in &mut values[10..13] {
            *value = 0.4;
        }
        assert_eq!(places(&values, None), [10, 13]);
        // Each level of a staircase is met once.
        let stairs = [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0];
        assert_eq!(places(&stairs, None), [5, 9]);
    }

    #[test]
    fn few_runs_suffice_beyond_the_intervals() {
        let values = [0.86, 0.86, 0.86, 0.80];
        assert!(places(&values, None).is_empty());
        assert_eq!(places(&values, Some(0.015)), [3]);
        assert!(places(&values, Some(0.05)).is_empty());
        // 2 * scipy.stats.norm.sf(0.06 / (math.hypot(0.015, 0.015) / scipy.stats.norm.ppf(0.975)))
        let p = steps(&observed(&values, Some(0.015)))[0].p_value;
        assert!((p / 2.962_894_195_344_728e-8 - 1.0).abs() < 1e-6, "{p}");
        // An interval without a width says nothing.
        assert!(places(&values, Some(0.0)).is_empty());
    }

    #[test]
    fn series_that_do_not_repeat_are_left_to_their_ranks() {
        assert!(places(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 3.0], None).is_empty());
        assert!(places(&[], None).is_empty() && places(&[1.0], None).is_empty());
    }

    /// Every series of two values, weighted by how likely it is when one of them has some constant chance: the share in
    /// which a step is found, for the chance at which it is largest.
    #[test]
    fn two_values_at_random_rarely_look_like_a_step() {
        for n in 4..=13_usize {
            let mut found = vec![0_u32; n + 1];
            for bits in 0..1_u32 << n {
                let value = |place: usize| f64::from((bits >> place) & 1);
                let values: Vec<f64> = (0..n).map(value).collect();
                if !places(&values, None).is_empty() {
                    found[bits.count_ones() as usize] += 1;
                }
            }
            let share = |chance: f64| -> f64 {
                let power = |count: usize| {
                    chance.powi(count as i32) * (1.0 - chance).powi((n - count) as i32)
                };
                found
                    .iter()
                    .enumerate()
                    .map(|(count, series)| f64::from(*series) * power(count))
                    .sum()
            };
            let worst =
                (1..100).map(|percent| share(f64::from(percent) / 100.0)).fold(0.0, f64::max);
            println!("n = {n}: {:.2}%", 100.0 * worst);
            // Of fewer than twelve runs one in sixteen at worst, from there on less than one in twenty.
            assert!(worst < if n < 12 { 0.065 } else { ALPHA }, "{n}: {worst}");
        }
    }
}
