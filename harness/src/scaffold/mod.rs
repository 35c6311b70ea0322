//! Task files for data files: what a file is, is guessed from the file itself.
//!
//! Every guess is told, with the option that corrects it; where the file allows several readings, nothing
//! is guessed, and the error lists what there is to choose from.

mod columns;
mod conll;
mod error;
mod format;
mod guess;
mod json;
mod labels;
mod names;
mod squad;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod write;

use std::fs;
use std::path::{Path, PathBuf};

pub use error::ScaffoldError;
pub use format::FileFormat;

use crate::digest::sha256_hex;
use crate::task::Kind;

/// What the user says about the files; the rest is guessed.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// What is predicted.
    pub kind: Option<Kind>,
    /// The format.
    pub format: Option<FileFormat>,
    /// Whether the first line names the columns.
    pub header: Option<bool>,
    /// A column by its name or index, or a template such as `{title} {body}`.
    pub text: Option<String>,
    /// The second text's column, likewise.
    pub text_pair: Option<String>,
    /// The label's column.
    pub label: Option<String>,
    /// The column of the row's id.
    pub id: Option<String>,
}

/// A data file that is to be a split.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The split's name.
    pub split: String,
    /// Where the file is.
    pub path: PathBuf,
    /// Its place below the folder in which it will be looked for, with `/` between folders.
    pub below: String,
    /// Its SHA-256.
    pub sha256: String,
    content: String,
}

/// A task file, not yet written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The text of the task file.
    pub yaml: String,
    /// What was guessed, each with the option that corrects it.
    pub notes: Vec<String>,
}

impl SourceFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ScaffoldError::Io`], or [`ScaffoldError::NotUtf8`].
    pub fn read(split: String, path: &Path, below: String) -> Result<Self, ScaffoldError> {
        let bytes = fs::read(path).map_err(|source| ScaffoldError::Io {
            path: path.to_owned(),
            source,
            option: "--from",
        })?;
        let sha256 = sha256_hex(&bytes);
        let content = String::from_utf8(bytes).map_err(|error| ScaffoldError::NotUtf8 {
            path: path.to_owned(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(Self { split, path: path.to_owned(), below, sha256, content })
    }

    /// The content without a byte order mark.
    fn text(&self) -> &str {
        self.content.strip_prefix('\u{feff}').unwrap_or(&self.content)
    }

    /// An error about what the file holds.
    fn wrong(&self, line: Option<usize>, message: impl Into<String>) -> ScaffoldError {
        ScaffoldError::Content { path: self.path.clone(), line, message: message.into() }
    }
}

/// What the writer needs to know.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    kind: Kind,
    format: FileFormat,
    header: bool,
    /// Keys of `reader.columns` with their values in YAML, in order.
    columns: Vec<(&'static str, String)>,
    /// The member that holds the rows; for JSON.
    member: Option<String>,
    /// For CoNLL.
    comment: Option<String>,
    /// Ids in the order of the model's outputs.
    labels: Vec<String>,
    suffix_tags: bool,
    /// Whether the labels are so uneven that accuracy says little.
    is_uneven: bool,
    /// Smallest and largest value of a regression.
    range: Option<(f64, f64)>,
    /// Characters that 99 of 100 rows stay below.
    long_text: u32,
    /// Rows of each file.
    rows: Vec<u64>,
}

/// Makes a task file of data files, the first of which is read for the guesses.
///
/// # Errors
/// [`ScaffoldError`], when a file cannot be read as its format, or allows several readings.
pub fn draft(name: &str, files: &[SourceFile], choices: &Choices) -> Result<Draft, ScaffoldError> {
    if name.is_empty()
        || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    {
        return Err(ScaffoldError::Name { name: name.to_owned() });
    }
    let first = files.first().ok_or(ScaffoldError::NoFile)?;
    let mut notes = Vec::new();
    let format = match choices.format {
        Some(format) => format,
        None => {
            let (format, why) = format::sniff(first)?;
            notes.push(format!("format: {} ({why}); --format corrects it", format.name()));
            format
        }
    };
    let shape = match format {
        FileFormat::Squad => squad::shape(files, choices)?,
        FileFormat::Conll => conll::shape(files, choices, &mut notes)?,
        _ => guess::shape(format, files, choices, &mut notes)?,
    };
    Ok(Draft { yaml: write::yaml(name, files, &shape), notes })
}
