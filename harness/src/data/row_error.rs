//! What can be wrong with a row.

use std::fmt;

/// What is wrong with one line of a file; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The file is empty.
    #[error("1: the file is empty, a header line was expected")]
    NoHeader,
    /// The header lacks a column.
    #[error("{line}: the header has no column `{name}`; it has: {header}")]
    NoColumn {
        /// Line.
        line: u32,
        /// The column that the task names.
        name: String,
        /// The columns that there are.
        header: String,
        /// The one that was probably meant.
        closest: Option<String>,
    },
    /// A row with too few fields.
    #[error(
        "{line}: no {missing}: found {found} fields, expected {expected} or more, separated by tabs: \"{content}\""
    )]
    Fields {
        /// Line.
        line: u32,
        /// What the row lacks, for instance `label`.
        missing: String,
        /// Fields that there are.
        found: usize,
        /// Fields that are needed.
        expected: usize,
        /// The line, shortened.
        content: String,
    },
    /// A row of a CSV file with too few fields.
    #[error(
        "{line}: no {missing}: found {found} fields, expected {expected}, separated by commas: \"{content}\""
    )]
    CsvFields {
        /// Line.
        line: u32,
        /// What the row lacks, for instance `label`.
        missing: String,
        /// Fields that there are.
        found: usize,
        /// Fields that the header has.
        expected: usize,
        /// The line, shortened.
        content: String,
    },
    /// A row of a CSV file with too many fields.
    #[error(
        "{line}: found {found} fields, expected {expected}, separated by commas: \"{content}\""
    )]
    TooMany {
        /// Line.
        line: u32,
        /// Fields that there are.
        found: usize,
        /// Fields that the header, or the first row, has.
        expected: usize,
        /// The line, shortened.
        content: String,
    },
    /// A quotation mark of a CSV file that is never closed.
    #[error("{line}: a quotation mark opens a field and none closes it: \"{content}\"")]
    OpenQuote {
        /// Line on which the row begins.
        line: u32,
        /// The row, shortened.
        content: String,
    },
    /// Something else that the CSV parser does not read.
    #[error("{line}: {message}")]
    Csv {
        /// Line.
        line: u32,
        /// What the parser says.
        message: String,
    },
    /// The text is not JSON, or does not have the shape that the format asks for.
    #[error("{line}:{column}: {message}")]
    Json {
        /// Line.
        line: u32,
        /// Column in characters, from 1.
        column: u32,
        /// What was expected.
        message: String,
    },
    /// A JSON row without a field.
    #[error("{line}: no {role}: the row has no member {column}: \"{content}\"")]
    NoField {
        /// Line on which the row begins.
        line: u32,
        /// What the row lacks, for instance `label`.
        role: String,
        /// The first member that it lacks.
        column: String,
        /// What it has, shortened.
        content: String,
    },
    /// A JSON field of another type than is needed.
    #[error("{line}: {column} is {found}, expected {expected}: \"{content}\"")]
    Field {
        /// Line on which the row begins.
        line: u32,
        /// The member.
        column: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: Shape,
        /// What the row has, shortened.
        content: String,
    },
    /// Another number of labels than of words.
    #[error("{line}: {words} words, but {labels} labels: \"{content}\"")]
    Counts {
        /// Line.
        line: u32,
        /// Words.
        words: usize,
        /// Labels.
        labels: usize,
        /// The line, shortened.
        content: String,
    },
    /// A gold value that is no number.
    #[error("{line}: \"{found}\" is no finite number: \"{content}\"")]
    Number {
        /// Line.
        line: u32,
        /// What there is.
        found: String,
        /// The line, shortened.
        content: String,
    },
    /// A gold value that cannot be.
    #[error("{line}: {found} is not within {range}: \"{content}\"")]
    Range {
        /// Line.
        line: u32,
        /// What there is.
        found: String,
        /// What the task says.
        range: String,
        /// The line, shortened.
        content: String,
    },
    /// A question whose answers cannot be scored.
    #[error("{line}: question {id}: {message}")]
    Question {
        /// Line on which its paragraph begins.
        line: u32,
        /// The question's id.
        id: String,
        /// What is wrong.
        message: String,
    },
    /// A comment between the words of a sentence, where comments hold the ids of sentences.
    #[error("{line}: a comment within a sentence, expected an empty line before it: \"{content}\"")]
    Comment {
        /// Line.
        line: u32,
        /// The comment, shortened.
        content: String,
    },
    /// A sentence without the comment that holds its id.
    #[error("{line}: the sentence has no id: expected a comment with one before \"{content}\"")]
    NoSentenceId {
        /// Line.
        line: u32,
        /// The first word.
        content: String,
    },
    /// A file of which neither name nor folder says the region.
    #[error("1: no label for `{name}`: its path names none of {known}")]
    NoRegion {
        /// The file's path below the split's folder.
        name: String,
        /// The prefixes that have a label.
        known: String,
    },
    /// A label that the task does not have.
    #[error("{line}: unknown label \"{label}\", expected one of {known}: \"{content}\"")]
    Label {
        /// Line.
        line: u32,
        /// The label in the file.
        label: String,
        /// The labels of the task.
        known: String,
        /// The line, shortened.
        content: String,
    },
}

/// What a JSON field should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text, or a number as it is written.
    Text,
    /// A list, or a text that is split at white space.
    List,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text or a number",
            Self::List => "a list or a text",
        })
    }
}

/// The beginning of a line, for a message: tabs shown as such, nothing that moves the cursor.
pub(super) fn shorten(content: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = content.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if content.chars().nth(SHOWN).is_some() {
        short.push_str("...");
    }
    short
}
