//! How long rows are, and which tokens they have.

use kobench_plugin_sdk::{self as sdk, Error};

use crate::batch::PackedBatch;
use crate::error::Result;

/// 64 quantiles of the number of tokens of NSMC's reviews, with the limit of 128 as the last; 20.5 in the mean.
/// (Two special tokens and half as many tokens as characters, which is near what KcBERT's vocabulary makes of them.)
const NSMC: [usize; 64] = [
    3, 4, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 11, 11, 11, 12, 12, 12, 13, 13, 13,
    14, 14, 15, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 19, 20, 21, 21, 22, 22, 23, 24, 24, 25, 27,
    28, 30, 32, 35, 38, 41, 44, 48, 52, 59, 70, 128,
];

/// Lengths of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lengths {
    /// As NSMC's.
    Nsmc,
    /// All the same.
    Fixed(usize),
}

impl Lengths {
    /// `nsmc`, or a number of tokens.
    ///
    /// # Errors
    /// Another name.
    pub(super) fn named(name: &str) -> sdk::Result<Self> {
        match (name, name.parse::<usize>()) {
            ("nsmc", _) => Ok(Self::Nsmc),
            (_, Ok(tokens @ 1..=1_000_000)) => Ok(Self::Fixed(tokens)),
            _ => Err(Error::invalid_argument(format!(
                "speed: lengths \"{name}\" are not known; use \"nsmc\" or a number of tokens"
            ))),
        }
    }

    /// The name in requests.
    pub(super) fn name(self) -> String {
        match self {
            Self::Nsmc => "nsmc".to_owned(),
            Self::Fixed(tokens) => tokens.to_string(),
        }
    }

    /// Tokens of each row: a quantile that a multiplicative hash of row and seed picks (Knuth 1973, vol. 3, 6.4).
    pub(super) fn rows(self, count: usize, seed: u64, longest: usize) -> Vec<usize> {
        let row = |row: usize| match self {
            Self::Nsmc => {
                let hash = (row as u32).wrapping_add(seed as u32).wrapping_mul(2_654_435_761);
                NSMC[(hash >> 26) as usize]
            }
            Self::Fixed(tokens) => tokens,
        };
        (0..count).map(|number| row(number).min(longest)).collect()
    }
}

/// Rows of these lengths in one batch, whose tokens are as different as those of texts; `first` is the number of the
/// first row.
pub(super) fn pack(lengths: &[usize], first: usize, vocabulary: usize) -> Result<PackedBatch> {
    let mut batch = PackedBatch::default();
    let pieces = vocabulary.clamp(6, 5004) - 5;
    for (row, &length) in lengths.iter().enumerate() {
        let ids: Vec<u32> =
            (0..length).map(|at| 5 + (((first + row) * 131 + at * 7919) % pieces) as u32).collect();
        batch.push(&ids, &vec![0; length])?;
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_nsmcs_and_follow_from_the_seed() {
        let rows = Lengths::Nsmc.rows(6400, 1, 512);
        let mean = rows.iter().sum::<usize>() as f64 / rows.len() as f64;
        assert!((20.0..21.5).contains(&mean), "{mean}");
        assert_eq!((rows.iter().min(), rows.iter().max()), (Some(&3), Some(&128)));
        assert_eq!(rows, Lengths::Nsmc.rows(6400, 1, 512));
        assert_ne!(rows, Lengths::Nsmc.rows(6400, 2, 512));
        assert_eq!(Lengths::named("512").unwrap().rows(2, 1, 300), [300, 300]);
        assert!(Lengths::named("0").is_err() && Lengths::named("imdb").is_err());
    }
}
