//! Which special tokens stand around texts.

/// A special token and its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialToken {
    /// Its id.
    pub id: u32,
    /// Its `token_type_ids` entry.
    pub type_id: u8,
}

/// Special tokens around one text (`before` text `after`) and around two (`before` first `between`
/// second `after_pair`). A question with its context is a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Before the first text.
    pub before: Vec<SpecialToken>,
    /// After a single text.
    pub after: Vec<SpecialToken>,
    /// Between two texts.
    pub between: Vec<SpecialToken>,
    /// After the second text.
    pub after_pair: Vec<SpecialToken>,
    /// `token_type_ids` of the second text.
    pub second_type: u8,
}

impl Template {
    /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, segments 0 and 1: BERT, ELECTRA, DeBERTa.
    pub fn bert(cls: u32, sep: u32) -> Self {
        Self {
            before: of_type(0, &[cls]),
            after: of_type(0, &[sep]),
            between: of_type(0, &[sep]),
            after_pair: of_type(1, &[sep]),
            second_type: 1,
        }
    }

    /// `<s> A </s>` and `<s> A </s></s> B </s>`, one segment: RoBERTa and XLM-R.
    pub fn roberta(bos: u32, eos: u32) -> Self {
        Self {
            before: of_type(0, &[bos]),
            after: of_type(0, &[eos]),
            between: of_type(0, &[eos, eos]),
            after_pair: of_type(0, &[eos]),
            second_type: 0,
        }
    }

    /// `<bos> A` and `<bos> A <bos> B`, with `<eos>` after each text where there is one: Gemma. The
    /// segments are those of transformers' `create_token_type_ids_from_sequences`; the model has no
    /// use for them.
    pub fn gemma(bos: Option<u32>, eos: Option<u32>) -> Self {
        let (bos, eos) = (bos.as_slice(), eos.as_slice());
        Self {
            before: of_type(0, bos),
            after: of_type(0, eos),
            between: [of_type(0, eos), of_type(1, bos)].concat(),
            after_pair: of_type(1, eos),
            second_type: 1,
        }
    }

    /// Number of special tokens around one text.
    pub fn n_single(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Number of special tokens around two texts.
    pub fn n_pair(&self) -> usize {
        self.before.len() + self.between.len() + self.after_pair.len()
    }
}

fn of_type(type_id: u8, ids: &[u32]) -> Vec<SpecialToken> {
    ids.iter().map(|&id| SpecialToken { id, type_id }).collect()
}
