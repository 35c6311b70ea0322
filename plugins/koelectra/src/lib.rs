//! KoELECTRA (base and small, v1 to v3) as a kobench plugin.
//!
//! Park 2020, "KoELECTRA: Pretrained ELECTRA Model for Korean": ELECTRA discriminators with cased WordPiece
//! vocabularies of 32,200 (v1, v2) and 35,000 pieces (v3). The published scores come in two generations,
//! which differ in the classifier: see the option `classifier`.

use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::demo_bundles;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant, Options, electra};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::{OptionDescription, Result, export_plugin};

struct KoElectra;

/// The tokeniser of koelectra-demo.
const VOCABULARY: &[(&str, &[u8])] = &[
    ("vocab.txt", include_bytes!("../demo/vocab.txt")),
    ("tokenizer_config.json", include_bytes!("../demo/tokenizer_config.json")),
    ("special_tokens_map.json", include_bytes!("../demo/special_tokens_map.json")),
];

static VARIANTS: [FamilyVariant; 7] = [
    FamilyVariant::published(
        "koelectra-base",
        "monologg/koelectra-base-discriminator",
        "Apache-2.0",
        include_bytes!("../configs/koelectra-base.json"),
    )
    .mib(423),
    FamilyVariant::published(
        "koelectra-base-v2",
        "monologg/koelectra-base-v2-discriminator",
        "Apache-2.0",
        include_bytes!("../configs/koelectra-base-v2.json"),
    )
    .mib(423),
    FamilyVariant::published(
        "koelectra-base-v3",
        "monologg/koelectra-base-v3-discriminator",
        "Apache-2.0",
        include_bytes!("../configs/koelectra-base-v3.json"),
    )
    .mib(431),
    FamilyVariant::published(
        "koelectra-small",
        "monologg/koelectra-small-discriminator",
        "Apache-2.0",
        include_bytes!("../configs/koelectra-small.json"),
    )
    .mib(53),
    FamilyVariant::published(
        "koelectra-small-v2",
        "monologg/koelectra-small-v2-discriminator",
        "Apache-2.0",
        include_bytes!("../configs/koelectra-small-v2.json"),
    )
    .mib(53),
    FamilyVariant::published(
        "koelectra-small-v3",
        "monologg/koelectra-small-v3-discriminator",
        "Apache-2.0",
        include_bytes!("../configs/koelectra-small-v3.json"),
    )
    .mib(54),
    FamilyVariant::bundled(
        "koelectra-demo",
        "CC-BY-SA-4.0",
        include_bytes!("../demo/config.json"),
        demo_bundles!(VOCABULARY => "nsmc", "hate_speech", "korsts", "question_pair", "klue_ner"),
    ),
];

impl Family for KoElectra {
    const NAME: &'static str = "koelectra";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "KoELECTRA: ELECTRA discriminators pre-trained on Korean news, wikis and more";
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

export_plugin!(EnginePlugin<KoElectra>);
