//! mDeBERTa-v3 (the base model, and its further training on Korean) as a kobench plugin.
//!
//! He et al. 2023, "DeBERTaV3"; the further training is by KPMG Lighthouse Korea. Both have the multilingual
//! vocabulary of 250,000 SentencePiece pieces, and 16-bit weights, which are widened.

use kobench_engine::config::Architecture;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::export_plugin;

struct MDeberta;

static VARIANTS: [FamilyVariant; 2] = [
    FamilyVariant::published(
        "mdeberta-v3-base",
        "microsoft/mdeberta-v3-base",
        "MIT",
        include_bytes!("../configs/mdeberta-v3-base.json"),
    )
    .mib(534),
    FamilyVariant::published(
        "mdeberta-v3-base-kor-further",
        "lighthouse/mdeberta-v3-base-kor-further",
        "MIT",
        include_bytes!("../configs/mdeberta-v3-base.json"),
    )
    .mib(534),
];

impl Family for MDeberta {
    const NAME: &'static str = "mdeberta";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "mDeBERTa-v3: multilingual DeBERTa, and its further training on Korean";
    const ARCHITECTURE: Architecture = Architecture::DebertaV2;
    const TOKENIZER: TokenizerKind = TokenizerKind::DebertaV2;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }
}

export_plugin!(EnginePlugin<MDeberta>);
