//! How the files of a task are read.

use serde::{Deserialize, Serialize};

use super::super::Column;

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
}

/// File formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// Lines split at tabs, without quoting or escapes.
    Tsv,
}

/// The columns that are used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// The row's own id.
    pub id: Option<Column>,
    /// The text; for token classification the words, separated by single spaces.
    pub text: Option<TextSource>,
    /// The second text of a pair.
    pub text_pair: Option<TextSource>,
    /// The label's id, the number of a regression, or the labels of the words.
    pub label: Option<Column>,
    /// Rows with the same content here share a source, and are not independent of each other.
    pub cluster: Option<Column>,
}

/// Where a text is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TextSource {
    /// In one column.
    Column(Column),
    /// In several.
    Template(Template),
}

/// A text that is put together: `{template: "{title} {abstract}"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Text with columns in braces; `{{` and `}}` are braces.
    pub template: String,
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
}
