//! What KoELECTRA and KcELECTRA share: the choice of classifier.

use kobench_plugin_sdk::OptionDescription;

use super::Options;
use crate::config::ModelConfig;

/// The option that chooses the classifier of sequences.
///
/// KoELECTRA's fine-tuning had a classifier of its own, one linear layer, until July 2020, and
/// transformers' (dropout, dense, gelu, dropout, linear) from then on; published numbers exist of
/// both. A fine-tuned checkpoint says by its tensors which one it has, whatever the option.
pub fn classifier_option() -> OptionDescription {
    OptionDescription {
        name: "classifier".into(),
        help: "a new classifier: `dense` as in transformers (generation B), `linear` as in \
               KoELECTRA's code until July 2020 (generation A); a fine-tuned checkpoint keeps the \
               one it has"
            .into(),
        values: vec!["dense".into(), "linear".into()],
        default: "dense".into(),
    }
}

/// The configuration with the classifier that the options ask for.
pub fn with_classifier(config: ModelConfig, options: &Options) -> ModelConfig {
    match options.get("classifier").map(String::as_str) {
        Some("linear") => config.with_linear_classifier(),
        _ => config,
    }
}
