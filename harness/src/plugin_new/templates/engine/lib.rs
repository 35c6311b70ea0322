//! {{title}} as a kobench plugin.

use kobench_engine::config::Architecture;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::export_plugin;

struct {{type}};

static VARIANTS: [FamilyVariant; 1] = [FamilyVariant::published(
    "{{name}}-base",
    // where the weights are published
    "ORG/{{name}}-base",
    // the licence of the weights, for instance "MIT"
    "unknown",
    include_bytes!("../configs/{{name}}-base.json"),
)];

impl Family for {{type}} {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "{{title}}";
    const ARCHITECTURE: Architecture = Architecture::{{constant}};
    const TOKENIZER: TokenizerKind = TokenizerKind::{{tokenizer}};

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }
}

export_plugin!(EnginePlugin<{{type}}>);

#[cfg(test)]
mod tests {
    use super::*;
    use kobench_plugin_sdk::Plugin as _;

    /// A configuration that the engine cannot read would leave these out.
    #[test]
    fn the_configurations_are_read() {
        for variant in EnginePlugin::<{{type}}>::describe().variants {
            assert!(variant.parameters.is_some_and(|n| n > 0), "{}", variant.name);
            assert!(variant.max_seq_len.is_some(), "{}", variant.name);
        }
    }
}
