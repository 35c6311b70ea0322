//! The optimiser: the names and numbers that the plugin's `train_begin` takes.

use serde::{Deserialize, Serialize};

/// An optimiser, in YAML and in `train_begin` alike an object with its `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101).
    AdamW {
        /// Where eps and decay are applied.
        #[serde(default)]
        variant: AdamVariant,
        /// Decay rates of the two moments.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the root of the second moment.
        #[serde(default = "adam_eps")]
        eps: f64,
        /// Decoupled weight decay.
        #[serde(default)]
        weight_decay: f64,
        /// Tensors whose names contain one of these are not decayed.
        #[serde(default = "no_decay")]
        no_decay: Vec<String>,
    },
    /// Low-memory optimisation with an adaptive rate (Lv et al. 2023, arXiv:2310.10195).
    AdaLomo {
        /// Exponent of the step in the decay rate of the second moment.
        #[serde(default = "decay_rate")]
        decay_rate: f64,
        /// Added to the squared gradient, and the least root mean square of a weight.
        #[serde(default = "lomo_eps")]
        eps: [f64; 2],
        /// The largest root mean square of an update.
        #[serde(default = "one")]
        clip_threshold: f64,
        /// Decoupled weight decay.
        #[serde(default)]
        weight_decay: f64,
        /// Whether a weight is updated as soon as its gradient is there, so that no gradients are kept.
        #[serde(default = "yes")]
        fused: bool,
    },
}

/// Where AdamW applies eps and decay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdamVariant {
    /// As torch.optim.AdamW: eps after bias correction, decay before the step.
    #[default]
    Torch,
    /// As transformers.AdamW (up to 4.x): eps before bias correction, decay after the step.
    HuggingFace,
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::AdamW {
            variant: AdamVariant::default(),
            betas: betas(),
            eps: adam_eps(),
            weight_decay: 0.0,
            no_decay: no_decay(),
        }
    }
}

impl Optimizer {
    /// Whether weights are updated in the backward pass, so that gradients cannot be added up over several.
    pub fn is_fused(&self) -> bool {
        matches!(self, Self::AdaLomo { fused: true, .. })
    }

    /// Its name in YAML.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AdamW { .. } => "adamw",
            Self::AdaLomo { .. } => "adalomo",
        }
    }
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn adam_eps() -> f64 {
    1e-8
}

fn no_decay() -> Vec<String> {
    ["bias", "LayerNorm.weight"].map(str::to_owned).to_vec()
}

fn decay_rate() -> f64 {
    -0.8
}

fn lomo_eps() -> [f64; 2] {
    [1e-30, 1e-3]
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}
