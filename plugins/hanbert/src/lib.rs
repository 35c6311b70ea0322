//! HanBERT as a kobench plugin.
//!
//! TwoBlock AI 2020: BERT over the morphemes of a Korean analyser, 54,000 pieces. Weights, vocabulary and
//! analyser come from the vendor alone and are not on the hub. A checkpoint is a folder with
//!
//! - `config.json` and `pytorch_model.bin` (or `model.safetensors`): the weights converted for PyTorch,
//! - `vocab_54k.txt`,
//! - `libmoran4dnlp.so`, the analyser, for x86-64 Linux; the option `moran` names it elsewhere.
//!
//! To get them: download HanBert-54kN from the vendor's page (twoblockai.com, "HanBERT"), copy the archive's
//! `usr_local_moran` to `/usr/local/moran`, where the analyser looks for its databases, and put the vocabulary
//! and the library into the folder. The analyser is native code of the vendor's: it runs in the worker
//! process, like every plugin, so that a crash of it costs no more than the cell in flight.

mod moran;
mod morphemes;
mod text;

use std::path::{Path, PathBuf};

use kobench_engine::config::Architecture;
use kobench_engine::plugin::{EnginePlugin, Family, FamilyVariant, Options};
use kobench_engine::tokenizer::{Tokenizer, TokenizerKind, WordPieceVocab};
use kobench_plugin_sdk::{Error, OptionDescription, Result, export_plugin};

use crate::moran::Moran;
use crate::morphemes::Morphemes;

const VOCAB: &str = "vocab_54k.txt";
const LIBRARY: &str = "libmoran4dnlp.so";

/// What to do about a file that is missing.
const ADVICE: &str = "HanBERT's vocabulary and analyser come from its vendor: download HanBert-54kN from \
                      twoblockai.com, copy its usr_local_moran to /usr/local/moran, and put vocab_54k.txt and \
                      libmoran4dnlp.so beside config.json";

struct HanBert;

static VARIANTS: [FamilyVariant; 1] = [FamilyVariant {
    name: "hanbert",
    hub_id: None,
    revision: None,
    size_bytes: None,
    licence: "the vendor's terms",
    config: include_bytes!("../configs/hanbert.json"),
    bundles: &[],
}];

impl Family for HanBert {
    const NAME: &'static str = "hanbert";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "HanBERT: BERT over the morphemes of the vendor's analyser";
    const ARCHITECTURE: Architecture = Architecture::Bert;
    const TOKENIZER: TokenizerKind = TokenizerKind::WordPiece;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }

    fn options() -> Vec<OptionDescription> {
        vec![OptionDescription {
            name: "moran".into(),
            help:
                "the vendor's analyser; libmoran4dnlp.so in the checkpoint's folder, if not named"
                    .into(),
            values: Vec::new(),
            default: String::new(),
        }]
    }

    fn tokenizer_name() -> &'static str {
        "WordPiece on the vendor's morphemes"
    }

    fn tokenizer_files() -> Vec<&'static str> {
        vec![VOCAB, LIBRARY]
    }

    fn tokenizer(directory: &Path, max_seq_len: usize, options: &Options) -> Result<Tokenizer> {
        let path = directory.join(VOCAB);
        let bytes = std::fs::read(&path)
            .map_err(|e| Error::not_found(format!("{}: {e}; {ADVICE}", path.display())))?;
        let vocab = WordPieceVocab::parse_with(
            &bytes,
            &path.display().to_string(),
            morphemes::MAX_WORD_CHARS,
        )?;
        let library = options.get("moran").map_or_else(|| directory.join(LIBRARY), PathBuf::from);
        let template = vocab.template();
        let algorithm = Morphemes::new(vocab, Moran::load(&library)?);
        Ok(Tokenizer::from_algorithm(Box::new(algorithm), template, max_seq_len))
    }
}

export_plugin!(EnginePlugin<HanBert>);

#[cfg(test)]
mod tests;
