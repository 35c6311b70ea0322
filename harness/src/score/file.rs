//! A predictions file as text.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ScoreError;
use super::lines::lines;
use crate::digest::sha256_hex;

/// A file that was read whole. Predictions are slices of its text.
#[derive(Debug)]
pub(super) struct TextFile {
    pub(super) path: PathBuf,
    content: String,
}

impl TextFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ScoreError`]: a folder, a compressed or binary file, text that is not UTF-8, an empty file.
    pub(super) fn read(path: &Path) -> Result<Self, ScoreError> {
        let bytes = fs::read(path).map_err(|source| match source.kind() {
            io::ErrorKind::IsADirectory => ScoreError::Folder { path: path.to_owned() },
            _ => ScoreError::Io { path: path.to_owned(), source },
        })?;
        Self::new(bytes, path)
    }

    /// The content of a file that is called `path`.
    pub(super) fn new(bytes: Vec<u8>, path: &Path) -> Result<Self, ScoreError> {
        Ok(Self { path: path.to_owned(), content: decode(bytes, path)? })
    }

    /// The text without the byte order mark.
    pub(super) fn text(&self) -> &str {
        self.content.trim_start_matches('\u{feff}')
    }

    /// Does `work` while another thread hashes the file: without instructions for it, hashing takes
    /// longer than parsing.
    pub(super) fn hashed_during<T>(&self, work: impl FnOnce() -> T) -> (T, String) {
        std::thread::scope(|scope| {
            let hash = || sha256_hex(self.content.as_bytes());
            let thread = scope.spawn(hash);
            let done = work();
            (done, thread.join().unwrap_or_else(|_| hash()))
        })
    }
}

/// First bytes by which compressed files and the like are known, what they are, and what unpacks them.
const KINDS: [(&[u8], &str, &str); 6] = [
    (b"\x1f\x8b", "compressed with gzip", "gzip -d"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "zstd -d"),
    (b"BZh", "compressed with bzip2", "bzip2 -d"),
    (b"\xfd7zXZ\0", "compressed with xz", "xz -d"),
    (b"PK\x03\x04", "a zip archive (or a spreadsheet)", "unzip"),
    (b"PAR1", "a Parquet file", "a tool of its own into CSV"),
];

/// The bytes as text.
fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, ScoreError> {
    let path = || path.to_owned();
    if let Some((_, what, tool)) = KINDS.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        return Err(ScoreError::Packed { path: path(), what, tool });
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(ScoreError::NotUtf8 { path: path(), line: 1, offset: 0, is_utf16: true });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..offset]);
        // One more character, so that an offset at the beginning of a line counts as that line's.
        let line = lines(&format!("{before}?")).last().map_or(1, |(line, _)| line);
        ScoreError::NotUtf8 { path: path(), line, offset, is_utf16: false }
    })?;
    if let Some(offset) = text.find('\0') {
        return Err(ScoreError::Binary { path: path(), offset });
    }
    if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() {
        return Err(ScoreError::Empty { path: path() });
    }
    Ok(text)
}
