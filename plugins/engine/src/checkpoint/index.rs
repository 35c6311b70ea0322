//! The index of a checkpoint that is several files: which tensor is in which.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use super::report::{join, plural};
use super::source::Entry;
use crate::error::{EngineError, Result};

/// model.safetensors.index.json or pytorch_model.bin.index.json.
#[derive(Debug)]
pub(super) struct Index {
    origin: String,
    /// Tensor to file name.
    weight_map: BTreeMap<String, String>,
    /// The files, each once; the entries' `file` counts them in this order.
    pub(super) shards: BTreeSet<String>,
}

/// Reads an index, whose shards lie beside it.
///
/// # Errors
/// [`EngineError::Checkpoint`] for a damaged index, and for shards that are not there;
/// [`EngineError::Io`].
pub(super) fn read(path: &Path) -> Result<Index> {
    #[derive(serde::Deserialize)]
    struct Raw {
        weight_map: BTreeMap<String, String>,
    }
    let origin = path.display().to_string();
    let fail = |message: String| Err(EngineError::checkpoint(&origin, message));
    let text =
        std::fs::read(path).map_err(|source| EngineError::Io { path: path.to_owned(), source })?;
    let Raw { weight_map } = match serde_json::from_slice(&text) {
        Ok(raw) => raw,
        Err(e) => return fail(format!("not an index of shards: {e}; fetch it again")),
    };
    let shards: BTreeSet<String> = weight_map.values().cloned().collect();
    if shards.is_empty() {
        return fail("it lists no tensors; fetch the index again".to_owned());
    }
    // An index must not reach outside its own directory.
    if let Some(bad) =
        shards.iter().find(|n| Path::new(n).components().count() != 1 || n.contains(".."))
    {
        return fail(format!(
            "shard \"{bad}\" is not a file name in this directory; fetch the index again"
        ));
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let absent: Vec<String> =
        shards.iter().filter(|name| !directory.join(name).is_file()).cloned().collect();
    if !absent.is_empty() {
        return fail(format!(
            "{} of {} shards {} not here: {}; fetch what is missing",
            absent.len(),
            shards.len(),
            if absent.len() == 1 { "is" } else { "are" },
            join(absent)
        ));
    }
    Ok(Index { origin, weight_map, shards })
}

impl Index {
    /// Checks that each tensor is in the shard that the index names.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] naming those that are not.
    pub(super) fn check(&self, entries: &[Entry]) -> Result<()> {
        let shards: Vec<&String> = self.shards.iter().collect();
        let there: HashSet<(&str, &str)> =
            entries.iter().map(|e| (e.name.as_str(), shards[e.file].as_str())).collect();
        let absent: Vec<String> = self
            .weight_map
            .iter()
            .filter(|(name, shard)| !there.contains(&(name.as_str(), shard.as_str())))
            .map(|(name, shard)| format!("{name} ({shard})"))
            .collect();
        if absent.is_empty() {
            return Ok(());
        }
        Err(EngineError::checkpoint(
            &self.origin,
            format!(
                "{} not in the shard that the index names: {}; the shards and the index are of \
                 different downloads, fetch them again",
                plural(absent.len(), "tensor"),
                join(absent)
            ),
        ))
    }
}
