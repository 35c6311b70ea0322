//! Gemma-2 (2b and 9b) as a kobench plugin.
//!
//! Gemma Team 2024, "Gemma 2: Improving Open Language Models at a Practical Size", with Hugging Face's
//! classification heads: the last token's hidden state for sequences. The patent classifier of the published
//! tables is the 9b model fine-tuned to the 188 classes of Korean science and technology: `-m gemma-2-9b
//! --checkpoint hf:3won/KoSCoST-gemma2-9b-12epoch`. The weights of Gemma are gated: accept its terms on the
//! model's page and set a token before fetching them.

use kobench_engine::config::Architecture;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::export_plugin;

struct Gemma2;

static VARIANTS: [FamilyVariant; 2] = [
    FamilyVariant::published(
        "gemma-2-2b",
        "google/gemma-2-2b",
        "Gemma",
        include_bytes!("../configs/gemma-2-2b.json"),
    ),
    FamilyVariant::published(
        "gemma-2-9b",
        "google/gemma-2-9b",
        "Gemma",
        include_bytes!("../configs/gemma-2-9b.json"),
    ),
];

impl Family for Gemma2 {
    const NAME: &'static str = "gemma2";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Gemma-2 with classification heads";
    const ARCHITECTURE: Architecture = Architecture::Gemma2;
    const TOKENIZER: TokenizerKind = TokenizerKind::Gemma;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }
}

export_plugin!(EnginePlugin<Gemma2>);
