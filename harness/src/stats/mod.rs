//! Intervals around measured values.
//!
//! A bootstrap needs of a metric only how its value follows from how often each row (or each cluster of
//! rows) counts: [`Weighted`]. The same description serves the interval of one system and the paired
//! comparison of two, for two systems on the same rows are drawn with the same weights.

mod bootstrap;
mod clusters;
mod grouped;
mod holm;
mod mcnemar;
mod median;
mod normal;
mod numeric;
mod permutation;
mod random;
mod rank_sum;
mod ranks;
mod resample;
mod seeds;
mod signed_rank;
mod wilson;

pub use bootstrap::{Interval, bootstrap, bootstrap_95, quantile};
pub use clusters::Clusters;
pub use grouped::{Grouped, OfSums};
pub use holm::holm;
pub use mcnemar::{OneSided, bonett_price, mcnemar_mid_p};
pub use median::{median, median_interval};
pub use normal::{normal_95, standard_error_of_auroc, standard_error_of_mean};
pub use numeric::{mean, pairwise_sum};
pub use permutation::{Disagreements, Permuted, paired_permutation};
pub use random::Random;
pub use rank_sum::{rank_sum, shift};
pub(crate) use ranks::centred_ranks;
pub use ranks::{Order, average_ranks};
pub use resample::Resampler;
pub use seeds::{OneSeed, OverSeeds, over_seeds};
pub use signed_rank::{Estimate, Tails, centre, signed_rank};
pub use wilson::wilson_95;

/// A metric as a function of how often each unit counts. A unit is a row, or a cluster of rows; units with
/// the same statistics are one group.
pub trait Weighted: Sync {
    /// For each group the number of units in it; all 1 where units are not grouped.
    fn multiplicities(&self) -> &[u32];

    /// For each unit, in dataset order, its group. Two systems on the same rows have the same units, so
    /// that a draw of units gives the weights of both.
    fn group_of(&self) -> &[u32];

    /// The value when the units of group `g` count `weights[g]` times all together; none where the metric
    /// is not defined on such a sample, as a correlation over equal values. `scratch` is the caller's to
    /// keep between calls; its content does not matter.
    fn value(&self, weights: &[u32], scratch: &mut Vec<f64>) -> Option<f64>;

    /// The work of one resample, in draws of one unit.
    fn effort(&self) -> u64 {
        self.group_of().len() as u64
    }
}
