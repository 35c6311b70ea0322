//! Two runs on the same rows: which cells became worse, which better, and where the data are too few to say.

mod evidence;
mod outcome;
pub mod policy;
mod rule;
pub(crate) mod speed;

pub use evidence::{Evidence, Rows};
pub use outcome::{
    CellComparison, Comparison, Difference, Effect, Flip, FlipKind, Flips, MetricComparison,
    Refusal, Side, SideKind, SpeedComparison, Spread, Tier, Unmatched, Verdict,
};
pub use policy::{Policy, PolicyError};
pub use rule::Rule;

/// The version of [`Comparison`]; it changes when a field changes its meaning or goes.
pub const COMPARISON_VERSION: u32 = 1;
