//! The file that a download grows in, beside its target, and what is known of it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::headers::Fields;
use super::place::{folder_of, sync_folder};
use super::url::shown_url;
use super::{Download, DownloadError, Growing, Watch};
use crate::digest::{ContentHash, ContentHasher};
use serde::{Deserialize, Serialize};

/// A download that is under way. This process alone writes it: the file, or one that stands for it, is locked
/// (flock), and the kernel frees the lock however the process ends.
#[derive(Debug)]
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    /// Held while this lives, where the lock is a file of its own.
    _lock: Option<File>,
    /// None where the target's name says all that a note would.
    note_path: Option<PathBuf>,
    note: Note,
    expected: Option<ContentHash>,
    hasher: ContentHasher,
    len: u64,
    /// Whether part of it came in an earlier try or from an earlier process.
    pieced: bool,
}

/// What is known of the file, in `.NAME.partial.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    url: String,
    sha256: Option<String>,
    /// For `If-Range`.
    validator: Option<String>,
    etag: Option<String>,
    total: Option<u64>,
}

impl Partial {
    /// Opens and locks the partial file of a download, and takes up what an earlier process left of it.
    /// Waits while another process has it.
    pub(super) fn open(download: &Download, watch: &mut dyn Watch) -> Result<Self, DownloadError> {
        let folder = folder_of(&download.target);
        fs::create_dir_all(folder).map_err(DownloadError::io("make the folder", folder))?;
        let (path, note_path, lock_path) = names(download)?;
        let (file, lock) = match lock_path {
            None => (lock(&path, watch)?, None),
            Some(lock_path) => {
                let folder = folder_of(&lock_path);
                fs::create_dir_all(folder).map_err(DownloadError::io("make the folder", folder))?;
                let lock = lock(&lock_path, watch)?;
                (open(&path)?, Some(lock))
            }
        };
        let expected = download.expected.clone();
        let note = Note {
            url: shown_url(&download.url),
            sha256: expected.as_ref().map(|expected| expected.hex().to_owned()),
            ..Note::default()
        };
        let hasher = ContentHasher::new(expected.as_ref());
        let (len, pieced) = (0, false);
        let mut partial =
            Self { file, path, _lock: lock, note_path, note, expected, hasher, len, pieced };
        match partial.earlier_note() {
            Some(note) => partial.take_up(note),
            None => partial.clear(),
        }
        .map_err(DownloadError::io("write", &partial.path))?;
        Ok(partial)
    }

    /// The note of an earlier process, when it is of the same file and there is a hash to check the whole with:
    /// after a power cut the file can hold less than its length says. What another server said of the file
    /// does not count for this one.
    fn earlier_note(&self) -> Option<Note> {
        let Some(note_path) = &self.note_path else {
            return self.expected.is_some().then(|| self.note.clone());
        };
        let note: Note = serde_json::from_slice(&fs::read(note_path).ok()?).ok()?;
        if note.sha256.is_none() || note.sha256 != self.note.sha256 {
            return None;
        }
        Some(if note.url == self.note.url { note } else { self.note.clone() })
    }

