//! The paired permutation test: what would the difference be if, row by row, it were decided by a coin which answer is
//! whose?

use statrs::distribution::{ContinuousCDF, Normal};

use super::{OneSided, Random};

/// Disagreeing units up to which all exchanges are looked at.
const ALL_EXCHANGES: u32 = 13;
/// Exchanges that are drawn between looks at how many were as extreme.
const ROUND: u64 = 500;
/// So many in the rarer tail are enough: the p-value then is known to a twentieth of itself.
const ENOUGH: f64 = 400.0;
/// Below so many in a tail its end is taken from the normal distribution.
const FEW: f64 = 10.0;
/// Differences that are closer are equal: exchanges that change nothing may differ in rounding.
const EQUAL: f64 = 1e-12;

/// Units on which two systems disagree, those with equal disagreements together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Disagreements {
    /// How many units each group has.
    pub(super) multiplicities: Vec<u32>,
    /// For each group where its entries begin; one more than there are groups.
    pub(super) starts: Vec<usize>,
    /// Component, and what the new system adds to it less what the base does.
    pub(super) entries: Vec<(u32, f64)>,
}

impl Disagreements {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.multiplicities.is_empty()
    }
}

/// What a permutation test found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permuted {
    /// The p-values.
    pub p: OneSided,
    /// Exchanges that were looked at.
    pub exchanges: u64,
    /// Whether these were all that there are.
    pub is_exact: bool,
}

/// Tests the difference between two systems, of which each is a sum of vectors, one a unit: `base` and `new` are the
/// sums, and `difference` is a function of both. `most` exchanges are drawn at most.
///
/// Where there is no difference between the systems, the two answers to a unit may be exchanged: all 2^m ways of doing
/// so for the m units on which they disagree are equally likely. All are looked at for m up to 13, else they are drawn
/// (Monte Carlo), in rounds, until the rarer tail has 400 or `most` are reached (J. Besag and P. Clifford, "Sequential Monte
/// Carlo p-values", Biometrika 78 (1991), 301-304). p-values are mid-p, as [`super::mcnemar_mid_p`]'s: what is equal to the
/// observed difference counts half. A tail with fewer than 10 is that of the normal distribution with the
/// exchanges' standard deviation, and never less than the 2^-(m + 1) that the most extreme exchange has.
///
/// E. S. Edgington and P. Onghena, "Randomization tests" (2007), chapter 5; for F1, A. Yeh, "More accurate tests for the
/// statistical significance of result differences", COLING 2000.
pub fn paired_permutation(
    units: &Disagreements,
    [base, new]: [&[f64]; 2],
    difference: impl Fn(&[f64], &[f64]) -> f64,
    seed: u64,
    most: u64,
) -> Permuted {
    let disagreeing: u32 = units.multiplicities.iter().sum();
    let observed = difference(base, new);
    if disagreeing == 0 {
        return Permuted { p: OneSided::NONE, exchanges: 1, is_exact: true };
    }
    let mut exchange = Exchange::new(units, base, new);
    let mut tails = Tails::new(observed);
    if disagreeing <= ALL_EXCHANGES {
        for bits in 0..1u32 << disagreeing {
            let mut left = bits;
            let sums = exchange.with(|units| {
                let own = left & ((1 << units) - 1);
                left >>= units;
                own.count_ones()
            });
            tails.add(difference(&sums[0], &sums[1]));
        }
        let p = OneSided { lower: tails.lower(), upper: tails.upper() };
        return Permuted { p, exchanges: 1 << disagreeing, is_exact: true };
    }
    let mut drawn = 0;
    while drawn < most && tails.rarer() < ENOUGH {
        for _ in 0..ROUND.min(most - drawn) {
            let mut coins = Coins::new(Random::stream(seed, drawn));
            let sums = exchange.with(|units| coins.heads(units));
            tails.add(difference(&sums[0], &sums[1]));
            drawn += 1;
        }
    }
    let least = 0.5_f64.powi(i32::try_from(disagreeing + 1).unwrap_or(i32::MAX));
    Permuted { p: tails.with_normal_ends(least), exchanges: drawn, is_exact: false }
}

