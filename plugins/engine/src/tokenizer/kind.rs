//! The families of tokenisers.

/// A family of tokenisers, by the files that hold it and the rules that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenizerKind {
    /// BERT's WordPiece without lower-casing: `vocab.txt`, or else `tokenizer.json`.
    WordPiece,
    /// KoBERT and DistilKoBERT: `tokenizer_78b3253a26.model` and `vocab.txt`.
    KoBert,
    /// XLM-R: `sentencepiece.bpe.model`, or else `tokenizer.json`.
    XlmRoberta,
    /// DeBERTa-v2 and -v3, mDeBERTa: `spm.model`, or else `tokenizer.json`.
    DebertaV2,
    /// Gemma and Gemma 2: `tokenizer.model`, or else `tokenizer.json`.
    Gemma,
}

impl TokenizerKind {
    /// A few words for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::WordPiece => "WordPiece, cased",
            Self::KoBert => "SentencePiece (KoBERT's ids)",
            Self::XlmRoberta => "SentencePiece (XLM-R's ids)",
            Self::DebertaV2 => "SentencePiece (DeBERTa-v2)",
            Self::Gemma => "SentencePiece BPE with bytes (Gemma)",
        }
    }

    /// The files that hold it, those that are enough by themselves apart, best first.
    pub(crate) fn files(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::WordPiece => &[&["vocab.txt"], &["tokenizer.json"]],
            Self::KoBert => &[&["tokenizer_78b3253a26.model", "vocab.txt"]],
            Self::XlmRoberta => &[&["sentencepiece.bpe.model"], &["tokenizer.json"]],
            Self::DebertaV2 => &[&["spm.model"], &["tokenizer.json"]],
            Self::Gemma => &[&["tokenizer.model"], &["tokenizer.json"]],
        }
    }
}
