//! What the readers of config.json have in common.

use kobench_plugin_sdk::Head;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::architecture::Architecture;
use crate::error::{EngineError, Result};
use crate::ops::activation::Activation;

/// Parses the keys that one architecture knows.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8], origin: &str) -> Result<T> {
    serde_json::from_slice(json).map_err(|e| {
        EngineError::config(
            origin,
            format!("not a Hugging Face config.json: {e}; download it again"),
        )
    })
}

/// Keys of every architecture.
#[derive(Deserialize)]
pub(super) struct Common {
    model_type: Option<String>,
    architectures: Option<Vec<String>>,
    id2label: Option<serde_json::Map<String, Value>>,
    num_labels: Option<usize>,
}

/// Refuses the configuration of another architecture.
pub(super) fn check_model_type(
    architecture: Architecture,
    json: &[u8],
    origin: &str,
) -> Result<()> {
    let common: Common = parse(json, origin)?;
    match common.model_type {
        Some(found) if !architecture.model_types().contains(&found.as_str()) => {
            Err(EngineError::config(
                origin,
                format!(
                    "model_type is \"{found}\", but this plugin's models are \"{}\"; choose the \
                     plugin for {found}, or another checkpoint",
                    architecture.model_types().join("\" or \"")
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// The number of labels, and the head of the class that wrote the file.
pub(super) fn labels_and_head(
    json: &[u8],
    origin: &str,
) -> Result<(usize, Option<(Head, String)>)> {
    let common: Common = parse(json, origin)?;
    let num_labels = common.id2label.map(|m| m.len()).or(common.num_labels).unwrap_or(2);
    if num_labels == 0 || num_labels > 1 << 20 {
        return Err(EngineError::config(
            origin,
            format!("{num_labels} labels; expected 1 to 2^20"),
        ));
    }
    let class = common.architectures.unwrap_or_default().into_iter().next().unwrap_or_default();
    let head = [
        ("ForSequenceClassification", Head::Sequence),
        ("ForTokenClassification", Head::Token),
        ("ForQuestionAnswering", Head::Span),
    ]
    .into_iter()
    .find(|(suffix, _)| class.ends_with(suffix))
    .map(|(_, head)| (head, class));
    Ok((num_labels, head))
}

/// Checks sizes: from 1 to 2^28, which keeps products of two far from overflow.
pub(super) fn check_sizes(origin: &str, sizes: &[(&str, usize)]) -> Result<()> {
    match sizes.iter().find(|(_, value)| *value == 0 || *value > 1 << 28) {
        Some((key, value)) => Err(EngineError::config(
            origin,
            format!("{key} is {value}; expected a size from 1 to 2^28"),
        )),
        None => Ok(()),
    }
}

/// Checks the number of layers.
pub(super) fn check_layers(origin: &str, key: &str, layers: usize) -> Result<()> {
    if layers > 1024 {
        return Err(EngineError::config(origin, format!("{key} is {layers}; expected up to 1024")));
    }
    Ok(())
}

/// Checks that heads divide the width.
pub(super) fn check_heads(
    origin: &str,
    (width_key, width): (&str, usize),
    (heads_key, heads): (&str, usize),
) -> Result<()> {
    if !width.is_multiple_of(heads) {
        return Err(EngineError::config(
            origin,
            format!("{width_key} {width} is not a multiple of {heads_key} {heads}"),
        ));
    }
    Ok(())
}

/// The activation that `key` names.
pub(super) fn activation(origin: &str, key: &str, name: &str) -> Result<Activation> {
    Activation::from_hidden_act(name).ok_or_else(|| {
        EngineError::config(
            origin,
            format!(
                "{key} \"{name}\" is not supported; known are gelu, gelu_new, gelu_pytorch_tanh, \
                 relu, tanh and linear"
            ),
        )
    })
}
