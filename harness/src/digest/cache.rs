//! Hashes of large files, so that weights of a gigabyte are read once, not at every start.

use super::sha256_file;
use crate::dirs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Smaller files are hashed faster than they are looked up.
const LARGE: u64 = 1 << 20;

/// Remembered hashes, in kobench's cache folder. A file counts as the same while its device, inode, size and
/// time of change are.
#[derive(Debug, Default)]
pub struct HashCache {
    file: Option<PathBuf>,
    hashes: BTreeMap<String, Hashed>,
    changed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Hashed {
    stamp: (u64, u64, u64, i64, i64),
    sha256: String,
}

impl HashCache {
    /// Reads what is remembered; a file that cannot be read is begun anew.
    pub fn open() -> Self {
        let file = dirs::cache().map(|c| c.join("hashes.json"));
        let read = file.as_ref().and_then(|f| std::fs::read(f).ok());
        let hashes = read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { file, hashes, changed: false }
    }

    /// The SHA-256 of a file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn sha256(&mut self, path: &Path) -> io::Result<String> {
        let meta = path.metadata()?;
        let stamp = (meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec());
        let key = path.canonicalize()?.to_string_lossy().into_owned();
        if let Some(known) = self.hashes.get(&key).filter(|k| k.stamp == stamp) {
            return Ok(known.sha256.clone());
        }
        let sha256 = sha256_file(path)?;
        if meta.size() > LARGE {
            self.hashes.insert(key, Hashed { stamp, sha256: sha256.clone() });
            self.changed = true;
        }
        Ok(sha256)
    }

    /// Writes what has changed; files that are gone are forgotten. Losing the cache costs time only, so that a
    /// failure to write it is no error.
    pub fn save(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.changed) else { return };
        self.hashes.retain(|path, _| Path::new(path).exists());
        self.changed = dirs::write_cache(file, &self.hashes).is_err();
    }
}
