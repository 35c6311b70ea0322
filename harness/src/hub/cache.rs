//! The folders of the cache.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{HubError, RepoId, Settings, is_commit};

/// The cache of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubCache {
    folder: PathBuf,
}

/// A repository in the cache; it need not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoCache {
    id: RepoId,
    folder: PathBuf,
    locks: PathBuf,
}

impl HubCache {
    /// The cache in a folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The cache that the environment names.
    ///
    /// # Errors
    /// [`HubError::NoCache`].
    pub fn of_environment() -> Result<Self, HubError> {
        super::cache_folder().map(Self::new).ok_or(HubError::NoCache)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A repository.
    pub fn repo(&self, id: &RepoId) -> RepoCache {
        let name = id.folder_name();
        RepoCache {
            id: id.clone(),
            folder: self.folder.join(&name),
            locks: self.folder.join(".locks").join(name),
        }
    }

    /// The repositories that are there, by id; none where there is no cache.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn repos(&self) -> Result<Vec<RepoCache>, HubError> {
        let names = names(&self.folder)?;
        Ok(names
            .iter()
            .filter_map(|name| RepoId::of_folder(name))
            .map(|id| self.repo(&id))
            .collect())
    }
}

impl From<&Settings> for HubCache {
    fn from(settings: &Settings) -> Self {
        Self::new(settings.cache.clone())
    }
}

impl RepoCache {
    /// Its id.
    pub fn id(&self) -> &RepoId {
        &self.id
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the content with this hash is.
    pub fn blob(&self, hash: &str) -> PathBuf {
        self.folder.join("blobs").join(hash)
    }

    /// Where that content grows.
    pub fn incomplete(&self, hash: &str) -> PathBuf {
        self.folder.join("blobs").join(format!("{hash}.incomplete"))
    }

    /// What is locked meanwhile.
    pub fn lock(&self, hash: &str) -> PathBuf {
        self.locks.join(format!("{hash}.lock"))
    }

    /// The names in `blobs`.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn blobs(&self) -> Result<Vec<String>, HubError> {
        names(&self.folder.join("blobs"))
    }

    /// The files of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// The commits of which there are files.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn snapshots(&self) -> Result<Vec<String>, HubError> {
        names(&self.folder.join("snapshots"))
    }

    fn reference(&self, revision: &str) -> PathBuf {
        self.folder.join("refs").join(revision)
    }

    /// The commit of a revision: itself, if it is one, else what the cache remembers of it.
    pub fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let commit = fs::read_to_string(self.reference(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// The branches and tags that the cache remembers, and their commits.
    pub fn references(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for name in names(&self.reference(&folder)).unwrap_or_default() {
                let revision = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if self.reference(&revision).is_dir() {
                    folders.push(revision);
                } else if let Some(commit) = self.commit(&revision) {
                    found.insert(revision, commit);
                }
            }
        }
        found
    }

    /// Remembers the commit of a revision.
    pub(super) fn remember(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        // Not written anew where it says so already: the cache may be read-only.
        if is_commit(revision) || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.reference(revision);
        let folder = path.parent().unwrap_or(&self.folder);
        make_folder(folder)?;
        let write = || {
            use std::os::unix::fs::PermissionsExt as _;
            let mut file = tempfile::Builder::new()
                .prefix(".tmp-")
                .permissions(fs::Permissions::from_mode(0o666))
                .tempfile_in(folder)?;
            file.write_all(commit.as_bytes())?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        };
        write().map_err(HubError::io("write", &path))
    }

    /// Makes the file of a commit point at its content.
    pub(super) fn link(&self, commit: &str, file: &str, hash: &str) -> Result<(), HubError> {
        let folder = self.snapshot(commit);
        let (path, target) = (folder.join(file), Path::new("../../blobs").join(hash));
        if fs::read_link(&path).is_ok_and(|found| found == target) {
            return Ok(());
        }
        make_folder(&folder)?;
        // Renamed into place, so that there is never a moment without the file.
        let temporary = folder.join(format!(".tmp-{}-{file}", std::process::id()));
        let _ = fs::remove_file(&temporary);
        symlink(&target, &temporary)
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(HubError::io("link", &path))
    }
}

fn make_folder(folder: &Path) -> Result<(), HubError> {
    fs::create_dir_all(folder).map_err(HubError::io("make the folder", folder))
}

/// The names in a folder, sorted, without hidden ones and those that are no UTF-8; none where there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, HubError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(HubError::io("read", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(HubError::io("read", folder))?;
        names.extend(entry.file_name().into_string().ok().filter(|name| !name.starts_with('.')));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_remembered_and_files_linked() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = HubCache::new(folder.path().join("hub"));
        assert_eq!(cache.repos().expect("no cache"), []);
        let repo = cache.repo(&RepoId::parse("org/name").expect("an id"));
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        assert_eq!((repo.commit("main"), repo.commit(&a)), (None, Some(a.clone())));
        repo.remember("main", &a).expect("written");
        repo.remember("main", &b).expect("written");
        repo.remember("refs/pr/1", &a).expect("written");
        repo.remember(&a, &a).expect("nothing to write");
        let refs: Vec<_> = repo.references().into_iter().collect();
        assert_eq!(refs, [("main".into(), b.clone()), ("refs/pr/1".into(), a.clone())]);
        assert_eq!(repo.commit("main"), Some(b));
        fs::write(repo.folder().join("refs/main"), "../../elsewhere").expect("written");
        assert_eq!(repo.commit("main"), None, "what is no commit names no folder");

        fs::create_dir_all(repo.folder().join("blobs")).expect("made");
        fs::write(repo.blob("x"), "content").expect("written");
        for _ in 0..2 {
            repo.link(&a, "config.json", "x").expect("linked");
        }
        repo.link(&a, "vocab.txt", "gone").expect("linked");
        repo.link(&a, "vocab.txt", "x").expect("linked anew");
        for file in ["config.json", "vocab.txt"] {
            let link = fs::read_link(repo.snapshot(&a).join(file)).expect("a link");
            assert_eq!(link, Path::new("../../blobs/x"));
            assert_eq!(fs::read(repo.snapshot(&a).join(file)).expect("read"), b"content");
        }
        assert_eq!(fs::read_dir(repo.snapshot(&a)).expect("read").count(), 2);
        assert_eq!(cache.repos().expect("read"), [repo]);
    }
}
