//! What was counted, and the logits and losses that follow from it.

use kobench_plugin_sdk::{Error, Result};
use serde::{Deserialize, Serialize};

/// What one row of the first class counts before anything was seen.
const PRIOR_OF_FIRST: f64 = 1.0;
/// What one row of each other class does. Ties, and a model that has seen nothing, so answer the first class.
const PRIOR_OF_OTHERS: f64 = 0.125;

/// Counts of classes, or the sum of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Counts {
    /// Rows, or words, of each class.
    Classes(Vec<u64>),
    /// Rows, and the sum of their values.
    Mean {
        /// Rows.
        n: u64,
        /// Sum of their values.
        sum: f64,
    },
}

impl Counts {
    /// Nothing counted yet; one label is a regression.
    pub(crate) fn new(labels: u32) -> Self {
        match labels {
            1 => Self::Mean { n: 0, sum: 0.0 },
            labels => Self::Classes(vec![0; labels as usize]),
        }
    }

    /// Labels of the head; 1 for a regression.
    pub(crate) fn labels(&self) -> usize {
        match self {
            Self::Classes(counts) => counts.len(),
            Self::Mean { .. } => 1,
        }
    }

    /// What was counted: rows, or words.
    pub(crate) fn rows(&self) -> u64 {
        match self {
            Self::Classes(counts) => counts.iter().sum(),
            Self::Mean { n, .. } => *n,
        }
    }

    /// Adds what others counted, of as many labels.
    pub(crate) fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Classes(counts), Self::Classes(more)) => {
                counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
            }
            (Self::Mean { n, sum }, Self::Mean { n: more_n, sum: more }) => {
                *n += more_n;
                *sum += more;
            }
            _ => {}
        }
    }

    /// The log-probability of each class, with the prior added to its count; the mean of a regression.
    pub(crate) fn logits(&self) -> Vec<f32> {
        match self {
            Self::Classes(counts) => {
                let prior = |class| if class == 0 { PRIOR_OF_FIRST } else { PRIOR_OF_OTHERS };
                let weights: Vec<f64> =
                    counts.iter().enumerate().map(|(c, n)| *n as f64 + prior(c)).collect();
                let all: f64 = weights.iter().sum();
                weights.iter().map(|weight| (weight / all).ln() as f32).collect()
            }
            Self::Mean { n, sum } => vec![if *n == 0 { 0.0 } else { (sum / *n as f64) as f32 }],
        }
    }

    /// Counts classes; -100 is none. The mean cross-entropy of these rows before they are counted, and how many
    /// there were.
    ///
    /// # Errors
    /// A class that the head does not have, or classes for a regression.
    pub(crate) fn class_loss(&self, classes: &[i32]) -> Result<(f64, Self)> {
        let Self::Classes(counts) = self else {
            return Err(Error::invalid_argument("targets are classes, but the head has one label"));
        };
        let logits = self.logits();
        let (mut seen, mut loss) = (vec![0_u64; counts.len()], 0.0);
        for &class in classes.iter().filter(|class| **class != IGNORED) {
            let known = usize::try_from(class).ok().filter(|class| *class < counts.len());
            let class = known.ok_or_else(|| {
                Error::invalid_argument(format!("class {class}; the head has {}", counts.len()))
            })?;
            seen[class] += 1;
            loss -= f64::from(logits[class]);
        }
        let rows: u64 = seen.iter().sum();
        Ok((if rows == 0 { 0.0 } else { loss / rows as f64 }, Self::Classes(seen)))
    }

    /// Counts values: their mean squared error before they are counted.
    ///
    /// # Errors
    /// A value that is not finite, or values for a classification.
    pub(crate) fn value_loss(&self, values: &[f32]) -> Result<(f64, Self)> {
        let Self::Mean { .. } = self else {
            return Err(Error::invalid_argument(format!(
                "targets are numbers, but the head has {} labels",
                self.labels()
            )));
        };
        let mean = f64::from(self.logits()[0]);
        if let Some(wrong) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::invalid_argument(format!("a target of {wrong}")));
        }
        let (n, sum) = (values.len() as u64, values.iter().map(|v| f64::from(*v)).sum());
        let squares: f64 = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
        Ok((squares / n.max(1) as f64, Self::Mean { n, sum }))
    }
}

/// The class that gives no loss.
const IGNORED: i32 = -100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_class_has_the_largest_logit() {
        let mut counts = Counts::new(3);
        let first = counts.logits();
        assert!(first[0] > first[1] && first[1] == first[2]);
        let (before, seen) = counts.class_loss(&[2, 2, 1, -100]).unwrap();
        assert_eq!(seen, Counts::Classes(vec![0, 1, 2]));
        counts.add(&seen);
        let logits = counts.logits();
        assert!(logits[2] > logits[1] && logits[2] > logits[0]);
        // (2 + 1/8) of (3 + 1 + 2/8)
        assert!((f64::from(logits[2]) - (2.125_f64 / 4.25).ln()).abs() < 1e-6);
        let (after, _) = counts.class_loss(&[2, 2, 1]).unwrap();
        assert!(after < before);
        // A tie is the first class's.
        counts.add(&Counts::Classes(vec![2, 1, 0]));
        assert!(counts.logits()[0] > counts.logits()[1]);
    }

    #[test]
    fn the_mean_is_the_mean() {
        let mut counts = Counts::new(1);
        let (loss, seen) = counts.value_loss(&[1.0, 3.0]).unwrap();
        assert_eq!((loss, &seen), (5.0, &Counts::Mean { n: 2, sum: 4.0 }));
        counts.add(&seen);
        assert_eq!(counts.logits(), [2.0]);
        assert_eq!(counts.value_loss(&[1.0, 3.0]).unwrap().0, 1.0);
    }

    #[test]
    fn targets_that_do_not_fit_are_refused() {
        assert!(Counts::new(2).class_loss(&[2]).is_err());
        assert!(Counts::new(2).class_loss(&[-1]).is_err());
        assert!(Counts::new(2).value_loss(&[0.5]).is_err());
        assert!(Counts::new(1).class_loss(&[0]).is_err());
        assert!(Counts::new(1).value_loss(&[f32::NAN]).is_err());
        assert_eq!(Counts::new(2).class_loss(&[-100]).unwrap().0, 0.0);
    }
}
