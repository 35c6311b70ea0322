//! What a new plugin can be: an architecture of the engine, or a model of one's own.

/// The kind of model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Arch {
    /// BERT.
    Bert,
    /// ELECTRA.
    Electra,
    /// DistilBERT.
    #[value(name = "distilbert")]
    DistilBert,
    /// DeBERTa-v2 and -v3.
    Deberta,
    /// RoBERTa and XLM-R.
    Roberta,
    /// Gemma 2.
    Gemma2,
    /// A model of your own, against the SDK (or the C header) alone.
    Custom,
}

/// The language of the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Language {
    /// A crate.
    #[default]
    Rust,
    /// One file and a Makefile; for a model of your own.
    C,
}

/// What the engine calls an architecture, and what its checkpoints hold.
#[derive(Debug)]
pub(super) struct OfEngine {
    /// The variant of the engine's `Architecture`.
    pub(super) constant: &'static str,
    /// For people.
    pub(super) name: &'static str,
    /// Values of `model_type` in config.json.
    pub(super) model_types: &'static str,
    /// The variant of the engine's `TokenizerKind`.
    pub(super) tokenizer: &'static str,
    /// The files of its tokeniser.
    pub(super) tokenizer_files: &'static str,
    /// A config.json of the usual size, to be replaced.
    pub(super) config: &'static str,
}

impl Arch {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Electra => "electra",
            Self::DistilBert => "distilbert",
            Self::Deberta => "deberta",
            Self::Roberta => "roberta",
            Self::Gemma2 => "gemma2",
            Self::Custom => "custom",
        }
    }

    /// What the engine needs to know; `None` for a model of one's own.
    pub(super) fn of_engine(self) -> Option<&'static OfEngine> {
        Some(match self {
            Self::Custom => return None,
            Self::Bert => &OfEngine {
                constant: "Bert",
                tokenizer: "WordPiece",
                name: "BERT, Devlin et al. 2019",
                model_types: "bert",
                tokenizer_files: "vocab.txt",
                config: include_str!("templates/configs/bert.json"),
            },
            Self::Electra => &OfEngine {
                constant: "Electra",
                tokenizer: "WordPiece",
                name: "ELECTRA's discriminator, Clark et al. 2020",
                model_types: "electra",
                tokenizer_files: "vocab.txt",
                config: include_str!("templates/configs/electra.json"),
            },
            Self::DistilBert => &OfEngine {
                constant: "DistilBert",
                tokenizer: "WordPiece",
                name: "DistilBERT, Sanh et al. 2019",
                model_types: "distilbert",
                tokenizer_files: "vocab.txt",
                config: include_str!("templates/configs/distilbert.json"),
            },
            Self::Deberta => &OfEngine {
                constant: "DebertaV2",
                tokenizer: "DebertaV2",
                name: "DeBERTa-v2 and -v3, He et al. 2021, 2023",
                model_types: "deberta-v2",
                tokenizer_files: "spm.model",
                config: include_str!("templates/configs/deberta.json"),
            },
            Self::Roberta => &OfEngine {
                constant: "Roberta",
                tokenizer: "XlmRoberta",
                name: "RoBERTa, Liu et al. 2019, and XLM-R, Conneau et al. 2020",
                model_types: "roberta, xlm-roberta",
                tokenizer_files: "sentencepiece.bpe.model",
                config: include_str!("templates/configs/roberta.json"),
            },
            Self::Gemma2 => &OfEngine {
                constant: "Gemma2",
                tokenizer: "Gemma",
                name: "Gemma 2, Gemma Team 2024",
                model_types: "gemma2",
                tokenizer_files: "tokenizer.model",
                config: include_str!("templates/configs/gemma2.json"),
            },
        })
    }
}
