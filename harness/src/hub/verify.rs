//! Hashing again what is in the cache: the names of contents are their hashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{HubError, RepoCache, Snapshot};
use crate::digest::ContentHash;

/// What was found of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedFile {
    /// The commit whose file it is; none for a content that is no snapshot's, and in other folders.
    pub commit: Option<String>,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Option<u64>,
    /// What it is.
    pub verdict: FileVerdict,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileVerdict {
    /// Its content is what its name says.
    Right,
    /// Its content is not what its name says.
    Damaged {
        /// For instance `SHA-256`.
        algorithm: &'static str,
        /// The name.
        expected: String,
        /// The hash of the content.
        found: String,
    },
    /// It is not there, though something points at it or needs it.
    Missing,
    /// It cannot be read.
    Unreadable(String),
    /// No hash of it is known.
    Unknown,
    /// It is what is here of a download that was cut short.
    Cut,
}

impl FileVerdict {
    /// Whether something is wrong.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Missing | Self::Unreadable(_))
    }

    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Damaged { .. } => "damaged",
            Self::Missing => "missing",
            Self::Unreadable(_) => "unreadable",
            Self::Unknown => "unknown",
            Self::Cut => "cut",
        }
    }
}

/// Verifies the files of a repository in the cache: of one revision, or of all, with the contents that are no revision's.
/// `needed`: what a model needs and has not is missing. `begins` is told each content that is read, and its size.
///
/// # Errors
/// [`HubError::NotCached`], and [`HubError::Io`] where a folder cannot be read.
pub fn verify_repo(
    repo: &RepoCache,
    revision: Option<&str>,
    needed: bool,
    begins: &mut dyn FnMut(&str, u64),
) -> Result<Vec<VerifiedFile>, HubError> {
    let commits = match revision {
        Some(revision) => {
            // Says what there is in its place.
            if let Err(error @ HubError::NotCached { .. }) = repo.look(revision) {
                return Err(error);
            }
            repo.commit(revision).into_iter().collect()
        }
        None => repo.snapshots()?,
    };
    let mut verifier = Verifier { known: BTreeMap::new(), files: Vec::new(), begins };
    for commit in commits {
        verifier.directory(&repo.snapshot(&commit), Some(&commit), needed)?;
    }
    if revision.is_none() {
        for (reference, commit) in repo.references() {
            let path = repo.snapshot(&commit);
            if !path.is_dir() {
                let name = format!("snapshot of {reference}");
                let verdict = FileVerdict::Missing;
                let commit = Some(commit);
                verifier.files.push(VerifiedFile { commit, name, path, bytes: None, verdict });
            }
        }
        for name in repo.blobs()? {
            let path = repo.blob(&name);
            if !verifier.known.contains_key(&name) {
                verifier.blob(None, name, path);
            }
        }
    }
    Ok(verifier.files)
}

/// Verifies the files of a folder. Those that point into a cache have hashes, others have none.
///
/// # Errors
/// [`HubError::Io`] where the folder cannot be read.
pub fn verify_directory(
    directory: &Path,
    begins: &mut dyn FnMut(&str, u64),
) -> Result<Vec<VerifiedFile>, HubError> {
    let mut verifier = Verifier { known: BTreeMap::new(), files: Vec::new(), begins };
    verifier.directory(directory, None, true)?;
    Ok(verifier.files)
}

struct Verifier<'a> {
    /// Contents that were read, by name: snapshots share them.
    known: BTreeMap<String, FileVerdict>,
    files: Vec<VerifiedFile>,
    begins: &'a mut dyn FnMut(&str, u64),
}

impl Verifier<'_> {
    fn directory(
        &mut self,
        root: &Path,
        commit: Option<&str>,
        needed: bool,
    ) -> Result<(), HubError> {
        let commit = commit.map(str::to_owned);
        let mut folders = vec![root.to_owned()];
        let mut paths = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(HubError::io("read", &folder))? {
                let entry = entry.map_err(HubError::io("read", &folder))?;
                let kind = entry.file_type().map_err(HubError::io("read", &folder))?;
                match kind.is_dir() {
                    true => folders.push(entry.path()),
                    false => paths.push(entry.path()),
                }
            }
        }
        paths.sort();
        let mut names = Vec::new();
        for path in paths {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            names.push(name.clone());
            self.blob(commit.clone(), name, path);
        }
        if !needed {
            return Ok(());
        }
        let missing = match Snapshot::look(root) {
            Ok(snapshot) => snapshot.missing,
            Err(HubError::Index { index, reason }) => {
                let path = PathBuf::from(&index);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let verdict = FileVerdict::Unreadable(reason);
                self.files.push(VerifiedFile {
                    commit: commit.clone(),
                    name,
                    path,
                    bytes: None,
                    verdict,
                });
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        for name in missing.into_iter().filter(|name| !names.contains(name)) {
            let (path, verdict) = (root.join(&name), FileVerdict::Missing);
            self.files.push(VerifiedFile {
                commit: commit.clone(),
                name,
                path,
                bytes: None,
                verdict,
            });
        }
        Ok(())
    }

    /// A file that is, or points at, a content.
    fn blob(&mut self, commit: Option<String>, name: String, path: PathBuf) {
        let bytes = fs::metadata(&path).ok().map(|meta| meta.len());
        let content = fs::read_link(&path).unwrap_or_else(|_| path.clone());
        let content = content.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let verdict = match (self.known.get(&content), bytes) {
            (_, None) => FileVerdict::Missing,
            // In other folders files may have the same name.
            (Some(known), _) if *known != FileVerdict::Unknown => known.clone(),
            (_, Some(bytes)) => {
                let verdict = self.read(&content, &path, &name, bytes);
                self.known.insert(content, verdict.clone());
                verdict
            }
        };
        self.files.push(VerifiedFile { commit, name, path, bytes, verdict });
    }

    fn read(&mut self, content: &str, path: &Path, name: &str, bytes: u64) -> FileVerdict {
        if content.ends_with(".incomplete") {
            return FileVerdict::Cut;
        }
        let Some(expected) = ContentHash::named(content, bytes) else {
            return FileVerdict::Unknown;
        };
        (self.begins)(name, bytes);
        match ContentHash::of_file(path, Some(&expected)) {
            Ok(found) if found == expected.hex() => FileVerdict::Right,
            Ok(found) => {
                let (algorithm, expected) = (expected.algorithm(), expected.hex().to_owned());
                FileVerdict::Damaged { algorithm, expected, found }
            }
            Err(error) => FileVerdict::Unreadable(error.to_string()),
        }
    }
}
