//! What a policy says of one metric of one cell, or of one speed.

use super::Tier;

/// How a number is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// How much it matters.
    pub tier: Tier,
    /// Whether it takes part in the verdict.
    pub gates: bool,
    /// How much worse the new number may be: a fraction for metrics (0.005 are 0.5 points), a fraction of the base's
    /// value for speeds.
    pub margin: f64,
    /// Confidence, between 0.5 and 1.
    pub confidence: f64,
}
