//! Which weights a model is opened with, and their hash.

use crate::digest::{HashCache, sha256_hex};
use crate::hint::Hint;
use crate::hub::choose::is_of_tokenizer;
use crate::hub::{HubCache, HubError, MAIN, Snapshot, Source};
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
    /// A model of the hub that is not on this machine, or not all of it.
    #[error("{error}")]
    Hub {
        /// The name by which it can be fetched, where it is a plugin's own.
        model: Option<String>,
        /// What is wrong.
        error: HubError,
    },
    /// A directory without all of its weights.
    #[error("{}: {} missing", path.display(), missing.join(", "))]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// Files that its index names.
        missing: Vec<String>,
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
            Self::Needed { model, hub_id } => {
                let fetch = match hub_id {
                    Some(_) => format!("`kobench model fetch {model}` gets them; "),
                    None => String::new(),
                };
                format!(
                    "{fetch}--checkpoint DIR names a Hugging Face directory (config.json, the tokeniser's files, \
                     model.safetensors or pytorch_model.bin), --checkpoint hf:ORG/NAME one in the Hugging Face cache"
                )
            }
            Self::Hub { model, error } => {
                let fetch = model.as_ref().map(|model| format!("kobench model fetch {model}"));
                return error.hint_with(fetch.as_deref());
            }
            Self::Incomplete { .. } => {
                "copy them there too; `kobench model verify DIR` shows what is missing".into()
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
                Some(source) => return cached(None, Source::parse(source)),
                None => PathBuf::from(name),
            },
            None if model.bundled => return Ok(Self::Bundled),
            None => return published(model),
        };
        if !directory.is_dir() {
            return Err(CheckpointError::NoDirectory { path: directory });
        }
        if !directory.join("config.json").is_file() {
            return Err(CheckpointError::NoConfig { path: directory });
        }
        // A plugin of its own may keep its weights under other names, but half of a set is an accident.
        match Snapshot::look(&directory).map(|snapshot| snapshot.shards_missing()) {
            Ok(missing) if missing.is_empty() => Ok(Self::Directory(directory)),
            Ok(missing) => Err(CheckpointError::Incomplete { path: directory, missing }),
            Err(error) => Err(CheckpointError::Hub { model: None, error }),
        }
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
        && (["safetensors", "bin"].contains(&extension)
            || (extension == "json" && !name.starts_with('.'))
            || is_of_tokenizer(name))
}

/// A model of the hub in the cache; `model` is the name by which it can be fetched.
fn cached(
    model: Option<&str>,
    source: Result<Source, HubError>,
) -> Result<Checkpoint, CheckpointError> {
    let found = source.and_then(|source| HubCache::of_environment()?.complete(&source));
    found
        .map(Checkpoint::Directory)
        .map_err(|error| CheckpointError::Hub { model: model.map(str::to_owned), error })
}

/// The published weights of a model, at the revision that its plugin was written for.
fn published(model: &Variant) -> Result<Checkpoint, CheckpointError> {
    let needed =
        || CheckpointError::Needed { model: model.name.clone(), hub_id: model.hub_id.clone() };
    let id = model.hub_id.as_deref().ok_or_else(needed)?;
    let revision = model.revision.as_deref().unwrap_or(MAIN);
    match cached(Some(&model.name), Source::new(id, Some(revision))) {
        // That they must be fetched first is all there is to say, unless there are other revisions.
        Err(CheckpointError::Hub { error: HubError::NotCached { others, .. }, .. })
            if others.is_empty() =>
        {
            Err(needed())
        }
        other => other,
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
        assert!(error.hint().unwrap().contains("`kobench model fetch kcbert-base`"));
        let error = Checkpoint::resolve(&variant(true), Some("hf:no/such@thing")).unwrap_err();
        assert!(error.hint().unwrap().contains("`kobench model fetch hf:no/such@thing`"));
        let error = Checkpoint::resolve(&variant(true), Some("hf:../../etc")).unwrap_err();
        assert!(matches!(error, CheckpointError::Hub { error: HubError::Id { .. }, .. }));
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
        let mut before = first;
        for file in ["vocab.txt", "vocab_54k.txt", "spm.model", "tokenizer_78b3253a26.model"] {
            write(file, "[PAD]");
            let after = checkpoint.sha256(&mut hashes).unwrap();
            assert_ne!(after, before, "{file}");
            before = after;
        }
    }

    #[test]
    fn half_of_a_set_of_weights_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let resolve = || Checkpoint::resolve(&variant(true), dir.path().to_str());
        write("config.json", "{}");
        let index = r#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
        write("model.safetensors.index.json", index);
        write("model-1.safetensors", "");
        let error = resolve().unwrap_err();
        assert!(error.to_string().ends_with(": model-2.safetensors missing"), "{error}");
        write("model-2.safetensors", "");
        resolve().unwrap();
        write("model.safetensors.index.json", "{}");
        assert!(matches!(
            resolve(),
            Err(CheckpointError::Hub { error: HubError::Index { .. }, .. })
        ));
    }
}
