//! Predictions as they stand in their file, before the task gives them a meaning.

use std::borrow::Cow;

/// What a file says of one row. Texts are slices of the file where they can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'t> {
    /// A string, a field or a line.
    Text(Cow<'t, str>),
    /// An integer of JSON.
    Integer(i64),
    /// Another number of JSON.
    Number(f64),
    /// JSON's null.
    Null,
    /// A list: a label a word, or several answers.
    Words(Vec<Word<'t>>),
    /// Something that no kind of task predicts.
    Other(&'static str),
}

/// One word's label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub(super) label: Option<Cow<'t, str>>,
    /// Whether it says that the model never saw the word.
    pub(super) cut: bool,
}

/// One prediction, as far as its file tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prediction<'t> {
    /// Line or entry, from 1; see [`Predictions::unit`].
    pub(super) at: u64,
    pub(super) id: Option<Cow<'t, str>>,
    pub(super) index: Option<u64>,
    pub(super) pred: Value<'t>,
    /// Whether words that have no label are words that the model never saw.
    pub(super) cut: bool,
}

/// The content of a predictions file.
#[derive(Debug, Default)]
pub(super) struct Predictions<'t> {
    /// `line`, or `entry` of a JSON document.
    pub(super) unit: &'static str,
    pub(super) rows: Vec<Prediction<'t>>,
    /// What the file itself says is right: one a row, or none at all.
    pub(super) gold: Vec<Value<'t>>,
    pub(super) scores: Scores,
}

/// What the numbers of a row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreKind {
    /// Before the softmax.
    Logits,
    /// One a label, with the sum 1.
    Probabilities,
    /// Of the positive label alone.
    Positive,
}

/// Numbers for the labels, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Scores {
    pub(super) kind: Option<ScoreKind>,
    /// As many a row; NaN for rows without.
    pub(super) values: Vec<f64>,
}

impl<'t> Predictions<'t> {
    pub(super) fn new(unit: &'static str) -> Self {
        Self { unit, ..Self::default() }
    }

    /// `line 7`, for messages.
    pub(super) fn place(&self, row: &Prediction<'_>) -> String {
        format!("{} {}", self.unit, row.at)
    }
}

impl Scores {
    /// Keeps the numbers of the row at `index`; rows before it may have none.
    ///
    /// # Errors
    /// When rows before had another kind of numbers, or another number of them.
    pub(super) fn set(&mut self, index: usize, kind: ScoreKind, row: &[f64]) -> Result<(), String> {
        if *self.kind.get_or_insert(kind) != kind {
            return Err("logits here, probabilities in the rows before".to_owned());
        }
        self.values.resize(index * row.len(), f64::NAN);
        self.values.extend_from_slice(row);
        Ok(())
    }
}

impl Value<'_> {
    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Null => "null".to_owned(),
            Self::Words(_) => "a list".to_owned(),
            Self::Other(what) => (*what).to_owned(),
        }
    }
}

/// The beginning of a text for a message: in quotes, nothing that moves the cursor.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut quoted = String::from("\"");
    quoted.extend(text.chars().take(SHOWN).flat_map(char::escape_debug));
    quoted.push_str(if text.chars().nth(SHOWN).is_some() { "...\"" } else { "\"" });
    quoted
}