/// Fair coins out of random bits, none of which is used twice.
struct Coins {
    random: Random,
    bits: u64,
    left: u32,
}

impl Coins {
    fn new(random: Random) -> Self {
        Self { random, bits: 0, left: 0 }
    }

    /// How many of so many coins show heads.
    fn heads(&mut self, mut coins: u32) -> u32 {
        let mut heads = 0;
        while coins > 0 {
            if self.left == 0 {
                (self.bits, self.left) = (self.random.bits(), u64::BITS);
            }
            let now = coins.min(self.left);
            heads += (self.bits & (u64::MAX >> (u64::BITS - now))).count_ones();
            self.bits = self.bits.checked_shr(now).unwrap_or_default();
            self.left -= now;
            coins -= now;
        }
        heads
    }
}

/// The sums after an exchange.
struct Exchange<'a> {
    units: &'a Disagreements,
    base: &'a [f64],
    new: &'a [f64],
    moved: Vec<f64>,
    sums: [Vec<f64>; 2],
}

impl<'a> Exchange<'a> {
    fn new(units: &'a Disagreements, base: &'a [f64], new: &'a [f64]) -> Self {
        let sums = [base.to_vec(), new.to_vec()];
        Self { units, base, new, moved: vec![0.0; base.len()], sums }
    }

    /// `exchanged` says how many of a group's units are.
    fn with(&mut self, mut exchanged: impl FnMut(u32) -> u32) -> &[Vec<f64>; 2] {
        self.moved.fill(0.0);
        for (bounds, units) in self.units.starts.windows(2).zip(&self.units.multiplicities) {
            // No branch on the count: for a single unit it would be guessed wrong every other time.
            let count = f64::from(exchanged(*units));
            for (at, delta) in &self.units.entries[bounds[0]..bounds[1]] {
                self.moved[*at as usize] += count * delta;
            }
        }
        let [base, new] = &mut self.sums;
        for (at, moved) in self.moved.iter().enumerate() {
            base[at] = self.base[at] + moved;
            new[at] = self.new[at] - moved;
        }
        &self.sums
    }
}

/// Where exchanged differences are, beside the observed one.
struct Tails {
    observed: f64,
    below: f64,
    equal: f64,
    above: f64,
    sum: f64,
    squares: f64,
}

impl Tails {
    fn new(observed: f64) -> Self {
        Self { observed, below: 0.0, equal: 0.0, above: 0.0, sum: 0.0, squares: 0.0 }
    }

    fn add(&mut self, difference: f64) {
        let difference = if difference.is_finite() { difference } else { 0.0 };
        if (difference - self.observed).abs() <= EQUAL {
            self.equal += 1.0;
        } else if difference < self.observed {
            self.below += 1.0;
        } else {
            self.above += 1.0;
        }
        self.sum += difference;
        self.squares += difference * difference;
    }

    fn count(&self) -> f64 {
        self.below + self.equal + self.above
    }

    fn rarer(&self) -> f64 {
        self.below.min(self.above) + self.equal / 2.0
    }

    fn lower(&self) -> f64 {
        (self.below + self.equal / 2.0) / self.count()
    }

    fn upper(&self) -> f64 {
        (self.above + self.equal / 2.0) / self.count()
    }

