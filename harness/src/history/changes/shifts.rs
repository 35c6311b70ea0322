//! Changes of a noisy series, by ranks and permutations.

use std::ops::Range;

use super::{ALPHA, Break};
use crate::stats::{Random, average_ranks};

/// Values below which no order of them is rare enough: ten in two parts of five have p = 0.016, nine at best 0.063.
const MIN_VALUES: usize = 10;

/// Values between two changes, and before the first and after the last, at least: fewer are outliers, not a level.
const MIN_STRETCH: usize = 3;

/// Permutations of a p-value at most; the smallest that is reported is 0.001.
const PERMUTATIONS: u32 = 1999;

/// Ends of inner stretches that are looked at; of longer series only so many, evenly spaced.
const MAX_ENDS: usize = 200;

/// What permutations follow from.
const SEED: u64 = 0x0068_6973_746f_7279;

/// The changes, by binary segmentation with two statistics on the ranks of a part's n values (midranks for ties):
///
/// - *One shift*: the largest `|U - E U| / sd U` over all splits of the part in two, with Mann and Whitney's U.
///   A. N. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979), 126-135,
///   standardised, so that changes near the ends are found too.
/// - *There and back*: the same over all stretches inside the part, each against the rest, for one split does not see a
///   fault that was mended. A. B. Olshen and others, "Circular binary segmentation for the analysis of array-based DNA
///   copy number data", Biostatistics 5 (2004), 557-572, with ranks for means.
///
/// The p-value of each is `(1 + permutations as extreme) / (1 + permutations)` (B. Phipson and G. Smyth, Statistical
/// Applications in Genetics and Molecular Biology 9 (2010), article 39), stopped where it can no longer be small (J. Besag
/// and P. Clifford, Biometrika 78 (1991), 301-304); a part's is twice the smaller of the two. Where it is below 5%, the
/// part is cut there, and its pieces are looked at in the same way, with p-values times the number of parts that are
/// looked at in that round. The second is asked only where the first says nothing. No cut leaves fewer than
/// [`MIN_STRETCH`] values on a side, and ranks make single outliers harmless, however far off they are.
pub(super) fn shifts(values: &[f64]) -> Vec<Break> {
    let mut found: Vec<Break> = Vec::new();
    let mut parts: Vec<Range<usize>> = std::iter::once(0..values.len()).collect();
    loop {
        parts.retain(|part| part.len() >= MIN_VALUES);
        let looked_at = parts.len() as f64;
        let mut pieces = Vec::new();
        for part in &parts {
            let Some((cuts, p)) = Part::new(&values[part.clone()]).and_then(|p| p.shift(looked_at))
            else {
                continue;
            };
            let mut from = part.start;
            for cut in cuts {
                let at = part.start + cut;
                found.push(Break { at, p_value: p });
                pieces.push(from..at);
                from = at;
            }
            pieces.push(from..part.end);
        }
        if pieces.is_empty() {
            break;
        }
        parts = pieces;
    }
    found.sort_by_key(|found| found.at);
    found
}

/// The values of a part as ranks less their mean, and what sums of them are divided by.
struct Part {
    ranks: Vec<f64>,
    /// `1 / (l (n - l))` by l: the variance of the sum of l ranks, up to a factor that all orders share.
    scale: Vec<f64>,
    /// Sums of the first so many ranks, of the order that is looked at.
    sums: Vec<f64>,
    /// How far apart the ends of inner stretches are.
    spacing: usize,
}

/// The largest of the two statistics, squared, and where they are.
#[derive(Debug, Clone, Copy, Default)]
struct Extremes {
    split: f64,
    at: usize,
    inner: f64,
    between: (usize, usize),
}

impl Part {
    /// None where all values are equal.
    fn new(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let mean = (n as f64 + 1.0) / 2.0;
        let ranks: Vec<f64> = average_ranks(values).into_iter().map(|rank| rank - mean).collect();
        let scale =
            (0..=n).map(|l| if l == 0 || l == n { 0.0 } else { 1.0 / (l * (n - l)) as f64 });
        ranks.iter().any(|rank| *rank != 0.0).then(|| Self {
            scale: scale.collect(),
            sums: vec![0.0; n + 1],
            spacing: n.div_ceil(MAX_ENDS),
            ranks,
        })
    }

