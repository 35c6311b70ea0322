//! What `train_begin` is told: harness/schemas/train-begin.schema.json as Rust types.

mod loss;
mod optimizer;

use serde::Deserialize;
use serde_json::Value;

pub use loss::{CrossEntropySettings, FocalSettings, LossSettings, Mean, NoSettings, Reading};
pub use optimizer::{AdaLomoSettings, AdamWSettings, Optimizer, Variant};

use super::objective::Loss;
use crate::checkpoint::SaveDtype;
use crate::error::{EngineError, Result};

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
        self.optimizer.check()?;
        if let Some(loss) = &self.loss {
            loss.check(num_labels)?;
        }
        self.clip_norm.map_or(Ok(()), |norm| positive("clip_norm", norm))?;
        let decay = self.layer_decay.unwrap_or(1.0);
        within("layer_decay", decay, decay > 0.0 && decay <= 1.0, "above 0, up to 1")
    }

    /// The loss that was named.
    pub(super) fn loss(&self) -> Option<Loss> {
        self.loss.as_ref().map(LossSettings::loss)
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
mod tests;
