//! What `train_begin` is told: harness/schemas/train-begin.schema.json as Rust types.

use serde::Deserialize;
use serde_json::Value;

use super::objective::Loss;
use crate::error::{EngineError, Result};
use crate::ops::loss::{Focal, FocalMean, FocalReading};

/// Optimiser, loss, and everything else that stays the same from step to step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The loss; none: cross-entropy for classes, mean squared error for real targets.
    pub loss: Option<LossSettings>,
    /// Largest global norm of the gradients.
    pub clip_norm: Option<f64>,
    /// Beginnings of the names of tensors that stay as they are.
    pub freeze: Vec<String>,
    /// Factor on the learning rate from one layer to the one below it.
    pub layer_decay: Option<f64>,
    /// Whether layers keep their input alone, and compute the rest again for the backward pass.
    pub activation_checkpointing: bool,
    /// What weights are saved as.
    pub save_dtype: SaveDtype,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::Adamw(AdamWSettings::default()),
            loss: None,
            clip_norm: None,
            freeze: Vec::new(),
            layer_decay: None,
            activation_checkpointing: false,
            save_dtype: SaveDtype::F32,
        }
    }
}

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

/// What saved weights are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SaveDtype {
    /// Not at all.
    #[default]
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16.
    Bf16,
}

impl SaveDtype {
    /// The name in safetensors.
    pub fn safetensors(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }

    /// The name in config.json.
    pub fn torch(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    /// Bytes of an element.
    pub fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

impl Settings {
    /// Parses the JSON of `train_begin` for a model with `num_labels` outputs.
    ///
    /// # Errors
    /// [`EngineError::Input`] for keys, names and values that are not known or out of range; the
    /// message names them and what is known.
    pub fn parse(json: Value, num_labels: usize) -> Result<Self> {
        // A list would pass as an object whose keys are all left out.
        if !json.is_object() {
            return Err(fail(&format!("expected an object, found {json}")));
        }
        let settings: Self = serde_json::from_value(json).map_err(|e| fail(&e.to_string()))?;
        settings.check(num_labels)?;
        Ok(settings)
    }

    fn check(&self, num_labels: usize) -> Result<()> {
        match &self.optimizer {
            Optimizer::Adamw(own) => {
                for beta in own.betas {
                    within("betas", beta, (0.0..1.0).contains(&beta), "from 0 to below 1")?;
                }
                not_negative("eps", own.eps)?;
                not_negative("weight_decay", own.weight_decay)?;
            }
            Optimizer::Adalomo(own) => {
                within("decay_rate", own.decay_rate, own.decay_rate < 0.0, "below 0")?;
                own.eps.iter().try_for_each(|&eps| not_negative("eps", eps))?;
                positive("clip_threshold", own.clip_threshold)?;
                not_negative("weight_decay", own.weight_decay)?;
            }
        }
        match &self.loss {
            Some(LossSettings::CrossEntropy(own)) => {
                let smoothing = own.label_smoothing;
                within(
                    "label_smoothing",
                    smoothing,
                    (0.0..=1.0).contains(&smoothing),
                    "from 0 to 1",
                )?;
                if let Some(weights) = &own.class_weights {
                    if weights.len() != num_labels {
                        return Err(fail(&format!(
                            "class_weights has {} values, but the model has {num_labels} labels",
                            weights.len()
                        )));
                    }
                    weights.iter().try_for_each(|&w| not_negative("class_weights", w.into()))?;
                }
            }
            Some(LossSettings::Focal(own)) => {
                not_negative("gamma", own.gamma)?;
                let alpha = own.alpha.unwrap_or(0.0);
                within("alpha", alpha, (0.0..=1.0).contains(&alpha), "from 0 to 1, or null")?;
            }
            Some(LossSettings::Mse(_)) | None => {}
        }
        self.clip_norm.map_or(Ok(()), |norm| positive("clip_norm", norm))?;
        let decay = self.layer_decay.unwrap_or(1.0);
        within("layer_decay", decay, decay > 0.0 && decay <= 1.0, "above 0, up to 1")
    }

    /// The loss that was named.
    pub(super) fn loss(&self) -> Option<Loss> {
        Some(match self.loss.as_ref()? {
            LossSettings::CrossEntropy(own) => Loss::CrossEntropy {
                class_weights: own.class_weights.clone(),
                label_smoothing: own.label_smoothing,
            },
            LossSettings::Mse(_) => Loss::Mse,
            LossSettings::Focal(own) => Loss::Focal(Focal {
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
        })
    }
}

fn fail(message: &str) -> EngineError {
    EngineError::Input(format!("train_begin: {message}"))
}

fn within(key: &str, value: f64, holds: bool, allowed: &str) -> Result<()> {
    match holds && value.is_finite() {
        true => Ok(()),
        false => Err(fail(&format!("{key} is {value}; expected a number {allowed}"))),
    }
}

fn not_negative(key: &str, value: f64) -> Result<()> {
    within(key, value, value >= 0.0, "that is not negative")
}

fn positive(key: &str, value: f64) -> Result<()> {
    within(key, value, value > 0.0, "above 0")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_has_a_default() {
        let settings = Settings::parse(json!({}), 2).unwrap();
        assert_eq!(settings, Settings::default());
        let named =
            json!({"optimizer": {"name": "adamw"}, "loss": {"name": "mse"}, "clip_norm": null});
        assert_eq!(Settings::parse(named, 1).unwrap().loss(), Some(Loss::Mse));
        let all = json!({
            "optimizer": {"name": "adalomo", "decay_rate": -0.8, "eps": [1e-30, 1e-3], "clip_threshold": 1.0,
                "weight_decay": 0.0, "fused": false},
            "loss": {"name": "focal", "reading": "sigmoid", "gamma": 2, "alpha": null, "mean": "elements"},
            "clip_norm": 1.0, "freeze": ["bert.embeddings"], "layer_decay": 0.9,
            "activation_checkpointing": false, "save_dtype": "bf16"
        });
        let settings = Settings::parse(all, 188).unwrap();
        assert_eq!((settings.optimizer.name(), settings.save_dtype), ("adalomo", SaveDtype::Bf16));
    }

    #[test]
    fn what_is_not_known_is_named_with_what_is() {
        for (json, expected) in [
            (json!({"optimiser": {}}), "`optimiser`, expected one of `optimizer`"),
            (json!({"optimizer": {"name": "sgd"}}), "`sgd`, expected `adamw` or `adalomo`"),
            (
                json!({"optimizer": {"name": "adamw", "momentun": 0.9}}),
                "`momentun`, expected one of `variant`",
            ),
            (json!({"optimizer": {"name": "adamw", "betas": [0.9, 1.0]}}), "betas is 1"),
            (json!({"loss": {"name": "mse", "gamma": 1}}), "unknown field `gamma`"),
            (
                json!({"loss": {"name": "cross_entropy", "class_weights": [1.0]}}),
                "1 values, but the model has 2",
            ),
            (json!({"loss": {"name": "focal", "alpha": 2}}), "alpha is 2"),
            (json!({"clip_norm": 0}), "clip_norm is 0; expected a number above 0"),
            (json!({"layer_decay": 1.5}), "layer_decay is 1.5"),
            (json!({"save_dtype": "f64"}), "`f64`, expected one of `f32`"),
            (json!([]), "expected an object"),
        ] {
            let error = Settings::parse(json.clone(), 2).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
