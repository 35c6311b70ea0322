//! Descriptions of plugins, remembered by path, time of change and size, so that listing plugins starts
//! no process while nothing has changed.

use super::Description;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What a file looked like when it was described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    mtime_ns: u128,
    size: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let meta = path.metadata().ok()?;
        let mtime_ns = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Some(Self { mtime_ns, size: meta.len() })
    }
}

/// A remembered plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Remembered {
    stamp: Stamp,
    description: Description,
}

/// The cache file. Losing it costs some milliseconds, so that a file that cannot be read is started
/// anew, and one that cannot be written is left alone.
#[derive(Debug, Default)]
pub(super) struct Cache {
    file: Option<PathBuf>,
    plugins: BTreeMap<PathBuf, Remembered>,
    changed: bool,
}

impl Cache {
    /// Reads the cache file in `folder`; without a folder nothing is remembered.
    pub(super) fn open(folder: Option<&Path>) -> Self {
        // Another release may describe plugins in other words.
        let file = folder.map(|f| f.join(format!("plugins-{}.json", crate::VERSION)));
        let plugins = file
            .as_ref()
            .and_then(|f| std::fs::read(f).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { file, plugins, changed: false }
    }

    /// The description of a library that has not changed since.
    pub(super) fn get(&self, library: &Path) -> Option<Description> {
        let known = self.plugins.get(library)?;
        (Stamp::of(library)? == known.stamp).then(|| known.description.clone())
    }

    pub(super) fn put(&mut self, library: &Path, description: Description) {
        if let Some(stamp) = Stamp::of(library) {
            self.plugins.insert(library.into(), Remembered { stamp, description });
            self.changed = true;
        }
    }

    /// Writes the cache if it has changed; plugins that are gone are forgotten.
    pub(super) fn save(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.changed) else { return };
        self.plugins.retain(|path, _| path.exists());
        self.changed = crate::dirs::write_cache(file, &self.plugins).is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_library_is_described_again_and_a_broken_file_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let library = dir.path().join("libx.so");
        std::fs::write(&library, "one").unwrap();
        let folder = dir.path().join("cache");
        let mut cache = Cache::open(Some(&folder));
        assert!(cache.get(&library).is_none());
        cache.put(&library, Description::new("x", "1"));
        cache.save();

        let again = Cache::open(Some(&folder));
        assert_eq!(again.get(&library).unwrap().name, "x");
        std::fs::write(&library, "one and more").unwrap();
        assert!(again.get(&library).is_none(), "its size has changed");

        std::fs::write(cache.file.unwrap(), "{ not json").unwrap();
        assert!(Cache::open(Some(&folder)).get(&library).is_none());
    }
}
