//! A split of a task in memory: one buffer, and the places of its rows.

use std::borrow::Cow;
use std::path::Path;

use super::error::DataError;
use super::locate::{DataPlaces, SplitFile};
use super::tsv::{self, Layout, Span};
use crate::digest::sha256_hex;
use crate::record::DataInfo;
use crate::task::{Format, Split, Task};

/// How a data set is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatasetOptions {
    /// Only the first so many rows. The whole file is read and checked all the same.
    pub limit: Option<u64>,
    /// Take a file that is not the one that the task names; the data set says so.
    pub allow_unverified: bool,
}

/// The rows of one split. Texts are slices of the file's content, so memory is near its size.
#[derive(Debug)]
pub struct Dataset {
    task: String,
    split: String,
    buffer: Cow<'static, str>,
    layout: Layout,
    rows: Vec<Span>,
    info: DataInfo,
    skipped_empty: u64,
    warnings: Vec<String>,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Index in the data set, from 0, header and skipped rows not counted.
    pub index: usize,
    /// The row's own id, where the task has ids.
    pub id: Option<&'a str>,
    /// The text; may be empty.
    pub text: &'a str,
    /// The second text of a pair.
    pub text_pair: Option<&'a str>,
    /// The gold label's id.
    pub label: &'a str,
    /// Its index into the task's labels.
    pub label_index: u32,
    /// Line of the file, from 1.
    pub line: u32,
}

impl Dataset {
    /// Finds, reads and checks a split; the reported one when `split` is not given.
    ///
    /// # Errors
    /// [`DataError`]. A row that is wrong is reported before a hash that is wrong, for it says more.
    pub fn open(
        task: &Task,
        split: Option<&str>,
        places: &DataPlaces,
        options: DatasetOptions,
    ) -> Result<Self, DataError> {
        let (name, split) = task.split(split)?;
        let file = places.find(task, name, split)?;
        Self::read(task, name, Some(split), &file, options)
    }

    /// Reads a file that need not be one of the task's splits, with the task's reader. It is verified
    /// when its hash is that of one of the splits, and then bears its name.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn open_file(task: &Task, path: &Path, limit: Option<u64>) -> Result<Self, DataError> {
        let file = SplitFile::Path(path.to_owned());
        let mut dataset =
            Self::read(task, "", None, &file, DatasetOptions { limit, allow_unverified: true })?;
        let known = task.splits.iter().find(|(_, split)| split.sha256 == dataset.info.sha256);
        if let Some((name, _)) = known {
            dataset.split.clone_from(name);
            dataset.info.verified = true;
        }
        Ok(dataset)
    }

    fn read(
        task: &Task,
        name: &str,
        split: Option<&Split>,
        file: &SplitFile,
        options: DatasetOptions,
    ) -> Result<Self, DataError> {
        let bytes = file.read()?;
        let sha256 = sha256_hex(&bytes);
        let buffer = into_text(bytes, file)?;
        let parsed = match task.reader.format {
            Format::Tsv => tsv::parse(task, &buffer),
        };
        let parsed = parsed.map_err(|error| DataError::Row {
            file: file.display(),
            error,
            is_expected_file: split.is_some_and(|split| split.sha256 == sha256),
        })?;
        let rows = parsed.rows.len() as u64;
        let info = DataInfo { file: file.display(), sha256, rows, verified: false };
        let mut dataset = Self {
            task: task.name.clone(),
            split: name.to_owned(),
            buffer,
            layout: parsed.layout,
            rows: parsed.rows,
            info,
            skipped_empty: parsed.skipped_empty,
            warnings: Vec::new(),
        };
        if let Some(split) = split {
            match dataset.verify(split) {
                Ok(()) => dataset.info.verified = true,
                Err(error) if options.allow_unverified => {
                    dataset.warnings.push(format!("unverified data: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(limit) = options.limit {
            dataset.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(dataset)
    }

    fn verify(&self, split: &Split) -> Result<(), DataError> {
        let (file, task, name) = (self.info.file.clone(), self.task.clone(), self.split.clone());
        if self.info.sha256 != split.sha256 {
            let (found, expected) = (self.info.sha256.clone(), split.sha256.clone());
            return Err(DataError::Sha256 { file, task, split: name, found, expected });
        }
        if self.info.rows != split.rows {
            return Err(DataError::Rows {
                file,
                task,
                split: name,
                found: self.info.rows,
                expected: split.rows,
            });
        }
        Ok(())
    }

    /// The task's name.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// The split's name; empty for a file that is none of the task's splits.
    pub fn split(&self) -> &str {
        &self.split
    }

    /// File, hash, rows and whether they are what the task names; for the record.
    pub fn info(&self) -> &DataInfo {
        &self.info
    }

    /// What a reader of the numbers should know about the data.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Rows that the task leaves out for an empty text.
    pub fn skipped_empty(&self) -> u64 {
        self.skipped_empty
    }

    /// Number of rows, after the limit.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at `index`.
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        let span = self.rows.get(index)?;
        let fields = self.layout.fields(self.buffer.get(span.start..span.end)?).ok()?;
        Some(Row {
            index,
            id: fields.id,
            text: fields.text,
            text_pair: fields.text_pair,
            label: fields.label,
            label_index: span.label,
            line: span.line,
        })
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).filter_map(|index| self.row(index))
    }

    /// The gold labels as indices into the task's labels.
    pub fn gold(&self) -> Vec<u32> {
        self.rows.iter().map(|span| span.label).collect()
    }
}

fn into_text(bytes: Cow<'static, [u8]>, file: &SplitFile) -> Result<Cow<'static, str>, DataError> {
    let text = match bytes {
        Cow::Borrowed(bytes) => {
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| (error, bytes.to_vec()))
        }
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .map(Cow::Owned)
            .map_err(|error| (error.utf8_error(), error.into_bytes())),
    };
    text.map_err(|(error, bytes)| {
        let offset = error.valid_up_to();
        // What comes before the offset is valid.
        let before = String::from_utf8_lossy(&bytes[..offset]);
        let complete = super::lines::lines(&before).count();
        let line = if before.is_empty() || before.ends_with(['\n', '\r']) {
            complete + 1
        } else {
            complete
        };
        DataError::NotUtf8 { file: file.display(), line, offset }
    })
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
