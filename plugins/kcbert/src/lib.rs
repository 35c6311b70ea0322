//! KcBERT (base, large, and the bundled demo) as a kobench plugin.
//!
//! Lee 2020, "KcBERT: Korean comments BERT": BERT with a cased WordPiece vocabulary of 30,000
//! pieces and 300 positions. The published scores were made without `clean()`; it is an option.

mod clean;
mod table;

use kobench_engine::config::Architecture;
use kobench_engine::demo_bundles;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant, Options};
use kobench_engine::tokenizer::{Preprocess, TokenizerKind};
use kobench_plugin_sdk::{Error, OptionDescription, Result, export_plugin};

struct KcBert;

/// The tokeniser of kcbert-demo.
const VOCABULARY: &[(&str, &[u8])] = &[
    ("vocab.txt", include_bytes!("../demo/vocab.txt")),
    ("tokenizer_config.json", include_bytes!("../demo/tokenizer_config.json")),
    ("special_tokens_map.json", include_bytes!("../demo/special_tokens_map.json")),
];

static VARIANTS: [FamilyVariant; 3] = [
    FamilyVariant {
        size_bytes: Some(438_218_004),
        ..FamilyVariant::published(
            "kcbert-base",
            "beomi/kcbert-base",
            "MIT",
            include_bytes!("../configs/kcbert-base.json"),
        )
    },
    FamilyVariant::published(
        "kcbert-large",
        "beomi/kcbert-large",
        "MIT",
        include_bytes!("../configs/kcbert-large.json"),
    ),
    FamilyVariant::bundled(
        "kcbert-demo",
        "CC-BY-SA-4.0",
        include_bytes!("../demo/config.json"),
        demo_bundles!(VOCABULARY => "nsmc", "hate_speech", "korsts", "question_pair", "klue_ner"),
    ),
];

impl Family for KcBert {
    const NAME: &'static str = "kcbert";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "KcBERT: BERT pre-trained on Korean news comments";
    const ARCHITECTURE: Architecture = Architecture::Bert;
    const TOKENIZER: TokenizerKind = TokenizerKind::WordPiece;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }

    fn options() -> Vec<OptionDescription> {
        vec![OptionDescription {
            name: "clean".into(),
            help: "which version of KcBERT's clean() edits the text before tokenisation; the \
                   published scores were made without it"
                .into(),
            values: clean::VERSIONS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            default: "none".into(),
        }]
    }

    fn preprocess(options: &Options) -> Result<Option<Preprocess>> {
        let wanted = options.get("clean").map_or("none", String::as_str);
        clean::by_name(wanted).ok_or_else(|| {
            Error::internal(format!("option clean is \"{wanted}\", which was checked before"))
        })
    }
}

export_plugin!(EnginePlugin<KcBert>);

#[cfg(test)]
mod tests {
    use kobench_plugin_sdk::{Plugin, TokenizerRequest};

    use super::*;

    #[test]
    fn options_are_checked() {
        let open = |key: &str, value: &str| {
            EnginePlugin::<KcBert>::open_tokenizer(TokenizerRequest {
                variant: "kcbert-demo".into(),
                checkpoint: None,
                options: Options::from([(key.to_owned(), value.to_owned())]),
            })
            .map(|_| ())
        };
        assert!(open("clean", "2021-08").is_ok());
        assert!(open("clean", "2019").unwrap_err().message.contains("2022-09"));
        assert!(open("cleen", "2021-08").unwrap_err().message.contains("\"clean\""));
    }
}
