//! Which weights a model is opened with, and their hash.

use crate::digest::{HashCache, sha256_hex};
use crate::dirs;
use crate::hint::Hint;
use crate::plugin::Variant;
use std::io;
use std::path::{Path, PathBuf};

/// Where weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpoint {
    /// They are part of the plugin; the plugin's own hash covers them.
    Bundled,
    /// A Hugging Face directory.
    Directory(PathBuf),
}

/// Weights that are not there.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The model has no bundled weights, and none were named or found.
    #[error("{model} needs a checkpoint: its weights are not part of the plugin{}", where_published(hub_id.as_deref()))]
    Needed {
        /// The model.
        model: String,
        /// Where the weights are published.
        hub_id: Option<String>,
    },
    /// The named directory is none.
    #[error("--checkpoint {}: no such directory", path.display())]
    NoDirectory {
        /// As it was named.
        path: PathBuf,
    },
    /// A hub id without a snapshot on this machine.
    #[error("--checkpoint hf:{id}: not in the Hugging Face cache ({})", cache.display())]
    NotCached {
        /// The hub id.
        id: String,
        /// The place that was looked at.
        cache: PathBuf,
    },
    /// A directory without weights.
    #[error("{}: no config.json in this directory", path.display())]
    NoConfig {
        /// The directory.
        path: PathBuf,
    },
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

fn where_published(hub_id: Option<&str>) -> String {
    hub_id.map(|id| format!(" (they are published as {id})")).unwrap_or_default()
}

impl Hint for CheckpointError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Needed { hub_id, .. } => {
                let id = hub_id.as_deref().unwrap_or("ORG/NAME");
                format!(
                    "--checkpoint DIR names a Hugging Face directory (config.json, vocab.txt, model.safetensors or \
                     pytorch_model.bin); --checkpoint hf:{id} takes it from the Hugging Face cache"
                )
            }
            Self::NotCached { id, .. } => {
                format!(
                    "fetch it once, for instance with `hf download {id}`; kobench downloads nothing during a run"
                )
            }
            Self::NoDirectory { .. } => {
                "give a Hugging Face directory, or hf:ORG/NAME for one in the Hugging Face cache"
                    .into()
            }
            Self::NoConfig { .. } => {
                "a checkpoint is a Hugging Face directory: config.json beside the weights".into()
            }
            Self::Io { .. } => return None,
        })
    }
}

impl Checkpoint {
    /// The checkpoint that `named` (a directory, or `hf:ID`) or, without a name, the model itself stands
    /// for.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn resolve(model: &Variant, named: Option<&str>) -> Result<Self, CheckpointError> {
        let directory = match named {
            Some(name) => match name.strip_prefix("hf:") {
                Some(id) => snapshot(id)?,
                None => PathBuf::from(name),
            },
            None if model.bundled => return Ok(Self::Bundled),
            None => match model.hub_id.as_deref().map(snapshot) {
                Some(Ok(found)) => found,
                _ => {
                    return Err(CheckpointError::Needed {
                        model: model.name.clone(),
                        hub_id: model.hub_id.clone(),
                    });
                }
            },
        };
        if !directory.is_dir() {
            return Err(CheckpointError::NoDirectory { path: directory });
        }
        if !directory.join("config.json").is_file() {
            return Err(CheckpointError::NoConfig { path: directory });
        }
        Ok(Self::Directory(directory))
    }

    /// The directory, if it is one.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Bundled => None,
            Self::Directory(path) => Some(path),
        }
    }

    /// A hash over the names and contents of the files that can decide a result (configuration, weights,
    /// tokeniser).
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn sha256(&self, hashes: &mut HashCache) -> Result<Option<String>, CheckpointError> {
        let Some(directory) = self.directory() else { return Ok(None) };
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |source| CheckpointError::Io { path, source }
        };
        let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
            .map_err(io(directory))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| decides(path))
            .collect();
        files.sort();
        let mut all = String::new();
        for file in files {
            let sha256 = hashes.sha256(&file).map_err(io(&file))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            all.push_str(&format!("{sha256}  {name}\n"));
        }
        Ok(Some(sha256_hex(all.as_bytes())))
    }
}

/// Whether a file of a checkpoint can decide a result.
fn decides(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    path.is_file()
        && (["safetensors", "bin", "model"].contains(&extension)
            || (extension == "json" && !name.starts_with('.'))
            || name == "vocab.txt")
}

/// The newest snapshot of a hub id in Hugging Face's cache, by the cache's layout:
/// `models--ORG--NAME/refs/main` names a folder in `snapshots`. `ID@REVISION` names another.
fn snapshot(id: &str) -> Result<PathBuf, CheckpointError> {
    let cache = dirs::hugging_face_hub().unwrap_or_default();
    let (name, revision) = id.split_once('@').unwrap_or((id, "main"));
    let folder = cache.join(format!("models--{}", name.replace('/', "--")));
    let commit = std::fs::read_to_string(folder.join("refs").join(revision));
    let commit = commit.map_or_else(|_| revision.to_string(), |c| c.trim().to_string());
    let found = folder.join("snapshots").join(commit);
    if found.is_dir() {
        Ok(found)
    } else {
        Err(CheckpointError::NotCached { id: id.into(), cache })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(bundled: bool) -> Variant {
        let mut v = Variant::new("kcbert-base", "bert");
        v.bundled = bundled;
        v.hub_id = Some("nobody/of-this-name".into());
        v
    }

    #[test]
    fn bundled_weights_need_no_checkpoint_and_others_say_where_they_are_published() {
        assert_eq!(Checkpoint::resolve(&variant(true), None).unwrap(), Checkpoint::Bundled);
        let error = Checkpoint::resolve(&variant(false), None).unwrap_err();
        assert!(error.to_string().contains("nobody/of-this-name"), "{error}");
        let error = Checkpoint::resolve(&variant(true), Some("hf:no/such@thing")).unwrap_err();
        assert!(error.hint().unwrap().contains("hf download no/such@thing"));
    }

    #[test]
    fn the_hash_follows_names_and_contents_of_the_files_that_decide() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let name = dir.path().to_str().unwrap();
        let error = Checkpoint::resolve(&variant(true), Some(name)).unwrap_err();
        assert!(matches!(error, CheckpointError::NoConfig { .. }));
        write("config.json", "{}");
        let checkpoint = Checkpoint::resolve(&variant(true), Some(name)).unwrap();
        let mut hashes = HashCache::default();
        let first = checkpoint.sha256(&mut hashes).unwrap();
        write("README.md", "a card decides nothing");
        assert_eq!(checkpoint.sha256(&mut hashes).unwrap(), first);
        write("vocab.txt", "[PAD]");
        assert_ne!(checkpoint.sha256(&mut hashes).unwrap(), first);
    }
}
