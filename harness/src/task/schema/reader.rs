//! How the files of a task are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::Column;
use super::text::TextSource;

/// How files are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// The format.
    pub format: Format,
    /// Whether the first line names the columns; for TSV and CSV.
    #[serde(default)]
    pub header: bool,
    /// The columns that are used; for formats that have columns.
    #[serde(default)]
    pub columns: Columns,
    /// What becomes of rows with an empty text.
    #[serde(default)]
    pub empty_text: EmptyText,
    /// Lines that begin so are comments; for CoNLL.
    #[serde(default)]
    pub comment: Option<String>,
    /// The member that holds the list of rows, as a dotted path; for JSON. Without it the file is the list.
    #[serde(default)]
    pub member: Option<String>,
    /// For AI Hub's transcripts, which do not say their region: the label id of files whose name, or the
    /// name of whose folder, begins so.
    #[serde(default)]
    pub labels_by_prefix: BTreeMap<String, String>,
}

/// File formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// Lines split at tabs, without quoting or escapes.
    Tsv,
    /// Comma-separated fields with quoting, as `pandas.read_csv` reads them by default.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// A JSON list of objects, or an object with such a member.
    Json,
    /// Questions about paragraphs in SQuAD's JSON.
    Squad,
    /// A word and its label a line, an empty line between sentences.
    Conll,
    /// AI Hub's dialect transcripts, a JSON file or a folder of them.
    AihubDialect,
}

impl Format {
    /// Its name in YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Squad => "squad",
            Self::Conll => "conll",
            Self::AihubDialect => "aihub_dialect",
        }
    }

    /// Whether the first line may name the columns.
    pub fn may_have_header(self) -> bool {
        matches!(self, Self::Tsv | Self::Csv)
    }

    /// Whether columns are members of JSON objects, as dotted paths.
    pub fn has_members(self) -> bool {
        matches!(self, Self::Jsonl | Self::Json)
    }
}

/// The columns that are used. In JSON a column is a dotted path, for instance `labels.real-label`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// The row's own id. In CoNLL files, the index of the id among the tab-separated fields of the comment
    /// before a sentence.
    pub id: Option<Column>,
    /// The text; for token classification the words, separated by white space or as a JSON list.
    pub text: Option<TextSource>,
    /// The second text of a pair.
    pub text_pair: Option<TextSource>,
    /// The label's id, the number of a regression, or the labels of the words.
    pub label: Option<Column>,
    /// Rows with the same content here share a source, and are not independent of each other.
    pub cluster: Option<Column>,
}

/// What becomes of rows with an empty text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyText {
    /// They are scored.
    #[default]
    Keep,
    /// They are left out, as if they were not in the file.
    Skip,
    /// They are scored, and their text is `nan`: what `str()` makes of the value that pandas reads there.
    /// So are the other texts that pandas takes for missing values, such as `NA` and `null`. For CSV.
    AsNan,
}
