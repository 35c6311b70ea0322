//! Whether a split's file is here, and whether it is the one that the task names.

use std::path::PathBuf;

use super::Item;
use crate::data::{DataError, DataPlaces, SplitFile};
use crate::digest::{HashCache, sha256_hex};

/// What a look at a split found.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked<'a> {
    /// The split.
    pub item: Item<'a>,
    /// Its file, where it is here.
    pub file: Option<SplitFile>,
    /// Size of the file.
    pub bytes: Option<u64>,
    /// What it is.
    pub state: State,
}

/// What the file of a split is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The file that the task names, by its SHA-256.
    Verified,
    /// A file; the task names no SHA-256.
    Unverified,
    /// A file with another SHA-256, this one.
    Other(String),
    /// A file that cannot be read, and why.
    Unreadable(String),
    /// Not here; these paths were looked at.
    Missing(Vec<PathBuf>),
}

impl State {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Other(_) => "other",
            Self::Unreadable(_) => "unreadable",
            Self::Missing(_) => "missing",
        }
    }

    /// Whether a run would take it.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Verified | Self::Unverified)
    }
}

/// Looks at one split. A large file that was hashed before, and has not changed since, is not read again.
pub fn look<'a>(item: Item<'a>, places: &DataPlaces, hashes: &mut HashCache) -> Looked<'a> {
    let missing = |places| Looked { item, file: None, bytes: None, state: State::Missing(places) };
    let file = match places.find(item.task, item.name, item.split) {
        Ok(file) => file,
        Err(DataError::NotFound { places, .. }) => return missing(places),
        Err(_) => return missing(Vec::new()),
    };
    let hashed = match &file {
        SplitFile::Bundled(_) => file
            .read()
            .map(|bytes| (sha256_hex(&bytes), bytes.len() as u64))
            .map_err(|e| e.to_string()),
        SplitFile::Path(path) => path
            .metadata()
            .and_then(|meta| Ok((hashes.sha256(path)?, meta.len())))
            .map_err(|error| error.to_string()),
    };
    let (state, bytes) = match hashed {
        Ok((found, bytes)) => {
            let state = match &item.split.sha256 {
                Some(expected) if *expected == found => State::Verified,
                Some(_) => State::Other(found),
                None => State::Unverified,
            };
            (state, Some(bytes))
        }
        Err(reason) => (State::Unreadable(reason), None),
    };
    Looked { item, file: Some(file), bytes, state }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::task::Registry;

    #[test]
    fn every_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = DataPlaces::new(Some(folder.path()));
        let mut task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
        let path = folder.path().join("nsmc/ratings_test.txt");
        fs::create_dir(folder.path().join("nsmc")).expect("made");
        let mut hashes = HashCache::default();
        let mut state = |task: &crate::task::Task, name: &str| {
            let split = &task.splits[name];
            let item =
                Item { task, name: task.splits.get_key_value(name).expect("is there").0, split };
            let looked = look(item, &places, &mut hashes);
            (looked.state, looked.bytes)
        };
        assert_eq!(state(&task, "test"), (State::Missing(vec![path.clone()]), None));
        assert_eq!(state(&task, "sample").0, State::Verified);
        fs::write(&path, "abc").expect("written");
        assert_eq!(state(&task, "test"), (State::Other(sha256_hex(b"abc")), Some(3)));
        task.splits.get_mut("test").expect("is there").sha256 = Some(sha256_hex(b"abc"));
        assert_eq!(state(&task, "test"), (State::Verified, Some(3)));
        task.splits.get_mut("test").expect("is there").sha256 = None;
        assert_eq!(state(&task, "test"), (State::Unverified, Some(3)));
    }
}
