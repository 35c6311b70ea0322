//! The shape of a task file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

mod reader;
mod scoring;
mod text;

pub use reader::{Columns, EmptyText, Format, Reader};
pub use scoring::{QaOptions, Scoring, TagScheme};
pub use text::{Piece, Template, TextSource};

use crate::metrics::Metric;

/// One task, as a YAML file describes it. Unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name on the command line and in records.
    pub name: String,
    /// Raised whenever an edit changes a score: two versions are never compared silently.
    pub version: u32,
    /// Title for people.
    pub title: String,
    /// What a row is and what is predicted for it.
    pub kind: Kind,
    /// Labels in the order of the model's outputs.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// A file below the data directory with one label id a line, in place of `labels`.
    #[serde(default)]
    pub labels_file: Option<String>,
    /// How files are read.
    pub reader: Reader,
    /// Splits by name.
    pub splits: BTreeMap<String, Split>,
    /// The split that is reported unless another is asked for.
    pub report: String,
    /// The metric that ranks models.
    pub metric: Metric,
    /// All metrics that are computed.
    pub metrics: Vec<Metric>,
    /// What the metrics need to know beyond their names.
    #[serde(default)]
    pub scoring: Scoring,
    /// How questions are answered; for extractive question answering.
    #[serde(default)]
    pub qa: Option<QaOptions>,
    /// Tokens an example at most, special tokens included, unless the model allows fewer.
    pub max_seq_len: u32,
    /// How the reference chose the checkpoint that it published.
    pub selection: Selection,
    /// Licence of the data, as an SPDX identifier where there is one.
    pub licence: String,
    /// Where the data comes from.
    pub source: String,
    /// How a user gets the data, where kobench may not fetch it.
    #[serde(default)]
    pub obtain: Option<String>,
    /// Whom to cite.
    #[serde(default)]
    pub citation: Option<String>,
    /// What a reader of a score should know.
    #[serde(default)]
    pub caveats: Vec<String>,
    /// Where the task file was found.
    #[serde(skip)]
    pub origin: Origin,
}

/// Where a task file was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// In the binary.
    #[default]
    BuiltIn,
    /// On disk.
    File(PathBuf),
}

/// What a row is and what is predicted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// One of the labels for a text or a pair of texts.
    SequenceClassification,
    /// A real number for a text or a pair of texts.
    SequenceRegression,
    /// One of the labels for each word.
    TokenClassification,
    /// A span of a context that answers a question.
    ExtractiveQa,
}

impl Kind {
    /// Its name in YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::SequenceClassification => "sequence_classification",
            Self::SequenceRegression => "sequence_regression",
            Self::TokenClassification => "token_classification",
            Self::ExtractiveQa => "extractive_qa",
        }
    }
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// As it stands in the data.
    pub id: String,
    /// For people.
    pub name: String,
}

/// One split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Path below the data directory. Either this or `bundled`.
    #[serde(default)]
    pub file: Option<String>,
    /// Path among the files that are part of kobench.
    #[serde(default)]
    pub bundled: Option<String>,
    /// SHA-256 of the file; none where nobody but its owners can have it.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Rows of the file that can be scored, where they are known.
    #[serde(default)]
    pub rows: Option<u64>,
    /// The rows of the file that the split is, where it is not all of them. `sha256` and `rows` are the whole
    /// file's.
    #[serde(default)]
    pub part: Option<Part>,
    /// Where `kobench data fetch` gets the file.
    #[serde(default)]
    pub url: Option<String>,
    /// Licence, where it is not the task's.
    #[serde(default)]
    pub licence: Option<String>,
    /// Origin, where it is not the task's.
    #[serde(default)]
    pub source: Option<String>,
}

/// Rows `from..to` of a file, counted from 0 after those that the reader leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The first row.
    pub from: u64,
    /// The row after the last.
    pub to: u64,
}

impl Part {
    /// How many rows it has.
    pub fn len(self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// Whether it has none, which the check of a task refuses.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Where a split's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitLocation<'a> {
    /// Path below the data directory.
    File(&'a str),
    /// Path among the files that are part of kobench.
    Bundled(&'a str),
}

impl Split {
    /// Rows of the split, where they are known: those of its part, or of its file.
    pub fn scored_rows(&self) -> Option<u64> {
        self.part.map(Part::len).or(self.rows)
    }

    /// Where the file is. A task that was loaded has exactly one of the two.
    pub fn location(&self) -> SplitLocation<'_> {
        match (&self.bundled, &self.file) {
            (Some(path), _) => SplitLocation::Bundled(path),
            (None, path) => SplitLocation::File(path.as_deref().unwrap_or_default()),
        }
    }
}

/// How the reference chose the checkpoint that it published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Short name, for instance `max_on_test`.
    pub policy: String,
    /// In words.
    pub text: String,
}

impl Task {
    /// Index of the label with this id.
    pub fn label_index(&self, id: &str) -> Option<u32> {
        self.labels
            .iter()
            .position(|label| label.id == id)
            .and_then(|index| u32::try_from(index).ok())
    }

    /// The label ids, for messages: `0, 1`.
    pub fn label_list(&self) -> String {
        let ids: Vec<&str> = self.labels.iter().map(|label| label.id.as_str()).collect();
        ids.join(", ")
    }
}
