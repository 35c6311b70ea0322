//! The loss: the names and numbers that the plugin's `train_begin` takes.

use serde::{Deserialize, Serialize};

/// A loss, in YAML and in `train_begin` alike an object with its `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy of the softmax; of spans the mean of the start's and the end's.
    CrossEntropy {
        /// A weight for each class, as in torch.nn.CrossEntropyLoss.
        #[serde(default)]
        class_weights: Option<Vec<f64>>,
        /// The share of the target that is spread over all classes.
        #[serde(default)]
        label_smoothing: f64,
    },
    /// Mean squared error.
    Mse {},
    /// Focal loss (Lin et al. 2017, arXiv:1708.02002).
    Focal {
        /// What the probabilities are of.
        #[serde(default)]
        reading: FocalReading,
        /// The exponent of what is missing from the right probability.
        #[serde(default = "gamma")]
        gamma: f64,
        /// The weight; of `sigmoid` that of the target class, the others have 1 - alpha.
        #[serde(default = "alpha")]
        alpha: f64,
        /// What the mean is over.
        #[serde(default)]
        mean: FocalMean,
    },
}

/// What the probabilities of the focal loss are of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FocalReading {
    /// One of all classes.
    #[default]
    Softmax,
    /// Each class against the rest.
    Sigmoid,
}

/// What the mean of the focal loss is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FocalMean {
    /// Rows.
    #[default]
    Rows,
    /// Rows times classes.
    Elements,
}

impl Loss {
    /// Its factor for each class, where it has one.
    pub fn class_weights(&self) -> Option<&[f64]> {
        match self {
            Self::CrossEntropy { class_weights, .. } => class_weights.as_deref(),
            Self::Mse {} | Self::Focal { .. } => None,
        }
    }

    /// Its name in YAML.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CrossEntropy { .. } => "cross_entropy",
            Self::Mse {} => "mse",
            Self::Focal { .. } => "focal",
        }
    }
}

fn gamma() -> f64 {
    2.0
}

fn alpha() -> f64 {
    0.25
}