    /// The cuts and their p-value, where it is below [`ALPHA`] with so many parts looked at.
    fn shift(mut self, looked_at: f64) -> Option<(Vec<usize>, f64)> {
        let n = self.ranks.len();
        let seen = self.extremes();
        let mut random = Random::stream(SEED, n as u64);
        let share = ALPHA / (2.0 * looked_at);
        // As many extreme permutations as this, and the p-value is too large.
        let hopeless = (share * f64::from(PERMUTATIONS + 1)).ceil() as u32;
        let (mut split, mut inner) = (1_u32, 1_u32);
        for _ in 0..PERMUTATIONS {
            shuffle(&mut self.ranks, &mut random);
            let other = self.extremes();
            split += u32::from(other.split >= seen.split);
            inner += u32::from(other.inner >= seen.inner);
            if split.min(inner) > hopeless {
                return None;
            }
        }
        let of = |extreme: u32| 2.0 * looked_at * f64::from(extreme) / f64::from(PERMUTATIONS + 1);
        // One shift is the simpler story; what comes back is found within its pieces too.
        let simple = (of(split) < ALPHA).then(|| (vec![seen.at], of(split)));
        let (from, to) = seen.between;
        simple.or_else(|| (of(inner) < ALPHA).then(|| (vec![from, to], of(inner))))
    }

    fn extremes(&mut self) -> Extremes {
        let n = self.ranks.len();
        let mut sum = 0.0;
        for (rank, place) in self.ranks.iter().zip(&mut self.sums[1..]) {
            sum += rank;
            *place = sum;
        }
        let mut extremes = Extremes::default();
        // All sums are halves of whole numbers, so that equal ones are equal to the bit.
        for at in MIN_STRETCH..=n - MIN_STRETCH {
            let statistic = self.sums[at] * self.sums[at] * self.scale[at];
            if statistic > extremes.split {
                (extremes.split, extremes.at) = (statistic, at);
            }
        }
        for from in (MIN_STRETCH..n).step_by(self.spacing) {
            let least = self.spacing.max(MIN_STRETCH);
            for to in (from + least..=n - MIN_STRETCH).step_by(self.spacing) {
                let sum = self.sums[to] - self.sums[from];
                let statistic = sum * sum * self.scale[to - from];
                if statistic > extremes.inner {
                    (extremes.inner, extremes.between) = (statistic, (from, to));
                }
            }
        }
        extremes
    }
}

/// All orders with the same chance (R. Durstenfeld, Communications of the ACM 7 (1964), 420).
fn shuffle(values: &mut [f64], random: &mut Random) {
    for last in (1..values.len()).rev() {
        let (place, _) = random.two_below(last as u32 + 1);
        values.swap(last, place as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values around levels, with noise that repeats after 7 values.
    fn series(levels: &[(f64, usize)]) -> Vec<f64> {
        const NOISE: [f64; 7] = [0.1, -0.3, 0.25, -0.05, 0.4, -0.4, 0.0];
        let levels = levels.iter().flat_map(|(level, len)| std::iter::repeat_n(level, *len));
        levels.enumerate().map(|(index, level)| level + NOISE[index % 7]).collect()
    }

    fn places(values: &[f64]) -> Vec<usize> {
        shifts(values).iter().map(|found| found.at).collect()
    }

    #[test]
    fn shifts_are_found_where_they_are() {
        assert!(places(&series(&[(10.0, 30)])).is_empty());
        assert_eq!(places(&series(&[(10.0, 15), (12.0, 15)])), [15]);
        assert_eq!(places(&series(&[(10.0, 12), (12.0, 12), (9.0, 12)])), [12, 24]);
        assert_eq!(places(&series(&[(10.0, 14), (8.0, 7), (10.0, 14)])), [14, 21], "and back");
        assert_eq!(places(&series(&[(10.0, 5), (12.0, 5)])), [5], "ten suffice");
        assert!(places(&series(&[(10.0, 5), (12.0, 4)])).is_empty(), "nine do not");
        assert!(places(&[]).is_empty() && places(&[1.0; 50]).is_empty());
    }

    #[test]
    fn outliers_are_no_shifts() {
        let mut values = series(&[(10.0, 40)]);
        (values[7], values[20], values[39]) = (1e9, -1e9, 1e9);
        assert!(places(&values).is_empty());
        // Neither do they hide a shift, or make one at the end.
        let mut values = series(&[(10.0, 18), (9.0, 12)]);
        (values[0], values[25]) = (1.0, 1.0);
        assert_eq!(places(&values), [18]);
    }

    #[test]
    fn the_p_value_is_that_of_all_orders() {
        // Of the 10! orders, 5! 5! have the five least values first, and as many have them last; twice for the two
        // statistics. The standard error of 1,999 permutations is 0.002, doubled 0.004.
        let exact = 4.0 * 120.0 * 120.0 / 3_628_800.0;
        let p = shifts(&series(&[(10.0, 5), (12.0, 5)]))[0].p_value;
        assert!((p - exact).abs() < 0.013, "{p}, not {exact}");
    }

    #[test]
    fn long_series_are_quick_and_their_shifts_found() {
        let values = series(&[(10.0, 700), (9.5, 300)]);
        let found = places(&values);
        assert_eq!(found, [700]);
    }
}
