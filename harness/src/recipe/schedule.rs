//! How many steps there are, and the learning rate of each.

use serde::{Deserialize, Serialize};

use super::Settings;

/// What the learning rate does after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Falls to 0 at the last step (transformers' `get_linear_schedule_with_warmup`).
    #[default]
    Linear,
    /// Stays (transformers' `get_constant_schedule_with_warmup`).
    Constant,
}

/// How long the learning rate rises from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Warmup {
    /// So many steps of the optimiser.
    Steps(u64),
    /// This share of all steps, rounded down.
    Proportion(f64),
}

impl Warmup {
    /// Steps of the optimiser, of `total` ones: `int(total * p)` of a proportion `p`, as the reference has it.
    pub fn steps(self, total: u64) -> u64 {
        match self {
            Self::Steps(steps) => steps,
            Self::Proportion(share) => (total as f64 * share) as u64,
        }
    }
}

impl Settings {
    /// The warm-up; none is 0 steps.
    pub fn warmup(&self) -> Warmup {
        match (self.warmup_steps, self.warmup_proportion) {
            (Some(steps), _) => Warmup::Steps(steps),
            (None, Some(share)) => Warmup::Proportion(share),
            (None, None) => Warmup::Steps(0),
        }
    }

    /// Steps of the optimiser in one pass over `n_sequences` sequences, at least one:
    /// `ceil(n / batch_size) // accumulate`, the last, smaller batch included, as in the reference. Micro-batches
    /// that are left over at the end of an epoch make no step there.
    pub fn steps_per_epoch(&self, n_sequences: u64) -> u64 {
        let batches = n_sequences.div_ceil(u64::from(self.batch_size.max(1)));
        (batches / u64::from(self.accumulate.max(1))).max(1)
    }

    /// Steps of the optimiser in the whole training: those of an epoch times `epochs`, rounded up, or
    /// `max_steps` where it is set (which may be more than `epochs` hold, as in transformers).
    pub fn total_steps(&self, n_sequences: u64) -> u64 {
        self.max_steps.unwrap_or_else(|| {
            let steps = self.steps_per_epoch(n_sequences) as f64 * self.epochs;
            // Of 0.1 x 30 epochs the product may be a hair above the whole number that is meant.
            ((steps - 1e-9).ceil() as u64).max(1)
        })
    }

    /// The learning rate of step `step` (from 0) of `total`.
    ///
    /// While warming up `step / max(1, W)` of `learning_rate`, so that the first step of a warm-up has 0; then
    /// `max(0, (T - step) / max(1, T - W))` of it, or all of it with a constant schedule (transformers'
    /// optimization.py).
    pub fn lr(&self, step: u64, total: u64) -> f64 {
        let warmup = self.warmup().steps(total);
        let factor = if step < warmup {
            step as f64 / warmup.max(1) as f64
        } else {
            match self.schedule {
                Schedule::Constant => 1.0,
                Schedule::Linear => {
                    let rest = total.saturating_sub(step) as f64;
                    rest / total.saturating_sub(warmup).max(1) as f64
                }
            }
        };
        self.learning_rate * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(learning_rate: f64) -> Settings {
        Settings { learning_rate, ..Settings::default() }
    }

    /// Learning rates that transformers 4.57.6 gives (`scheduler.get_last_lr()` before each step).
    #[test]
    fn rates_are_those_of_transformers() {
        let mut linear = settings(5e-5);
        linear.warmup_proportion = Some(0.1);
        for (step, expected) in LINEAR_25_OF_10_PERCENT {
            assert!((linear.lr(step, 25) - expected).abs() < 1e-18, "step {step}");
        }
        let mut steps = settings(1e-4);
        steps.warmup_steps = Some(4);
        for (step, expected) in LINEAR_10_AFTER_4 {
            assert!((steps.lr(step, 10) - expected).abs() < 1e-18, "step {step}");
        }
        steps.schedule = Schedule::Constant;
        assert_eq!(steps.lr(1, 10), 2.5e-5);
        assert_eq!(steps.lr(9, 10), 1e-4);
        assert_eq!(settings(3e-5).lr(0, 7), 3e-5);
    }

    #[test]
    fn a_warm_up_longer_than_the_training_never_arrives() {
        let mut long = settings(1e-4);
        long.warmup_steps = Some(100);
        assert_eq!(long.lr(5, 10), 5e-6);
        // transformers divides by max(1, T - W) there too.
        assert_eq!(long.lr(100, 10), 0.0);
    }

    #[test]
    fn steps_are_counted_as_in_the_reference() {
        // NSMC in generation A: 150,000 reviews, 64 a batch, 8 epochs.
        let mut nsmc = settings(5e-5);
        (nsmc.batch_size, nsmc.epochs) = (64, 8.0);
        assert_eq!(nsmc.total_steps(150_000), 2_344 * 8);
        // The patent model: 6,008 rows, 8 x 2, 20 epochs: 375 steps an epoch, 7,500 in all.
        let mut patent = settings(1e-4);
        (patent.batch_size, patent.accumulate, patent.epochs) = (8, 2, 20.0);
        assert_eq!(patent.total_steps(6_008), 7_500);
        assert_eq!(patent.total_steps(1), 20);
        patent.epochs = 0.5;
        assert_eq!(patent.total_steps(6_008), 188);
        patent.max_steps = Some(10_000);
        assert_eq!(patent.total_steps(6_008), 10_000);
        assert_eq!(Warmup::Proportion(0.1).steps(46_880), 4_688);
        assert_eq!(Warmup::Proportion(0.1).steps(19), 1);
    }

    const LINEAR_25_OF_10_PERCENT: [(u64, f64); 8] = [
        (0, 0.0),
        (1, 2.5e-05),
        (2, 5e-05),
        (3, 4.782608695652174e-05),
        (4, 4.565217391304348e-05),
        (5, 4.347826086956522e-05),
        (23, 4.347826086956522e-06),
        (24, 2.173913043478261e-06),
    ];

    const LINEAR_10_AFTER_4: [(u64, f64); 10] = [
        (0, 0.0),
        (1, 2.5e-05),
        (2, 5e-05),
        (3, 7.500000000000001e-05),
        (4, 0.0001),
        (5, 8.333333333333334e-05),
        (6, 6.666666666666667e-05),
        (7, 5e-05),
        (8, 3.3333333333333335e-05),
        (9, 1.6666666666666667e-05),
    ];
}
