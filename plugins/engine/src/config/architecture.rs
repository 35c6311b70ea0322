//! The architectures, and what their checkpoints call things.

use kobench_plugin_sdk::Head;

/// An architecture of Hugging Face's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// BERT (Devlin et al. 2019).
    Bert,
    /// ELECTRA's discriminator (Clark et al. 2020).
    Electra,
    /// DistilBERT (Sanh et al. 2019).
    DistilBert,
    /// RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020).
    Roberta,
    /// DeBERTa-v2 and v3 (He et al. 2021, 2023).
    DebertaV2,
    /// Gemma-2 (Gemma Team 2024).
    Gemma2,
}

impl Architecture {
    /// The name in descriptions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Electra => "electra",
            Self::DistilBert => "distilbert",
            Self::Roberta => "roberta",
            Self::DebertaV2 => "deberta-v2",
            Self::Gemma2 => "gemma2",
        }
    }

    /// The values of `model_type` in config.json that are this architecture.
    pub fn model_types(self) -> &'static [&'static str] {
        match self {
            Self::Bert => &["bert"],
            Self::Electra => &["electra"],
            Self::DistilBert => &["distilbert"],
            Self::Roberta => &["roberta", "xlm-roberta"],
            Self::DebertaV2 => &["deberta-v2"],
            Self::Gemma2 => &["gemma2"],
        }
    }

    /// The heads that Hugging Face has for it.
    pub fn heads(self) -> &'static [Head] {
        match self {
            Self::Gemma2 => &[Head::Sequence, Head::Token],
            _ => &[Head::Sequence, Head::Token, Head::Span],
        }
    }

    /// Prefix of the trunk's tensors in a checkpoint.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Electra => "electra",
            Self::DistilBert => "distilbert",
            Self::Roberta => "roberta",
            Self::DebertaV2 => "deberta",
            Self::Gemma2 => "model",
        }
    }

    /// First parts of the trunk's names, which tell a trunk that was saved without its prefix.
    pub(crate) fn trunk_parts(self) -> &'static [&'static str] {
        match self {
            Self::Bert | Self::Roberta => &["embeddings.", "encoder.", "pooler."],
            Self::Electra => &["embeddings.", "embeddings_project.", "encoder."],
            Self::DistilBert => &["embeddings.", "transformer."],
            // `pooler.` stands beside the trunk, not in it.
            Self::DebertaV2 => &["embeddings.", "encoder."],
            Self::Gemma2 => &["embed_tokens.", "layers.", "norm."],
        }
    }

    /// Tensors that no head here has a use for, by their beginning: heads of pre-training.
    pub(crate) fn ignored_prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Bert => &["cls."],
            Self::Electra => &[
                "discriminator_predictions.",
                "generator_predictions.",
                "generator_lm_head.",
                "cls.",
            ],
            Self::DistilBert => &["vocab_transform.", "vocab_layer_norm.", "vocab_projector."],
            // Hugging Face's classes have no use for the pooler of a pre-trained RoBERTa.
            Self::Roberta => &["lm_head.", "roberta.pooler."],
            Self::DebertaV2 => &["lm_predictions.", "mask_predictions.", "cls.", "lm_head."],
            Self::Gemma2 => &["lm_head."],
        }
    }

    /// Tensors of the trunk that a checkpoint may hold although its config.json has no use for them.
    pub(crate) fn spare_prefixes(self) -> &'static [&'static str] {
        match self {
            // Microsoft's own have it with position_biased_input false as well.
            Self::DebertaV2 => &["deberta.embeddings.position_embeddings."],
            _ => &[],
        }
    }
}
