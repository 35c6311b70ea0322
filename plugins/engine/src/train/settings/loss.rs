//! Losses and their constants.

use serde::Deserialize;

use super::{fail, not_negative, within};
use crate::error::Result;
use crate::ops::loss::{Focal, FocalMean, FocalReading};
use crate::train::objective::Loss;

/// The losses.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum LossSettings {
    /// Cross-entropy.
    CrossEntropy(CrossEntropySettings),
    /// Mean squared error.
    Mse(NoSettings),
    /// Focal loss.
    Focal(FocalSettings),
}

impl LossSettings {
    /// Refuses constants that are out of range.
    pub(super) fn check(&self, num_labels: usize) -> Result<()> {
        match self {
            Self::CrossEntropy(own) => {
                let smoothing = own.label_smoothing;
                let allowed = (0.0..=1.0).contains(&smoothing);
                within("label_smoothing", smoothing, allowed, "from 0 to 1")?;
                let Some(weights) = &own.class_weights else { return Ok(()) };
                if weights.len() != num_labels {
                    return Err(fail(&format!(
                        "class_weights has {} values, but the model has {num_labels} labels",
                        weights.len()
                    )));
                }
                weights.iter().try_for_each(|&w| not_negative("class_weights", w.into()))
            }
            Self::Focal(own) => {
                not_negative("gamma", own.gamma)?;
                let alpha = own.alpha.unwrap_or(0.0);
                within("alpha", alpha, (0.0..=1.0).contains(&alpha), "from 0 to 1, or null")
            }
            Self::Mse(_) => Ok(()),
        }
    }

    /// The loss.
    pub(super) fn loss(&self) -> Loss {
        match self {
            Self::CrossEntropy(own) => Loss::CrossEntropy {
                class_weights: own.class_weights.clone(),
                label_smoothing: own.label_smoothing,
            },
            Self::Mse(_) => Loss::Mse,
            Self::Focal(own) => Loss::Focal(Focal {
                reading: match own.reading {
                    Reading::Softmax => FocalReading::Softmax,
                    Reading::Sigmoid => FocalReading::Sigmoid,
                },
                gamma: own.gamma,
                alpha: own.alpha,
                mean: match own.mean {
                    Mean::Rows => FocalMean::Rows,
                    Mean::Elements => FocalMean::Elements,
                },
            }),
        }
    }
}

/// A loss without constants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Constants of cross-entropy.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrossEntropySettings {
    /// A factor for each class.
    pub class_weights: Option<Vec<f32>>,
    /// The part of each target that is spread over all classes.
    pub label_smoothing: f64,
}

/// Constants of the focal loss.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FocalSettings {
    /// Which reading.
    pub reading: Reading,
    /// The exponent.
    pub gamma: f64,
    /// The balance; null: none.
    pub alpha: Option<f64>,
    /// What the sum is divided by.
    pub mean: Mean,
}

impl Default for FocalSettings {
    fn default() -> Self {
        Self { reading: Reading::Softmax, gamma: 2.0, alpha: Some(0.25), mean: Mean::Rows }
    }
}

/// The readings of the focal loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// See [`FocalReading::Softmax`].
    Softmax,
    /// See [`FocalReading::Sigmoid`].
    Sigmoid,
}

/// The means of the focal loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mean {
    /// See [`FocalMean::Rows`].
    Rows,
    /// See [`FocalMean::Elements`].
    Elements,
}
