//! KoBERT as a kobench plugin.
//!
//! SKTBrain 2019: BERT with a SentencePiece vocabulary of 8,002 pieces whose ids are its own (`[UNK]` 0, `[PAD]` 1,
//! `[CLS]` 2, `[SEP]` 3), in the form that monologg/kobert publishes it.

use kobench_engine::config::Architecture;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::export_plugin;

struct KoBert;

static VARIANTS: [FamilyVariant; 1] = [FamilyVariant::published(
    "kobert",
    "monologg/kobert",
    "Apache-2.0",
    include_bytes!("../configs/kobert.json"),
)
.mib(351)];

impl Family for KoBert {
    const NAME: &'static str = "kobert";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "KoBERT: BERT pre-trained on the Korean Wikipedia and news";
    const ARCHITECTURE: Architecture = Architecture::Bert;
    const TOKENIZER: TokenizerKind = TokenizerKind::KoBert;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }
}

export_plugin!(EnginePlugin<KoBert>);
