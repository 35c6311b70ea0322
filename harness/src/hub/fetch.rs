//! Fetching models into the cache.

use std::path::Path;
use std::time::Duration;

use super::plan::state;
use super::{FilePlan, FileState, HubCache, HubError, Plan, Settings, Snapshot, Source, api};
use crate::digest::{ContentHash, ContentHasher};
use crate::download::{
    Client, Download, DownloadError, Growing, Retries, Watch, join_url, shown_url,
};

/// The largest index of shards that is read.
const MAX_INDEX: u64 = 64 << 20;

/// The hub, and the cache that its models are fetched into.
#[derive(Debug, Clone)]
pub struct Hub {
    settings: Settings,
    cache: HubCache,
    client: Client,
    retries: u32,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFetched {
    /// Its content was here.
    Here,
    /// It was downloaded.
    Fetched,
}

impl Hub {
    /// A hub whose server may be silent for `timeout`, and fail `retries` times in a row.
    pub fn new(settings: Settings, timeout: Duration, retries: u32) -> Self {
        let cache = HubCache::from(&settings);
        Self { settings, cache, client: Client::new(timeout), retries }
    }

    /// The cache.
    pub fn cache(&self) -> &HubCache {
        &self.cache
    }

    /// Asks what there is of a model, and looks what of it is here. Nothing is written.
    ///
    /// # Errors
    /// [`HubError::Offline`] before anything is asked; what the hub answers; [`HubError::NoFile`],
    /// [`HubError::Index`].
    pub fn plan(&self, source: &Source, watch: &mut dyn Watch) -> Result<Plan, HubError> {
        if let Some(variable) = self.settings.offline {
            return Err(HubError::Offline { id: source.to_string(), variable });
        }
        let retries = || Retries::new(self.retries);
        let remote = api::ask(&self.client, &self.settings, source, retries(), watch)?;
        let repo = self.cache.repo(&source.id);
        Plan::new(source, repo.clone(), &remote, &mut |index| {
            // What is here need not be asked for.
            if index.state == FileState::Here {
                let path = repo.blob(index.hash.hex());
                return std::fs::read(&path).map_err(HubError::io("read", &path));
            }
            let url = self.url(source, &remote.commit, &index.name);
            let (token, limit) = (self.settings.token.as_ref(), index.bytes.min(MAX_INDEX));
            let read = self.client.read(&url, token, limit, retries(), watch);
            let json = read.map_err(|error| api::refused(error, &self.settings, source))?;
            checked(&url, json, &index.hash)
        })
    }

    /// Whether there is room for what a plan downloads.
    ///
    /// # Errors
    /// [`HubError::Room`].
    pub fn check_room(&self, plan: &Plan) -> Result<(), HubError> {
        check_room(self.cache.folder(), plan.to_fetch(), free(self.cache.folder()))
    }

    /// Sees to it that a file of a plan is here; `again` downloads it whatever is here.
    ///
    /// # Errors
    /// [`HubError`]; what came of the file is kept for the next time.
    pub fn fetch(
        &self,
        plan: &Plan,
        file: &FilePlan,
        again: bool,
        watch: &mut dyn Watch,
    ) -> Result<FileFetched, HubError> {
        let hash = file.hash.hex();
        let mut fetched = FileFetched::Here;
        // Looked at again: another process may have fetched it since the plan was made.
        if again || state(&plan.repo, &file.hash, file.bytes) != FileState::Here {
            let download = Download {
                url: self.url(&plan.source, &plan.commit, &file.name),
                target: plan.repo.blob(hash),
                expected: Some(file.hash.clone()),
                max_bytes: file.bytes,
                token: self.settings.token.clone(),
                growing: Growing::HubBlob { lock: plan.repo.lock(hash) },
            };
            let got = self.client.download(&download, Retries::new(self.retries), watch);
            let got = got.map_err(|error| api::refused(error, &self.settings, &plan.source))?;
            if !got.by_another {
                fetched = FileFetched::Fetched;
            }
        }
        plan.repo.link(&plan.commit, &file.name, hash)?;
        Ok(fetched)
    }

    /// Remembers the revision, once all files of a plan are here.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn finish(&self, plan: &Plan) -> Result<Snapshot, HubError> {
        plan.repo.remember(plan.source.revision(), &plan.commit)?;
        Snapshot::look(&plan.repo.snapshot(&plan.commit))
    }

    fn url(&self, source: &Source, commit: &str, file: &str) -> String {
        join_url(&self.settings.endpoint, &format!("{}/resolve/{commit}/{file}", source.id))
    }
}

/// A document, where it is what it should be.
fn checked(url: &str, document: Vec<u8>, expected: &ContentHash) -> Result<Vec<u8>, HubError> {
    let mut hasher = ContentHasher::new(Some(expected));
    hasher.update(&document);
    let found = hasher.hex();
    if found == expected.hex() {
        return Ok(document);
    }
    let error = DownloadError::Hash {
        from: shown_url(url),
        algorithm: expected.algorithm(),
        found,
        expected: expected.hex().to_owned(),
        bytes: document.len() as u64,
        content_type: None,
    };
    Err(error.into())
}

/// Bytes that are free for this user where a folder is or will be; none where the system does not say.
fn free(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let there = if there == Path::new("") { Path::new(".") } else { there };
    let system = rustix::fs::statvfs(there).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

fn check_room(folder: &Path, needed: u64, free: Option<u64>) -> Result<(), HubError> {
    match free {
        Some(free) if needed > free => {
            Err(HubError::Room { folder: folder.to_owned(), needed, free })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_looked_at_where_the_folder_will_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let free = free(&folder.path().join("not/yet/there")).expect("a number");
        assert!(free > 0);
        check_room(folder.path(), free, Some(free)).expect("just enough");
        check_room(folder.path(), 1, None).expect("nobody knows");
        let error =
            check_room(folder.path(), 2048, Some(1024)).expect_err("too little").to_string();
        assert!(error.ends_with("2.0 KiB are to be downloaded, 1.0 KiB are free"), "{error}");
    }
}
