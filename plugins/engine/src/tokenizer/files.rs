//! Finding and reading a tokeniser's files.

use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use super::kind::TokenizerKind;
use crate::error::{EngineError, Result};

/// Where a tokeniser's files are.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// A Hugging Face directory.
    Directory(&'a Path),
    /// In memory, by name.
    Memory {
        /// Names and contents.
        files: &'a [(&'a str, &'a [u8])],
        /// What errors call all of them.
        origin: &'a str,
    },
}

impl Place<'_> {
    /// A file that may be missing.
    pub(super) fn read(self, name: &str) -> Result<Option<File>> {
        match self {
            Self::Directory(directory) => File::read_optional(directory.join(name)),
            Self::Memory { files, origin } => {
                let found = files.iter().find(|(known, _)| *known == name);
                Ok(found.map(|(_, bytes)| File {
                    origin: format!("{name} of {origin}"),
                    bytes: bytes.to_vec(),
                }))
            }
        }
    }

    /// The directory, or what stands for it in errors.
    fn path(self) -> PathBuf {
        match self {
            Self::Directory(directory) => directory.to_path_buf(),
            Self::Memory { origin, .. } => PathBuf::from(origin),
        }
    }
}

/// The bytes of a file, and what errors call it.
#[derive(Debug)]
pub(super) struct File {
    pub(super) origin: String,
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// Reads a file.
    pub(super) fn read(path: PathBuf) -> Result<Self> {
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Self { origin: path.display().to_string(), bytes }),
            Err(source) => Err(EngineError::Io { path, source }),
        }
    }

    /// Reads a file that may be missing.
    pub(super) fn read_optional(path: PathBuf) -> Result<Option<Self>> {
        match Self::read(path) {
            Err(EngineError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// An error about this file.
    pub(super) fn error(&self, message: impl Into<String>) -> EngineError {
        EngineError::tokenizer(&self.origin, message)
    }
}

/// The first complete set of files that a family can be opened from, and which one it is.
pub(super) fn find(kind: TokenizerKind, place: Place<'_>) -> Result<(usize, Vec<File>)> {
    for (number, names) in kind.files().iter().enumerate() {
        let files: Option<Vec<File>> =
            names.iter().map(|name| place.read(name)).collect::<Result<_>>()?;
        if let Some(files) = files {
            return Ok((number, files));
        }
    }
    let sets: Vec<String> = kind.files().iter().map(|names| names.join(" with ")).collect();
    let missing = match sets.as_slice() {
        [one] => {
            format!("a {} tokeniser needs {one}, of which something is missing", kind.describe())
        }
        several => format!(
            "a {} tokeniser needs {}; neither is there",
            kind.describe(),
            several.join(" or ")
        ),
    };
    let advice = "fetch the tokeniser's files from where the weights were published";
    Err(EngineError::Io {
        path: place.path(),
        source: IoError::new(ErrorKind::NotFound, format!("{missing}; {advice}")),
    })
}
