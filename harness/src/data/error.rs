//! What can be wrong with data.

use std::io;
use std::path::PathBuf;

use crate::hint::{Hint, io_hint};
use crate::task::TaskError;

/// An error of finding or reading data.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The task has no such split.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The file is in none of the places.
    #[error("the data of {task}/{split} is not there; looked at:{}", list(places))]
    NotFound {
        /// The task.
        task: String,
        /// The split.
        split: String,
        /// Every path that was tried, in order.
        places: Vec<PathBuf>,
        /// A split of the task that is part of kobench.
        bundled: Option<String>,
        /// Whether `kobench data fetch` can get it.
        fetchable: bool,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not text.
    #[error("{file}:{line}: not UTF-8: the bytes at offset {offset} are no character")]
    NotUtf8 {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Offset in bytes from the beginning of the file.
        offset: usize,
    },
    /// The labels file is not one label id a line.
    #[error("{file}:{line}: {message}")]
    Labels {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What is wrong with it.
        message: String,
    },
    /// The folder holds nothing that could be read.
    #[error("{folder} holds no .json file")]
    EmptyFolder {
        /// The folder.
        folder: String,
    },
    /// A row is not what the task says.
    #[error("{file}:{error}")]
    Row {
        /// The file.
        file: String,
        /// Line and reason.
        error: RowError,
        /// Whether the file is the one that the task names, by its SHA-256.
        is_expected_file: bool,
    },
    /// More than the reader's offsets can count.
    #[error("{file} has {bytes} bytes; kobench reads files below 4 GiB")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
    },
    /// The task knows no hash of the file, so nothing can be compared.
    #[error("{task} names no SHA-256 for its split {split}, so {file} is taken as it is")]
    Unnamed {
        /// The file.
        file: String,
        /// The task.
        task: String,
        /// The split.
        split: String,
    },
    /// The file is not the one that the task names.
    #[error(
        "{file} is not the file that {task}/{split} names: its SHA-256 is {found}, expected {expected}"
    )]
    Sha256 {
        /// The file.
        file: String,
        /// The task.
        task: String,
        /// The split.
        split: String,
        /// Of the file.
        found: String,
        /// Of the task.
        expected: String,
    },
    /// The file has another number of rows.
    #[error("{file} has {found} rows, {task}/{split} names {expected}")]
    Rows {
        /// The file.
        file: String,
        /// The task.
        task: String,
        /// The split.
        split: String,
        /// Of the file.
        found: u64,
        /// Of the task.
        expected: u64,
    },
}

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
        expected: &'static str,
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

/// The beginning of a line, for a message: tabs shown as such, nothing that moves the cursor.
pub(super) fn shorten(content: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = content.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if content.chars().nth(SHOWN).is_some() {
        short.push_str("...");
    }
    short
}

fn list(places: &[PathBuf]) -> String {
    places.iter().map(|place| format!("\n  {}", place.display())).collect()
}

impl Hint for DataError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Task(error) => error.hint(),
            Self::NotFound { task, split, bundled, fetchable, .. } => {
                let place = "give the folder that holds the data with --data-dir or KOBENCH_DATA";
                let place = match fetchable {
                    true => format!("`kobench data fetch {task} --split {split}` gets it, or {place}"),
                    false => place.to_owned(),
                };
                Some(match bundled {
                    Some(split) => format!("{place}, or take what is part of kobench with --split {split}"),
                    None => place,
                })
            }
            Self::Io { source, .. } => io_hint(source, "--data-dir"),
            Self::TooLarge { .. } => Some("split the file".to_owned()),
            Self::Labels { .. } => Some("a labels file has one label id a line, in the order of the model's outputs".to_owned()),
            Self::EmptyFolder { .. } => Some("unpack the data into it; `kobench task list` shows what is expected where".to_owned()),
            Self::Unnamed { .. } => None,
            Self::NotUtf8 { .. } => Some("convert the file to UTF-8, or download it again".to_owned()),
            Self::Row { error: RowError::NoColumn { closest: Some(name), .. }, is_expected_file: true, .. } => {
                Some(format!("did you mean `{name}`? the task's reader names the columns"))
            }
            Self::Row { error: RowError::NoColumn { closest: Some(name), .. }, .. } => {
                Some(format!("the header has `{name}`; the file is not the one that the task names (its SHA-256 differs)"))
            }
            Self::Row { error: RowError::OpenQuote { .. } | RowError::TooMany { .. }, .. } => Some(
                "a field with a comma or a line end stands in quotation marks, and a quotation mark in it is doubled; \
                 for files without quoting take `format: tsv`"
                    .to_owned(),
            ),
            Self::Row { error: RowError::NoRegion { .. }, .. } => Some(
                "name the file or its folder so that it begins with one of them; the reader's `labels_by_prefix` lists them"
                    .to_owned(),
            ),
            Self::Row { is_expected_file: false, .. } => Some(
                "the file is not the one that the task names (its SHA-256 differs); it may be edited or cut short"
                    .to_owned(),
            ),
            Self::Row { .. } => Some("the task's reader does not fit the file; see `kobench task check`".to_owned()),
            Self::Sha256 { .. } | Self::Rows { .. } => Some(
                "get the original file, or score this one with --allow-unverified: the record will say so".to_owned(),
            ),
        }
    }
}
