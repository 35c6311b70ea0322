//! Model plugins: finding, loading and calling them.
//!
//! [`Library`] and the handles under it are the one place of the harness that calls foreign code. They
//! are used in worker processes only ([`crate::worker`]), so that a plugin that crashes takes no run with
//! it. The harness itself knows plugins by their descriptions ([`Catalog`]).

mod cache;
mod catalog;
mod discovery;
mod encoded;
mod error;
mod handles;
mod host;
mod library;
mod rows;
mod selftest;
mod training;

pub use catalog::{Broken, Catalog, Entry, Listed, ModelError, NO_PLUGINS};
pub use discovery::{SearchPath, library_name};
pub use encoded::{Encoded, EncodingView, TokenView};
pub(crate) use error::status_name;
pub use error::{CallError, PluginError};
pub use handles::{ForwardOutcome, Model, Tokenizer};
pub use host::set_log;
pub(crate) use host::{call, collect};
pub use library::Library;
pub(crate) use rows::Rows;

/// The documents that cross the interface, shared with the SDK.
pub use kobench_plugin_sdk::{
    CheckId, CheckLine, CheckOutcome, Context, Description, EncodeOptions, Example, Head,
    ModelRequest, OptionDescription, SelftestRequest, SpeedLine, SpeedRequest, StepArguments,
    StepOutcome, Targets, TokenizerRequest, Truncation, Variant,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_what_its_schema_says() {
        let schema = include_str!("../../schemas/plugin.schema.json");
        let schema = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut description =
            Description::new("kcbert", "1").variant(Variant::new("kcbert-base", "bert"));
        description.options.push(OptionDescription {
            name: "clean".into(),
            help: "edits the text".into(),
            values: vec!["none".into()],
            default: "none".into(),
        });
        let json = serde_json::to_value(&description).unwrap();
        assert!(
            validator.is_valid(&json),
            "{:?}",
            validator.iter_errors(&json).collect::<Vec<_>>()
        );
        let mut wrong = json.clone();
        wrong["devices"] = serde_json::json!(["tpu"]);
        assert!(!validator.is_valid(&wrong));
        let least = serde_json::json!({
            "name": "x", "version": "1", "variants": [{"name": "x", "architecture": "none"}]
        });
        assert!(validator.is_valid(&least));
        let read: Description = serde_json::from_value(least).unwrap();
        assert_eq!((read.devices.as_slice(), read.trains), (&["cpu".to_string()][..], false));
    }
}
