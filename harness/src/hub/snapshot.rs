//! A folder with a model's files: what is there of them, and what is missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::choose::{CONFIG, Weights, is_of_tokenizer, is_of_weights, shards, weights};
use super::{HubCache, HubError, RepoCache, Source};

/// What is there of a model's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder.
    pub directory: PathBuf,
    /// Bytes of the files that a model needs.
    pub bytes: u64,
    /// Files that are missing, or point at what is missing.
    pub missing: Vec<String>,
    /// Those of them that an index names.
    shards: Vec<String>,
}

/// A revision in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedRevision {
    /// The commit.
    pub commit: String,
    /// The branches and tags that stood for it when they were fetched.
    pub references: Vec<String>,
    /// Its files.
    pub snapshot: Snapshot,
}

impl Snapshot {
    /// Looks at a folder: is there a configuration, and one set of weights with all that it names?
    ///
    /// # Errors
    /// [`HubError::Io`], [`HubError::Index`].
    pub fn look(directory: &Path) -> Result<Self, HubError> {
        let (mut missing, mut shards_missing) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for entry in fs::read_dir(directory).map_err(HubError::io("read", directory))? {
            let entry = entry.map_err(HubError::io("read", directory))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name != CONFIG && !is_of_tokenizer(&name) && !is_of_weights(&name) {
                continue;
            }
            // Follows links, unlike the entry's own.
            match fs::metadata(entry.path()) {
                Ok(meta) => bytes += meta.len(),
                Err(_) => missing.push(name),
            }
        }
        let has = |name: &str| directory.join(name).is_file();
        if !has(CONFIG) {
            missing.push(CONFIG.to_owned());
        }
        match weights(has) {
            Some(Weights::Whole(_)) => {}
            Some(Weights::Sharded(index)) => {
                let path = directory.join(index);
                let json = fs::read(&path).map_err(HubError::io("read", &path))?;
                let named = shards(&path.display().to_string(), &json)?;
                shards_missing.extend(named.into_iter().filter(|shard| !has(shard)));
                missing.extend_from_slice(&shards_missing);
            }
            // Those that dangle are listed already.
            None if missing.iter().any(|name| is_of_weights(name)) => {}
            None => missing.push("model.safetensors or pytorch_model.bin".to_owned()),
        }
        missing.sort();
        missing.dedup();
        Ok(Self { directory: directory.to_owned(), bytes, missing, shards: shards_missing })
    }

    /// Weights that an index names and that are missing.
    pub fn shards_missing(self) -> Vec<String> {
        self.shards
    }

    /// Whether everything is there.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

impl RepoCache {
    /// The files of a revision.
    ///
    /// # Errors
    /// [`HubError::NotCached`], [`HubError::Io`], [`HubError::Index`].
    pub fn look(&self, revision: &str) -> Result<Snapshot, HubError> {
        let directory = self.commit(revision).map(|commit| self.snapshot(&commit));
        match directory.filter(|directory| directory.is_dir()) {
            Some(directory) => Snapshot::look(&directory),
            None => Err(HubError::NotCached {
                id: self.id().to_string(),
                revision: revision.to_owned(),
                folder: self.folder().to_owned(),
                others: self
                    .revisions()
                    .unwrap_or_default()
                    .iter()
                    .map(CachedRevision::name)
                    .collect(),
            }),
        }
    }

    /// All revisions of which there are files.
    ///
    /// # Errors
    /// [`HubError::Io`]. A snapshot that cannot be looked at is listed as one without files.
    pub fn revisions(&self) -> Result<Vec<CachedRevision>, HubError> {
        let references = self.references();
        let look = |commit: String| {
            let directory = self.snapshot(&commit);
            let snapshot = Snapshot::look(&directory).unwrap_or_else(|error| Snapshot {
                directory,
                bytes: 0,
                missing: vec![error.to_string()],
                shards: Vec::new(),
            });
            let of = references.iter().filter(|(_, known)| **known == commit);
            let references = of.map(|(reference, _)| reference.clone()).collect();
            CachedRevision { commit, references, snapshot }
        };
        Ok(self.snapshots()?.into_iter().map(look).collect())
    }
}

impl CachedRevision {
    /// A name by which it can be asked for.
    pub fn name(&self) -> String {
        self.references.first().unwrap_or(&self.commit).clone()
    }
}

impl HubCache {
    /// The folder with the files of a model, all of them.
    ///
    /// # Errors
    /// [`HubError::NotCached`], [`HubError::Incomplete`], [`HubError::Io`], [`HubError::Index`].
    pub fn complete(&self, source: &Source) -> Result<PathBuf, HubError> {
        let snapshot = self.repo(&source.id).look(source.revision())?;
        if snapshot.is_complete() {
            return Ok(snapshot.directory);
        }
        let (source, directory) = (source.to_string(), snapshot.directory);
        Err(HubError::Incomplete { source_name: source, directory, missing: snapshot.missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        let missing = || Snapshot::look(folder.path()).expect("looked at").missing;
        assert_eq!(missing(), ["config.json", "model.safetensors or pytorch_model.bin"]);
        write("config.json", "{}");
        let index = r#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
        write("model.safetensors.index.json", index);
        write("model-1.safetensors", "x");
        assert_eq!(missing(), ["model-2.safetensors"]);
        write("model-2.safetensors", "x");
        assert_eq!(missing(), [""; 0]);
        std::os::unix::fs::symlink("../../blobs/none", folder.path().join("vocab.txt"))
            .expect("linked");
        std::os::unix::fs::symlink("none", folder.path().join("README.md")).expect("linked");
        assert_eq!(missing(), ["vocab.txt"], "a file that no model needs may dangle");
    }

    #[test]
    fn revisions_are_found_by_branch_slash_and_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = HubCache::new(folder.path().to_owned());
        let source = |text: &str| Source::parse(text).expect("a source");
        let repo = cache.repo(&source("o/n").id);
        let commit = "0123456789".repeat(4);
        assert!(matches!(cache.complete(&source("o/n")), Err(HubError::NotCached { .. })));
        repo.link(&commit, "config.json", "c").expect("linked");
        repo.link(&commit, "model.safetensors", "w").expect("linked");
        repo.remember("refs/pr/7", &commit).expect("written");
        let error = cache.complete(&source("o/n@refs/pr/7")).expect_err("dangling");
        assert!(
            matches!(&error, HubError::Incomplete { missing, .. } if missing.len() == 2),
            "{error}"
        );
        fs::create_dir(repo.folder().join("blobs")).expect("made");
        fs::write(repo.blob("c"), "{}").expect("written");
        fs::write(repo.blob("w"), "x").expect("written");
        let found = cache.complete(&source("o/n@refs/pr/7")).expect("found");
        assert_eq!(cache.complete(&source(&format!("o/n@{commit}"))).expect("found"), found);
        let error = cache.complete(&source("o/n")).expect_err("no main");
        assert!(matches!(&error, HubError::NotCached { others, .. } if others == &["refs/pr/7"]));
        let revisions = repo.revisions().expect("listed");
        assert_eq!((revisions.len(), revisions[0].snapshot.bytes), (1, 3));
    }
}
