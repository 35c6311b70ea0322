//! Whether a number of ours agrees with a published one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::MetricValue;

/// Numbers less than this many points apart are the same: published cells mix rounding and truncation.
pub const IDENTICAL_POINTS: f64 = 0.01;

/// How far from the published value, in points, counts as reproduced unless it is said otherwise.
pub const MARGIN_POINTS: f64 = 0.5;

/// Slack for what percent and back again does to the last bits, far below any printed digit.
const EPSILON: f64 = 1e-9;

/// A value with its 95% interval, in points (percent).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// A metric's value and interval, which records hold as fractions.
    pub fn in_points(metric: &MetricValue) -> Self {
        let MetricValue { value, ci_low, ci_high, .. } = metric;
        Self { value: 100.0 * value, low: 100.0 * ci_low, high: 100.0 * ci_high }
    }
}

/// How a number of ours compares with a published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Less than [`IDENTICAL_POINTS`] apart.
    Identical,
    /// The whole interval lies within the margin around the published value: equivalence in the sense of two
    /// one-sided tests (Schuirmann 1987).
    Reproduced,
    /// The whole interval lies above the published value, and not within the margin.
    Above,
    /// The whole interval lies below the published value, and not within the margin.
    Below,
    /// The interval is too wide to say.
    Inconclusive,
}

impl Verdict {
    /// Its name in tables and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Reproduced => "reproduced",
            Self::Above => "above",
            Self::Below => "below",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Compares ours with a published value; all in points. `margin` is not negative.
pub fn judge(ours: Interval, published: f64, margin: f64) -> Verdict {
    if (ours.value - published).abs() < IDENTICAL_POINTS - EPSILON {
        Verdict::Identical
    } else if ours.low >= published - margin - EPSILON && ours.high <= published + margin + EPSILON
    {
        Verdict::Reproduced
    } else if ours.low > published {
        Verdict::Above
    } else if ours.high < published {
        Verdict::Below
    } else {
        Verdict::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: f64, low: f64, high: f64) -> Interval {
        Interval { value, low, high }
    }

    #[test]
    fn verdicts_are_as_defined() {
        let judge = |ours, margin| judge(ours, 89.62, margin);
        assert_eq!(judge(of(89.622, 89.3, 89.9), 0.5), Verdict::Identical);
        assert_eq!(judge(of(89.6299, 80.0, 95.0), 0.5), Verdict::Identical, "however wide");
        assert_eq!(judge(of(89.55, 89.28, 89.82), 0.5), Verdict::Reproduced);
        assert_eq!(judge(of(90.0, 89.8, 90.11), 0.5), Verdict::Reproduced, "above, but within");
        assert_eq!(judge(of(90.0, 89.8, 90.13), 0.5), Verdict::Above);
        assert_eq!(judge(of(88.0, 87.7, 88.3), 0.5), Verdict::Below);
        assert_eq!(judge(of(89.5, 89.0, 90.0), 0.5), Verdict::Inconclusive);
        assert_eq!(judge(of(89.5, 89.0, 90.0), 0.7), Verdict::Reproduced);
    }

    #[test]
    fn a_hundredth_of_a_point_is_a_difference() {
        // As k/N and a printed number give it: 100 * 0.8963 is not 89.63 to the last bit.
        for value in [100.0 * 0.8963, 89.63, 100.0 * (44_815.0 / 50_000.0), 89.61] {
            assert_ne!(judge(of(value, 0.0, 100.0), 89.62, 0.5), Verdict::Identical, "{value}");
        }
        for value in [100.0 * 0.89628, 100.0 * 0.89612, 89.62] {
            assert_eq!(judge(of(value, 0.0, 100.0), 89.62, 0.5), Verdict::Identical, "{value}");
        }
    }

    prop_compose! {
        /// Hundredths of hundredths, so that sums and differences are as exact as printed numbers.
        fn interval()(value in 0_i64..1_000_000, below in 0_i64..50_000, above in 0_i64..50_000) -> Interval {
            let points = |n: i64| n as f64 / 1e4;
            of(points(value), points(value - below), points(value + above))
        }
    }

    proptest! {
        #[test]
        fn exactly_the_definition(ours in interval(), published in 0_i64..1_000_000, margin in 0_i64..30_000) {
            let (published, margin) = (published as f64 / 1e4, margin as f64 / 1e4);
            let verdict = judge(ours, published, margin);
            let identical = (ours.value - published).abs() < 0.01 - 1e-9;
            let within = ours.low + 1e-9 >= published - margin && ours.high - 1e-9 <= published + margin;
            prop_assert_eq!(verdict == Verdict::Identical, identical);
            prop_assert_eq!(verdict == Verdict::Reproduced, !identical && within);
            if verdict == Verdict::Above {
                prop_assert!(ours.low > published && ours.high > published + margin);
            }
            if verdict == Verdict::Below {
                prop_assert!(ours.high < published && ours.low < published - margin);
            }
            if verdict == Verdict::Inconclusive {
                prop_assert!(ours.low <= published && published <= ours.high);
            }
        }

        #[test]
        fn the_mirror_image_has_the_mirrored_verdict(ours in interval(), published in 0_i64..1_000_000, margin in 0.0..3.0) {
            let published = published as f64 / 1e4;
            let mirrored = of(-ours.value, -ours.high, -ours.low);
            let expected = match judge(ours, published, margin) {
                Verdict::Above => Verdict::Below,
                Verdict::Below => Verdict::Above,
                other => other,
            };
            prop_assert_eq!(judge(mirrored, -published, margin), expected);
        }

        #[test]
        fn a_wider_margin_only_reproduces_more(ours in interval(), published in 0_i64..1_000_000, margin in 0.0..3.0, more in 0.0..3.0) {
            let published = published as f64 / 1e4;
            let (narrow, wide) = (judge(ours, published, margin), judge(ours, published, margin + more));
            prop_assert!(wide == narrow || wide == Verdict::Reproduced);
        }

        #[test]
        fn a_wider_interval_never_decides(ours in interval(), published in 0_i64..1_000_000, margin in 0.0..3.0, more in 0.0..5.0) {
            let published = published as f64 / 1e4;
            if judge(ours, published, margin) == Verdict::Inconclusive {
                let wider = of(ours.value, ours.low - more, ours.high + more);
                prop_assert_eq!(judge(wider, published, margin), Verdict::Inconclusive);
            }
        }
    }
}
