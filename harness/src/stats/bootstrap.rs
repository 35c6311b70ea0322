//! The percentile bootstrap.

use rayon::prelude::*;

use super::{Random, Resampler, Weighted};

/// The work of a bootstrap at most, in draws of one unit; about a second on two cores.
const MAX_WORK: u64 = 1_000_000_000;
/// Resamples that are made whatever the work; below, the ends of an interval would be rough.
const MIN_RESAMPLES: u32 = 1000;

/// An interval from resampling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// 2.5% of the resamples' values (in general half of what is left to the confidence) are below it.
    pub low: f64,
    /// As many are above it.
    pub high: f64,
    /// Resamples that it is from: those on which the metric is defined.
    pub resamples: u32,
    /// Whether all of them gave the same value, so that the interval says nothing.
    pub degenerate: bool,
}

/// The 95% percentile interval over at most `resamples` resamples of the units; none where the metric is
/// defined on none of them.
///
/// Where there are so many units that this takes long, fewer resamples are made: at least 1,000, and as
/// many as the work of 10^9 draws allows. Resample `i` follows from `seed` and `i` alone, so the result is
/// the same on any number of threads. Percentiles are interpolated linearly between order statistics.
///
/// B. Efron and R. Tibshirani, "An introduction to the bootstrap" (1993), chapter 13.
pub fn bootstrap_95(statistic: &impl Weighted, seed: u64, resamples: u32) -> Option<Interval> {
    let affordable = u32::try_from(MAX_WORK / statistic.effort().max(1)).unwrap_or(u32::MAX);
    bootstrap(statistic, seed, resamples.min(affordable.max(MIN_RESAMPLES)), 0.025)
}

/// As [`bootstrap_95`], with exactly so many resamples, and `tail` of them beyond either end.
pub fn bootstrap(
    statistic: &impl Weighted,
    seed: u64,
    resamples: u32,
    tail: f64,
) -> Option<Interval> {
    let resampler = Resampler::new(statistic.multiplicities());
    let groups = statistic.multiplicities().len();
    let mut values: Vec<f64> = (0..resamples)
        .into_par_iter()
        .with_min_len(16)
        .map_init(
            || (vec![0; groups], Vec::new()),
            |(weights, scratch), i| {
                resampler.draw(&mut Random::stream(seed, u64::from(i)), weights);
                statistic.value(weights, scratch)
            },
        )
        .flatten_iter()
        .collect();
    values.par_sort_unstable_by(f64::total_cmp);
    let (first, last) = (*values.first()?, *values.last()?);
    Some(Interval {
        low: quantile(&values, tail),
        high: quantile(&values, 1.0 - tail),
        resamples: values.len() as u32,
        degenerate: first == last,
    })
}

/// The quantile of sorted values, interpolated linearly between order statistics (type 7 of Hyndman and
/// Fan, The American Statistician 50 (1996), numpy's default); NaN of none.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = p * last as f64;
    let below = (at.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below], sorted[above]);
    // Exact where both are equal.
    if low == high { low } else { low + (at - below as f64) * (high - low) }
}

#[cfg(test)]
mod tests {
    use super::super::Grouped;
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8, 16], [0, 0.025, 0.3, 0.975, 1])
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (p, expected) in [(0.0, 1.0), (0.025, 1.1), (0.3, 2.4), (0.975, 15.2), (1.0, 16.0)] {
            assert!((quantile(&values, p) - expected).abs() < 1e-12);
        }
        assert_eq!(quantile(&[3.0], 0.975), 3.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let few = Grouped::new(1, 5000, None, |row, entries| entries.push((0, (row % 7) as f64)));
        let many =
            Grouped::new(1, 500, None, |row, entries| entries.push((0, (row as f64).sqrt())));
        for grouped in [&few, &many] {
            let statistic = grouped.of_sums(|sums| Some(sums[0]));
            let on = |threads| {
                let pool =
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                pool.install(|| bootstrap_95(&statistic, 42, 2000)).expect("an interval")
            };
            let alone = on(1);
            assert_eq!((alone, alone), (on(2), on(5)));
            assert_ne!(Some(alone), bootstrap_95(&statistic, 43, 2000));
        }
    }

    #[test]
    fn undefined_resamples_are_left_out_and_counted() {
        let two = Grouped::new(2, 2, None, |row, entries| entries.push((row as u32, 1.0)));
        let both = two.of_sums(|sums| (sums[0] == sums[1]).then_some(0.5));
        let interval = bootstrap_95(&both, 0, 1000).expect("an interval");
        assert!((400..600).contains(&interval.resamples) && interval.degenerate);
        assert_eq!(bootstrap_95(&two.of_sums(|_| None), 0, 100), None);
    }
}
