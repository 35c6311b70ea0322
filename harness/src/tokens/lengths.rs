//! How long rows are.

use serde::Serialize;

/// The distribution of some lengths. A quantile q of n lengths is the one at rank ceil(q n) (nearest rank).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub min: u64,
    /// Half are at most so long.
    pub median: u64,
    /// Nine of ten are at most so long.
    pub p90: u64,
    /// Ninety-nine of a hundred are at most so long.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

impl Lengths {
    /// Of some lengths; all 0 where there are none.
    pub fn of(mut lengths: Vec<u64>) -> Self {
        lengths.sort_unstable();
        let n = lengths.len();
        let at = |percent: usize| {
            let rank = (n * percent).div_ceil(100).max(1);
            lengths.get(rank - 1).copied().unwrap_or(0)
        };
        Self { min: at(0), median: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::Lengths;

    #[test]
    fn quantiles_are_lengths_that_occur() {
        let of = |lengths: Vec<u64>| Lengths::of(lengths);
        let hundred = of((1..=100).rev().collect());
        assert_eq!(hundred, Lengths { min: 1, median: 50, p90: 90, p99: 99, max: 100 });
        assert_eq!(of(vec![7, 3]), Lengths { min: 3, median: 3, p90: 7, p99: 7, max: 7 });
        assert_eq!(of(Vec::new()), Lengths::default());
    }
}
