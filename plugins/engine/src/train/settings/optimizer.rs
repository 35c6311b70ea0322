//! Optimisers and their constants.

use serde::Deserialize;

use super::{not_negative, positive, within};
use crate::error::Result;

/// The optimisers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// Loshchilov and Hutter 2019.
    Adamw(AdamWSettings),
    /// Lv et al. 2023.
    Adalomo(AdaLomoSettings),
}

impl Optimizer {
    /// Refuses constants that are out of range.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Adamw(own) => {
                for beta in own.betas {
                    within("betas", beta, (0.0..1.0).contains(&beta), "from 0 to below 1")?;
                }
                not_negative("eps", own.eps)?;
                not_negative("weight_decay", own.weight_decay)
            }
            Self::Adalomo(own) => {
                within("decay_rate", own.decay_rate, own.decay_rate < 0.0, "below 0")?;
                own.eps.iter().try_for_each(|&eps| not_negative("eps", eps))?;
                positive("clip_threshold", own.clip_threshold)?;
                not_negative("weight_decay", own.weight_decay)
            }
        }
    }

    /// The name in settings and in saved states.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adamw(_) => "adamw",
            Self::Adalomo(_) => "adalomo",
        }
    }
}

/// Whose AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// `torch.optim.AdamW`: decay before the step, eps behind the bias correction.
    Torch,
    /// `transformers.AdamW` (until 4.46): decay behind the step, eps before the bias correction.
    Huggingface,
}

/// Constants of AdamW.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWSettings {
    /// Whose.
    pub variant: Variant,
    /// Decay rates of the two moments.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Tensors whose name contains one of these do not decay.
    pub no_decay: Vec<String>,
}

impl Default for AdamWSettings {
    fn default() -> Self {
        Self {
            variant: Variant::Torch,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
            no_decay: vec!["bias".to_owned(), "LayerNorm.weight".to_owned()],
        }
    }
}

/// Constants of AdaLomo, as OpenLMLab/LOMO names them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdaLomoSettings {
    /// The exponent of the second moment's decay: beta2 at step t is 1 - t^decay_rate.
    pub decay_rate: f64,
    /// Added to squared gradients; and the least root mean square of a tensor's weights.
    pub eps: [f64; 2],
    /// Largest root mean square of a tensor's update.
    pub clip_threshold: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Whether each weight is updated in the backward pass as soon as its gradient is there.
    pub fused: bool,
}

impl Default for AdaLomoSettings {
    fn default() -> Self {
        Self {
            decay_rate: -0.8,
            eps: [1e-30, 1e-3],
            clip_threshold: 1.0,
            weight_decay: 0.0,
            fused: true,
        }
    }
}
