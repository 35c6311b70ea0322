//! KcELECTRA as a kobench plugin.
//!
//! Lee 2021, "KcELECTRA: Korean comments ELECTRA": an ELECTRA discriminator pre-trained on news comments.
//! `kcelectra-base` is the model of the published tables (50,135 pieces); `kcelectra-base-v2022` is the later
//! one, under its own revision of the same repository.

use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant, Options, electra};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::{OptionDescription, Result, export_plugin};

struct KcElectra;

static VARIANTS: [FamilyVariant; 2] = [
    FamilyVariant::published(
        "kcelectra-base",
        "beomi/KcELECTRA-base",
        "MIT",
        include_bytes!("../configs/kcelectra-base.json"),
    )
    .mib(475),
    FamilyVariant::published(
        "kcelectra-base-v2022",
        "beomi/KcELECTRA-base",
        "MIT",
        include_bytes!("../configs/kcelectra-base-v2022.json"),
    )
    .revision("v2022"),
];

impl Family for KcElectra {
    const NAME: &'static str = "kcelectra";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "KcELECTRA: ELECTRA pre-trained on Korean news comments";
    const ARCHITECTURE: Architecture = Architecture::Electra;
    const TOKENIZER: TokenizerKind = TokenizerKind::WordPiece;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }

    fn options() -> Vec<OptionDescription> {
        vec![electra::classifier_option()]
    }

    fn configure(config: ModelConfig, options: &Options) -> Result<ModelConfig> {
        Ok(electra::with_classifier(config, options))
    }
}

export_plugin!(EnginePlugin<KcElectra>);
