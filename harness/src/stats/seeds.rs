//! Several runs that differ in their seed alone, as one number.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// One run's value with its interval over examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneSeed {
    /// The value.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// The mean over seeds, and how certain it is, by where the uncertainty comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverSeeds {
    /// Mean of the values.
    pub mean: f64,
    /// Sample deviation of the values (with n - 1).
    pub deviation: f64,
    /// Half width of the interval for the mean over seeds: `t(n - 1) * deviation / sqrt(n)`.
    pub half_width_seeds: f64,
    /// Mean of the half widths of the runs' own intervals over examples.
    pub half_width_examples: f64,
    /// Lower end of the joint interval.
    pub low: f64,
    /// Upper end of the joint interval.
    pub high: f64,
}

/// Joins the runs of several seeds; `None` of fewer than two.
///
/// Seeds: Student's t interval for the mean of the n values, half width `a = t(0.975, n - 1) s / sqrt(n)`.
/// Examples: the mean `b` of the runs' own half widths, for each side by itself. The runs share their examples, so
/// that averaging over seeds makes the part of the variance that comes from examples smaller by an unknown amount,
/// between nothing and a factor of n; `b` is its upper bound. The two are independent of each other, and joined as
/// `sqrt(a^2 + b^2)`.
pub fn over_seeds(runs: &[OneSeed]) -> Option<OverSeeds> {
    if runs.len() < 2 {
        return None;
    }
    let n = runs.len() as f64;
    let mean_of = |of: fn(&OneSeed) -> f64| runs.iter().map(of).sum::<f64>() / n;
    let mean = mean_of(|run| run.value);
    let squares: f64 = runs.iter().map(|run| (run.value - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(0.975);
    let half_width_seeds = t * deviation / n.sqrt();
    let below = mean_of(|run| run.value - run.low);
    let above = mean_of(|run| run.high - run.value);
    Some(OverSeeds {
        mean,
        deviation,
        half_width_seeds,
        half_width_examples: (below + above) / 2.0,
        low: mean - half_width_seeds.hypot(below),
        high: mean + half_width_seeds.hypot(above),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(value: f64) -> OneSeed {
        OneSeed { value, low: value - 0.02, high: value + 0.01 }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_numbers_are_those_of_scipy() {
        // scipy.stats.t.interval(0.95, 2, loc=np.mean(x), scale=scipy.stats.sem(x)) with x = [.80, .82, .87]
        let joined = over_seeds(&[run(0.80), run(0.82), run(0.87)]).expect("three seeds");
        assert!(close(joined.mean, 0.83));
        assert!(close(joined.deviation, 0.036_055_512_754_639_89));
        assert!(close(joined.mean - joined.half_width_seeds, SCIPY[0]), "{joined:?}");
        assert!(close(joined.mean + joined.half_width_seeds, SCIPY[1]), "{joined:?}");
        assert!(close(joined.half_width_examples, 0.015));
        let a = SCIPY[1] - 0.83;
        assert!(close(joined.low, 0.83 - (a * a + 0.02_f64.powi(2)).sqrt()));
        assert!(close(joined.high, 0.83 + (a * a + 0.01_f64.powi(2)).sqrt()));
    }

    #[test]
    fn equal_values_leave_the_examples_alone() {
        let joined = over_seeds(&[run(0.5), run(0.5)]).expect("two seeds");
        assert_eq!((joined.deviation, joined.half_width_seeds), (0.0, 0.0));
        assert!(close(joined.low, 0.48) && close(joined.high, 0.51));
        assert_eq!(over_seeds(&[run(0.5)]), None);
    }

    const SCIPY: [f64; 2] = [0.7404331410497041, 0.919566858950296];
}
