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
    pub(super) at: u32,
    pub(super) id: Option<Cow<'t, str>>,
    /// From 0.
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

    /// Room for a row in each line of `text`, so that rows are not moved as their number grows.
    pub(super) fn of_lines(text: &str) -> Self {
        let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
        // Lines that are hardly any are no sign of many rows.
        let rows = lines.min(text.len() / 2 + 1);
        Self { rows: Vec::with_capacity(rows), ..Self::new("line") }
    }

    /// Drops empty lines at the end of a file that has more than `rows`.
    pub(super) fn drop_blank_tail(&mut self, rows: usize) {
        let is_blank =
            |row: &Prediction<'_>| matches!(&row.pred, Value::Text(text) if text.is_empty());
        while self.rows.len() > rows && self.rows.last().is_some_and(is_blank) {
            self.rows.pop();
        }
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