    fn with_normal_ends(&self, least: f64) -> OneSided {
        let (lower, upper) = (self.lower(), self.upper());
        let mean = self.sum / self.count();
        let deviation = (self.squares / self.count() - mean * mean).max(0.0).sqrt();
        if self.rarer() >= FEW || deviation == 0.0 {
            return OneSided { lower, upper };
        }
        let z = (self.observed - mean) / deviation;
        // What was counted bounds it: a tail that is lighter than the normal one is not made heavier.
        let end = |z: f64, counted: f64| {
            let normal = Normal::standard().cdf(z).max(least);
            normal.min(counted.max(FEW / self.count()))
        };
        if self.below < self.above {
            let lower = end(z, lower);
            OneSided { lower, upper: 1.0 - lower }
        } else {
            let upper = end(-z, upper);
            OneSided { lower: 1.0 - upper, upper }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Grouped, mcnemar_mid_p};
    use super::*;

    /// Right rows of both over `n` rows, as sums of (right, rows).
    fn proportions(broken: u32, fixed: u32, n: u32) -> (Grouped, Disagreements) {
        let grouped = Grouped::new(4, n as usize, None, |row, entries| {
            let row = row as u32;
            entries.extend([(1, 1.0), (3, 1.0)]);
            if row < broken || row >= broken + fixed {
                entries.push((0, 1.0));
            }
            if row >= broken {
                entries.push((2, 1.0));
            }
        });
        let disagreements = grouped.disagreements();
        (grouped, disagreements)
    }

    fn test(broken: u32, fixed: u32, n: u32) -> Permuted {
        let (grouped, disagreements) = proportions(broken, fixed, n);
        let total = grouped.total();
        let difference = |base: &[f64], new: &[f64]| new[0] / new[1] - base[0] / base[1];
        paired_permutation(&disagreements, [&total[..2], &total[2..]], difference, 7, 20_000)
    }

    #[test]
    fn of_proportions_it_is_mcnemars_test() {
        for (broken, fixed) in [(0, 0), (1, 0), (4, 1), (3, 10), (6, 6)] {
            let (ours, exact) =
                (test(broken, fixed, 40), mcnemar_mid_p(broken.into(), fixed.into()));
            assert!(ours.is_exact);
            assert!((ours.p.lower - exact.lower).abs() < 1e-12, "{broken} {fixed}: {ours:?}");
            assert!((ours.p.upper - exact.upper).abs() < 1e-12);
        }
        for (broken, fixed) in [(30, 20), (200, 240), (90, 70)] {
            let (ours, exact) =
                (test(broken, fixed, 2000), mcnemar_mid_p(broken.into(), fixed.into()));
            assert!(!ours.is_exact && ours.exchanges <= 20_000);
            // Within four standard errors of the draws.
            let error = (exact.lower * exact.upper / ours.exchanges as f64).sqrt();
            assert!((ours.p.lower - exact.lower).abs() < 4.0 * error + 1e-3, "{ours:?} {exact:?}");
        }
    }

    #[test]
    fn a_far_tail_has_the_right_size() {
        let (ours, exact) = (test(160, 60, 2000), mcnemar_mid_p(160, 60));
        assert!(exact.lower < 1e-10 && ours.p.lower < 1e-8, "{ours:?} {exact:?}");
        let ratio = ours.p.lower.log10() / exact.lower.log10();
        assert!((0.85..1.15).contains(&ratio), "{ratio}");
        // Twenty disagreements in one direction have no smaller one than 2^-21.
        let ours = test(20, 0, 100).p.lower;
        assert!((0.5_f64.powi(21)..2e-5).contains(&ours), "{ours}");
    }

    #[test]
    fn few_draws_are_enough_where_nothing_is_different() {
        let ours = test(100, 101, 2000);
        assert!(ours.exchanges <= 1500 && ours.p.two_sided() > 0.8, "{ours:?}");
        assert_eq!(ours, test(100, 101, 2000));
    }

    #[test]
    fn heads_are_binomial() {
        let mut coins = Coins::new(Random::stream(1, 2));
        let draws: Vec<f64> = (0..4000).map(|_| f64::from(coins.heads(100))).collect();
        let mean = draws.iter().sum::<f64>() / 4000.0;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 4000.0;
        assert!((mean - 50.0).abs() < 0.4 && (variance - 25.0).abs() < 2.5, "{mean} {variance}");
        assert_eq!(coins.heads(0), 0);
    }
}
