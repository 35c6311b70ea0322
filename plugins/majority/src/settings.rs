//! What `train_begin` is given: nothing of it changes a count, but what is not known is refused all the same.

use kobench_plugin_sdk::{Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The document (harness/schemas/train-begin.schema.json).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be checked, not to be used")]
struct Settings {
    #[serde(default)]
    optimizer: Option<Optimizer>,
    #[serde(default)]
    loss: Option<Loss>,
    #[serde(default)]
    clip_norm: Option<f64>,
    #[serde(default)]
    freeze: Vec<String>,
    #[serde(default)]
    layer_decay: Option<f64>,
    #[serde(default)]
    activation_checkpointing: bool,
    #[serde(default)]
    save_dtype: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
#[expect(dead_code, reason = "read to be checked, not to be used")]
enum Optimizer {
    AdamW {
        #[serde(default)]
        variant: IgnoredAny,
        #[serde(default)]
        betas: IgnoredAny,
        #[serde(default)]
        eps: IgnoredAny,
        #[serde(default)]
        weight_decay: IgnoredAny,
        #[serde(default)]
        no_decay: IgnoredAny,
    },
    AdaLomo {
        #[serde(default)]
        decay_rate: IgnoredAny,
        #[serde(default)]
        eps: IgnoredAny,
        #[serde(default)]
        clip_threshold: IgnoredAny,
        #[serde(default)]
        weight_decay: IgnoredAny,
        #[serde(default)]
        fused: IgnoredAny,
    },
}

#[derive(Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "read to be checked, not to be used")]
enum Loss {
    CrossEntropy {
        #[serde(default)]
        class_weights: IgnoredAny,
        #[serde(default)]
        label_smoothing: IgnoredAny,
    },
    Mse {},
    Focal {
        #[serde(default)]
        reading: IgnoredAny,
        #[serde(default)]
        gamma: IgnoredAny,
        #[serde(default)]
        alpha: IgnoredAny,
        #[serde(default)]
        mean: IgnoredAny,
    },
}

/// Refuses settings that there are not.
///
/// # Errors
/// Invalid argument: a key, an optimiser or a loss that is not known.
pub(crate) fn check(settings: serde_json::Value) -> Result<()> {
    if !settings.is_object() {
        return Err(Error::invalid_argument("the settings of a training are an object"));
    }
    let read: std::result::Result<Settings, _> = serde_json::from_value(settings);
    read.map(drop).map_err(|error| Error::invalid_argument(format!("training settings: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_known_is_refused() {
        for good in [
            json!({}),
            json!({"optimizer": {"name": "adamw", "variant": "torch", "eps": 1e-8}, "clip_norm": null}),
            json!({"optimizer": {"name": "adalomo", "eps": [1e-30, 1e-3]}, "loss": {"name": "mse"}}),
            json!({"loss": {"name": "focal", "gamma": 2}, "freeze": ["a"], "save_dtype": "f32"}),
        ] {
            assert!(check(good.clone()).is_ok(), "{good}");
        }
        for wrong in [
            json!([]),
            json!(null),
            json!({"optimiser": {"name": "adamw"}}),
            json!({"optimizer": {"name": "adamw", "momentun": 0.9}}),
            json!({"loss": {"name": "hinge"}}),
        ] {
            assert!(check(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