    fn take_up(&mut self, note: Note) -> io::Result<()> {
        let mut block = vec![0u8; 1 << 18];
        self.file.rewind()?;
        loop {
            match self.file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => {
                    self.hasher.update(&block[..read]);
                    self.len += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.note = note;
        self.pieced = self.len > 0;
        Ok(())
    }

    /// Empties the file.
    fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        (self.len, self.pieced) = (0, false);
        self.hasher = ContentHasher::new(self.expected.as_ref());
        Ok(())
    }

    /// Bytes that are here.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether it was put together from several tries.
    pub(super) fn is_pieced(&self) -> bool {
        self.pieced
    }

    /// The size of the whole file, where the server told it.
    pub(super) fn total(&self) -> Option<u64> {
        self.note.total
    }

    /// Where to go on, and what to send as `If-Range`. From the beginning, where neither the server nor a hash
    /// could tell that the two pieces are of one file.
    pub(super) fn resume(&self) -> (u64, Option<&str>) {
        let validator = self.note.validator.as_deref();
        if validator.is_none() && self.note.sha256.is_none() {
            (0, None)
        } else {
            (self.len, validator)
        }
    }

    /// Whether a response to a range is of the same file as what is here.
    pub(super) fn fits(&self, fields: &Fields) -> bool {
        let same_tag = match (&self.note.etag, &fields.etag) {
            (Some(known), Some(told)) => known == told,
            _ => true,
        };
        let same_total = match (self.note.total, fields.range.and_then(|range| range.total)) {
            (Some(known), Some(told)) => known == told,
            _ => true,
        };
        same_tag && same_total
    }

    /// Begins a whole file anew.
    pub(super) fn begin(&mut self, fields: &Fields) -> Result<(), DownloadError> {
        self.restart()?;
        self.note.validator = fields.validator();
        self.note.etag.clone_from(&fields.etag);
        self.note.total = fields.length;
        let Some(note_path) = &self.note_path else { return Ok(()) };
        let note = serde_json::to_vec(&self.note).map_err(io::Error::from);
        note.and_then(|note| fs::write(note_path, note))
            .map_err(DownloadError::io("write", note_path))
    }

    /// Forgets what is here.
    pub(super) fn restart(&mut self) -> Result<(), DownloadError> {
        (self.note.validator, self.note.etag, self.note.total) = (None, None, None);
        self.clear().map_err(DownloadError::io("write", &self.path))
    }

    /// Goes on where the file ends.
    pub(super) fn go_on(&mut self, fields: &Fields) {
        self.pieced |= self.len > 0;
        // What another process left came without a note.
        let told = fields.range.and_then(|range| range.total);
        let rest = || Some(self.len + fields.length?);
        self.note.total = self.note.total.or(told).or_else(rest);
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(DownloadError::io("write", &self.path))?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The hash of what is here.
    pub(super) fn hash(&self) -> String {
        self.hasher.hex()
    }

    /// Puts the file in its place, durably.
    pub(super) fn land(self, target: &Path) -> Result<(), DownloadError> {
        let folder = folder_of(target);
        self.file.sync_all().map_err(DownloadError::io("write", &self.path))?;
        fs::rename(&self.path, target).map_err(DownloadError::io("write", target))?;
        sync_folder(folder).map_err(DownloadError::io("sync", folder))?;
        self.remove_note();
        Ok(())
    }

    /// Removes the file. It stays locked until then, so that nobody else's is removed.
    pub(super) fn remove(self) {
        // What cannot be removed is found, and begun anew or taken up, by the next download.
        let _ = fs::remove_file(&self.path);
        self.remove_note();
    }

    /// A note that stays is harmless: it is of no use without its file.
    fn remove_note(&self) {
        if let Some(note_path) = &self.note_path {
            let _ = fs::remove_file(note_path);
        }
    }

    /// Ends without the whole file: keeps what the next download can take up; how many bytes.
    pub(super) fn keep(self) -> u64 {
        // A write that failed may have written a part; it is the file's all the same.
        let len = self.file.metadata().map_or(self.len, |meta| meta.len());
        if len > 0 && self.expected.is_some() {
            return len;
        }
        self.remove();
        0
    }
}

/// The file, its note, and the file that is locked where that is another one.
fn names(
    download: &Download,
) -> Result<(PathBuf, Option<PathBuf>, Option<PathBuf>), DownloadError> {
    let target = &download.target;
    let name = target.file_name().ok_or_else(|| {
        DownloadError::io("write", target)(io::Error::from(io::ErrorKind::InvalidInput))
    })?;
    let beside = |start: &str, end: &str| {
        let mut named = std::ffi::OsString::from(start);
        named.push(name);
        named.push(end);
        target.with_file_name(named)
    };
    Ok(match &download.growing {
        Growing::Beside => (beside(".", ".partial"), Some(beside(".", ".partial.json")), None),
        Growing::HubBlob { lock } => (beside("", ".incomplete"), None, Some(lock.clone())),
    })
}

/// Opens the file at `path`, which may be there.
fn open(path: &Path) -> Result<File, DownloadError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(DownloadError::io("write", path))
}

/// Opens and locks the file at `path`.
fn lock(path: &Path, watch: &mut dyn Watch) -> Result<File, DownloadError> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                watch.waits(path);
                file.lock().map_err(DownloadError::io("lock", path))?;
            }
            // A file system without locks; two downloads at once are not told apart there.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(DownloadError::io("lock", path)(error)),
        }
        // The process that had it may have renamed or removed it meanwhile: then the lock is of no use.
        let opened = file.metadata().map_err(DownloadError::io("read", path))?;
        if fs::metadata(path)
            .is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino()))
        {
            return Ok(file);
        }
    }
}

#[cfg(test)]
#[path = "partial_tests.rs"]
mod tests;
