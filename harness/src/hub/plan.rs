//! What is to be fetched of a repository.

use std::fs;

use super::api::Remote;
use super::choose::{CONFIG, Weights, is_of_tokenizer, shards, weights};
use super::{HubError, RepoCache, Source};
use crate::digest::ContentHash;

/// The files of a revision that a model needs, and what of them is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What was asked for.
    pub source: Source,
    /// Its place in the cache.
    pub repo: RepoCache,
    /// The commit that it is.
    pub commit: String,
    /// Its files, the weights last.
    pub files: Vec<FilePlan>,
}

/// A file that a model needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlan {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// What its content must be.
    pub hash: ContentHash,
    /// What is here.
    pub state: FileState,
}

/// What of a file is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Its content, as far as the size tells.
    Here,
    /// So many bytes, of a download that was cut short.
    Missing {
        /// 0: nothing.
        kept: u64,
    },
}

impl FilePlan {
    /// Bytes that are to be downloaded.
    pub fn to_fetch(&self) -> u64 {
        match self.state {
            FileState::Here => 0,
            FileState::Missing { kept } => self.bytes.saturating_sub(kept),
        }
    }
}

/// What of a content is here.
pub(super) fn state(repo: &RepoCache, hash: &ContentHash, bytes: u64) -> FileState {
    let size = |path| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len());
    if size(repo.blob(hash.hex())) == Some(bytes) {
        return FileState::Here;
    }
    FileState::Missing { kept: size(repo.incomplete(hash.hex())).unwrap_or(0).min(bytes) }
}

impl Plan {
    /// Chooses among the files of a repository. `read_index` reads an index of shards.
    pub(super) fn new(
        source: &Source,
        repo: RepoCache,
        remote: &Remote,
        read_index: &mut dyn FnMut(&FilePlan) -> Result<Vec<u8>, HubError>,
    ) -> Result<Self, HubError> {
        let no = |what: &str| HubError::NoFile {
            id: source.id.to_string(),
            commit: remote.commit.clone(),
            what: what.to_owned(),
            has: remote.files.keys().map(|name| crate::text::shorten(name, 80)).collect(),
        };
        let planned = |name: &str| -> Result<FilePlan, HubError> {
            let listed = remote.files.get(name).ok_or_else(|| no(name))?;
            let (bytes, hash) = remote.content(listed)?;
            let state = state(&repo, &hash, bytes);
            Ok(FilePlan { name: name.to_owned(), bytes, hash, state })
        };
        let mut files = vec![planned(CONFIG)?];
        for name in remote.files.keys().filter(|name| is_of_tokenizer(name)) {
            files.push(planned(name)?);
        }
        let chosen = weights(|name| remote.files.contains_key(name));
        match chosen.ok_or_else(|| no("weights (model.safetensors or pytorch_model.bin)"))? {
            Weights::Whole(name) => files.push(planned(name)?),
            Weights::Sharded(name) => {
                let index = planned(name)?;
                let json = read_index(&index)?;
                let what = format!("{} of {}", name, source.id);
                files.push(index);
                for shard in shards(&what, &json)? {
                    files.push(planned(&shard)?);
                }
            }
        }
        Ok(Self { source: source.clone(), repo, commit: remote.commit.clone(), files })
    }

    /// Bytes that are to be downloaded.
    pub fn to_fetch(&self) -> u64 {
        self.files.iter().map(FilePlan::to_fetch).fold(0, u64::saturating_add)
    }

    /// Counts nothing as here.
    pub fn forget(&mut self) {
        for file in &mut self.files {
            file.state = FileState::Missing { kept: 0 };
        }
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add)
    }
}
