//! A split of a task in memory: one buffer, and the places of its rows in it.

use std::borrow::Cow;
use std::path::Path;

use super::builder::Parsed;
use super::error::DataError;
use super::labels::{LabelIndex, labels_of};
use super::locate::{DataPlaces, SplitFile};
use super::row::{Gold, Row};
use super::store::Store;
use super::{folder, reader};
use crate::digest::sha256_hex;
use crate::record::DataInfo;
use crate::task::{Label, Part, Split, Task};

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
    store: Store,
    labels: Vec<Label>,
    info: DataInfo,
    warnings: Vec<String>,
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
        Self::read(task, name, Some(split), &file, places, options)
    }

    /// Reads a file that need not be one of the task's splits, with the task's reader. It is verified
    /// when its hash is that of one of the splits, and then bears its name. A labels file is looked for
    /// beside it too.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn open_file(task: &Task, path: &Path, limit: Option<u64>) -> Result<Self, DataError> {
        let file = SplitFile::Path(path.to_owned());
        let places = DataPlaces::new(None).and_beside(path);
        let options = DatasetOptions { limit, allow_unverified: true };
        let mut dataset = Self::read(task, "", None, &file, &places, options)?;
        let known = task.splits.iter().find(|(_, split)| {
            split.part.is_none() && split.sha256.as_ref() == Some(&dataset.info.sha256)
        });
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
        places: &DataPlaces,
        options: DatasetOptions,
    ) -> Result<Self, DataError> {
        let (labels, labels_sha256) = labels_of(task, places)?;
        let index = LabelIndex::new(&labels);
        let expected = split.and_then(|split| split.sha256.as_deref());
        let (buffer, store, sha256) = match file.folder() {
            Some(path) => folder::read(task, &index, path, expected)?,
            None => read_file(task, &index, file, expected)?,
        };
        let rows = store.entries.len() as u64;
        let info = DataInfo {
            file: file.display(),
            sha256,
            rows,
            part: split.and_then(|split| split.part),
            verified: false,
            labels_sha256,
        };
        let mut dataset = Self {
            task: task.name.clone(),
            split: name.to_owned(),
            buffer,
            store,
            labels,
            info,
            warnings: Vec::new(),
        };
        if let Some(split) = split {
            match dataset.verify(split) {
                Ok(()) => dataset.info.verified = true,
                // Nobody could do better with a file of which only its owners know the hash.
                Err(error @ DataError::Unnamed { .. }) => {
                    dataset.warnings.push(format!("unverified data: {error}"));
                }
                Err(error) if options.allow_unverified => {
                    dataset.warnings.push(format!("unverified data: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(part) = dataset.info.part {
            dataset.keep(part)?;
        }
        if let Some(limit) = options.limit {
            dataset.store.entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            dataset.store.clusters.truncate(dataset.store.entries.len());
        }
        Ok(dataset)
    }

    /// Leaves the rows of a part alone.
    fn keep(&mut self, part: Part) -> Result<(), DataError> {
        let rows = self.store.entries.len();
        let place = |row: u64| usize::try_from(row).ok().filter(|row| *row <= rows);
        let (Some(from), Some(to)) = (place(part.from), place(part.to)) else {
            return Err(DataError::Part {
                file: self.info.file.clone(),
                task: self.task.clone(),
                split: self.split.clone(),
                rows: self.info.rows,
                from: part.from,
                to: part.to,
            });
        };
        self.store.entries.truncate(to);
        self.store.entries.drain(..from);
        if !self.store.clusters.is_empty() {
            self.store.clusters.truncate(to);
            self.store.clusters.drain(..from);
        }
        Ok(())
    }

    fn verify(&self, split: &Split) -> Result<(), DataError> {
        let (file, task, name) = (self.info.file.clone(), self.task.clone(), self.split.clone());
        let Some(expected) = split.sha256.clone() else {
            return Err(DataError::Unnamed { file, task, split: name });
        };
        if self.info.sha256 != expected {
            let found = self.info.sha256.clone();
            return Err(DataError::Sha256 { file, task, split: name, found, expected });
        }
        match split.rows {
            Some(expected) if self.info.rows != expected => {
                let found = self.info.rows;
                Err(DataError::Rows { file, task, split: name, found, expected })
            }
            _ => Ok(()),
        }
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
        self.store.skipped_empty
    }

    /// The rows at these indices, in this order, as a data set of their own; indices beyond the last row
    /// are passed over.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        let store = &self.store;
        let kept = || rows.iter().copied().filter(|&row| row < store.entries.len());
        let clusters = match store.clusters.as_slice() {
            [] => Vec::new(),
            all => kept().map(|row| all[row]).collect(),
        };
        Self {
            task: self.task.clone(),
            split: self.split.clone(),
            buffer: self.buffer.clone(),
            store: Store {
                entries: kept().map(|row| store.entries[row]).collect(),
                words: store.words.clone(),
                tags: store.tags.clone(),
                answers: store.answers.clone(),
                clusters,
                skipped_empty: store.skipped_empty,
            },
            labels: self.labels.clone(),
            info: self.info.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// Number of rows, after the limit.
    pub fn len(&self) -> usize {
        self.store.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.store.entries.is_empty()
    }

    /// The labels in the order of a model's outputs: the task's, or those of its labels file.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// For each row the number of its cluster; none where rows are independent of each other.
    pub fn clusters(&self) -> Option<&[u32]> {
        (!self.store.clusters.is_empty()).then_some(self.store.clusters.as_slice())
    }

    /// The row at `index`.
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        self.store.row(&self.buffer, index)
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len())
            .map(|index| self.store.row(&self.buffer, index).expect("an index below the length"))
    }

    /// The gold labels of a classification as indices into [`labels`](Self::labels); empty for other
    /// tasks.
    pub fn gold_labels(&self) -> Vec<u32> {
        let label = |row: Row<'_>| match row.gold {
            Gold::Label(label) => Some(label),
            _ => None,
        };
        self.rows().filter_map(label).collect()
    }

    /// The gold values of a regression; empty for other tasks.
    pub fn gold_values(&self) -> Vec<f64> {
        let value = |row: Row<'_>| match row.gold {
            Gold::Value(value) => Some(value),
            _ => None,
        };
        self.rows().filter_map(value).collect()
    }
}

/// The rows of one file, what their places are of, and the file's SHA-256.
fn read_file(
    task: &Task,
    labels: &LabelIndex<'_>,
    file: &SplitFile,
    expected: Option<&str>,
) -> Result<(Cow<'static, str>, Store, String), DataError> {
    let too_large = |bytes: usize| {
        let is_too_large = bytes >= u32::MAX as usize;
        let error = || DataError::TooLarge { file: file.display(), bytes: bytes as u64 };
        if is_too_large { Err(error()) } else { Ok(()) }
    };
    let bytes = file.read()?;
    let sha256 = sha256_hex(&bytes);
    too_large(bytes.len())?;
    let content = into_text(bytes, file)?;
    let parsed = reader::parse(task, labels, &content, &file.name());
    let Parsed { store, text } = parsed.map_err(|error| DataError::Row {
        file: file.display(),
        error,
        is_expected_file: expected == Some(sha256.as_str()),
    })?;
    let buffer = text.map_or(content, Cow::Owned);
    // Texts that are put together may be longer than the file.
    too_large(buffer.len())?;
    Ok((buffer, store, sha256))
}

pub(super) fn into_text(
    bytes: Cow<'static, [u8]>,
    file: &SplitFile,
) -> Result<Cow<'static, str>, DataError> {
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
