//! Where a series moved.
//!
//! Two kinds of series are told apart, for a benchmark whose numbers come out exactly the same run after run answers
//! another question ("did it move?") than a noisy one ("did it move more than it always does?").
//!
//! **Steps** ([`steps`]): where all steps but one, or at least four of five from one run to the next, are exactly 0, each
//! of the others is looked at by itself. It is a change where a value that is met nowhere else in the series would stand
//! so neatly in one stretch by chance in less than 5% of series, or where it is larger than the intervals of its two
//! sides allow.
//!
//! **Shifts** ([`shifts`]): where that finds nothing, ranks are: the largest standardised Mann-Whitney statistic over
//! all ways to split the series in two, and over all stretches inside it against the rest, with its p-value by
//! permutation; then the same within the parts.
//!
//! Both take the runs to be in no order but for the changes. A slow drift therefore shows as one or more changes; the
//! trend of the last stretch ([`super::trend()`]) tells them apart. The rate of false alarms is the whole series':
//! without any change at most one series in twenty has one (`simulation_tests.rs` shows by how much that holds). It is
//! not that of looking again after each run.

mod shifts;
mod steps;

#[cfg(test)]
mod simulation_tests;

/// How often a series without a change may be said to have one.
pub const ALPHA: f64 = 0.05;

/// A value of a series with its 95% interval, where it has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// The value, which must be finite.
    pub value: f64,
    /// The interval's ends.
    pub interval: Option<(f64, f64)>,
}

/// A place where a series moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Break {
    /// Index of the first value after it.
    pub at: usize,
    /// Its p-value, corrected for all places that were looked at.
    pub p_value: f64,
}

/// The places where a series moved, in order. The same series gives the same places and p-values.
pub fn changes(series: &[Observed]) -> Vec<Break> {
    let found = steps::steps(series);
    if !found.is_empty() {
        return found;
    }
    let values: Vec<f64> = series.iter().map(|observed| observed.value).collect();
    shifts::shifts(&values)
}
