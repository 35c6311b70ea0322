//! What each tensor of a checkpoint is to the optimiser: decays or not, frozen or not, its learning rate.

use std::ops::Range;

use super::settings::{Optimizer, Settings};
use crate::config::{Architecture, ModelConfig};
use crate::error::{EngineError, Result};
use crate::param::ParamStore;

/// One tensor of a checkpoint: a run of elements of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    /// Hugging Face's name.
    pub(crate) name: String,
    /// Shape in a checkpoint.
    pub(crate) shape: Vec<usize>,
    /// Elements of the parameter.
    pub(crate) range: Range<usize>,
    /// Whether weight decay applies.
    pub(crate) decays: bool,
    /// Whether it stays as it is.
    pub(crate) frozen: bool,
    /// Factor on the learning rate.
    pub(crate) rate: f64,
}

/// The segments of every parameter of `store`, by parameter.
///
/// # Errors
/// [`EngineError::Input`] when nothing is left to train, or a prefix to freeze fits no tensor.
pub(crate) fn segments(
    store: &ParamStore,
    config: &ModelConfig,
    settings: &Settings,
) -> Result<Vec<Vec<Segment>>> {
    let no_decay: &[String] = match &settings.optimizer {
        Optimizer::Adamw(own) => &own.no_decay,
        Optimizer::Adalomo(_) => &[],
    };
    let all: Vec<Vec<Segment>> = store
        .iter()
        .map(|param| {
            let mut start = 0;
            let segment = |part: &crate::param::Part| {
                let range = start..start + part.elements();
                start = range.end;
                Segment {
                    name: part.name.clone(),
                    shape: part.shape.clone(),
                    range,
                    decays: !no_decay.iter().any(|piece| part.name.contains(piece)),
                    frozen: settings.freeze.iter().any(|prefix| part.name.starts_with(prefix)),
                    rate: settings.layer_decay.map_or(1.0, |decay| rate(&part.name, config, decay)),
                }
            };
            param.parts().iter().map(segment).collect()
        })
        .collect();
    let names = || all.iter().flatten().map(|segment| segment.name.as_str());
    if let Some(unused) =
        settings.freeze.iter().find(|prefix| !names().any(|name| name.starts_with(prefix.as_str())))
    {
        return Err(EngineError::Input(format!(
            "train_begin: no tensor's name begins with \"{unused}\", which is to be frozen; names begin as \
             \"{}\"",
            names().next().unwrap_or_default()
        )));
    }
    if all.iter().flatten().all(|segment| segment.frozen) {
        return Err(EngineError::Input(
            "train_begin: every tensor is frozen, so nothing is left to train".into(),
        ));
    }
    Ok(all)
}

/// Factor on the learning rate: 1 for the head, `decay` for the last layer, one `decay` more for each layer
/// below it, and one more for the embeddings (Clark et al. 2020, `layerwise_lr_decay`).
fn rate(name: &str, config: &ModelConfig, decay: f64) -> f64 {
    let layers = config.num_hidden_layers;
    let below_top = match layer(name) {
        Some(index) => layers.saturating_sub(index),
        None if is_below_layers(name, config.architecture) => layers + 1,
        None => 0,
    };
    decay.powi(i32::try_from(below_top).unwrap_or(i32::MAX))
}

/// The number of the layer that a tensor belongs to.
fn layer(name: &str) -> Option<usize> {
    let (_, behind) = name.split_once(".layer.").or_else(|| name.split_once(".layers."))?;
    behind.split('.').next()?.parse().ok()
}

/// Whether a tensor outside the layers stands below them: embeddings, DeBERTa's relative positions and
/// convolution. BERT's pooler and Gemma's last norm stand above.
fn is_below_layers(name: &str, architecture: Architecture) -> bool {
    let within = name.strip_prefix(architecture.prefix()).and_then(|rest| rest.strip_prefix('.'));
    within.is_some_and(|rest| !rest.starts_with("pooler.") && !rest.starts_with("norm."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_layer() {
        assert_eq!(layer("bert.encoder.layer.11.output.dense.bias"), Some(11));
        assert_eq!(layer("distilbert.transformer.layer.2.ffn.lin1.weight"), Some(2));
        assert_eq!(layer("model.layers.41.mlp.up_proj.weight"), Some(41));
        assert_eq!(layer("bert.embeddings.LayerNorm.weight"), None);
        for (name, architecture, below) in [
            ("bert.embeddings.LayerNorm.weight", Architecture::Bert, true),
            ("electra.embeddings_project.weight", Architecture::Electra, true),
            ("deberta.encoder.rel_embeddings.weight", Architecture::DebertaV2, true),
            ("bert.pooler.dense.weight", Architecture::Bert, false),
            ("model.norm.weight", Architecture::Gemma2, false),
            ("classifier.weight", Architecture::Bert, false),
        ] {
            assert_eq!(is_below_layers(name, architecture), below, "{name}");
        }
    }
}
