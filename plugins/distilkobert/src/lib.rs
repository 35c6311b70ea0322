//! DistilKoBERT as a kobench plugin.
//!
//! Park 2019: three layers of KoBERT (1, 5 and 9) distilled; KoBERT's tokeniser and ids, no token types.

use kobench_engine::config::Architecture;
use kobench_engine::demo_bundles;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::export_plugin;

struct DistilKoBert;

/// The tokeniser of distilkobert-demo.
const VOCABULARY: &[(&str, &[u8])] = &[
    ("tokenizer_78b3253a26.model", include_bytes!("../demo/tokenizer_78b3253a26.model")),
    ("vocab.txt", include_bytes!("../demo/vocab.txt")),
];

static VARIANTS: [FamilyVariant; 2] = [
    FamilyVariant::published(
        "distilkobert",
        "monologg/distilkobert",
        "Apache-2.0",
        include_bytes!("../configs/distilkobert.json"),
    )
    .mib(108),
    FamilyVariant::bundled(
        "distilkobert-demo",
        "CC-BY-SA-4.0",
        include_bytes!("../demo/config.json"),
        demo_bundles!(VOCABULARY => "nsmc", "hate_speech", "korsts", "question_pair", "klue_ner"),
    ),
];

impl Family for DistilKoBert {
    const NAME: &'static str = "distilkobert";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "DistilKoBERT: KoBERT distilled to three layers";
    const ARCHITECTURE: Architecture = Architecture::DistilBert;
    const TOKENIZER: TokenizerKind = TokenizerKind::KoBert;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }
}

export_plugin!(EnginePlugin<DistilKoBert>);
