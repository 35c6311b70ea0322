//! Where weights come from: a directory, or bytes that a plugin carries.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use super::legacy::Legacy;
use super::map::map;
use super::pickle::Pickle;
use super::safetensors;
use crate::error::{EngineError, Result};

/// The bytes of one safetensors file.
#[derive(Debug)]
pub(super) enum Bytes {
    Map(Mmap, String),
    Static(&'static [u8], String),
}

impl Bytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Map(map, _) => map,
            Self::Static(bytes, _) => bytes,
        }
    }

    pub(super) fn origin(&self) -> &str {
        let (Self::Map(_, origin) | Self::Static(_, origin)) = self;
        origin
    }
}

/// One tensor: its own name, its shape, and where it lies.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) dtype: String,
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

#[derive(Debug)]
enum Source {
    Safetensors(Vec<Bytes>),
    Pickle(Pickle),
    Legacy(Legacy),
}

/// An opened checkpoint: its tensors are listed, but not read yet.
#[derive(Debug)]
pub struct Checkpoint {
    source: Source,
    entries: Vec<Entry>,
    origin: String,
}

impl Checkpoint {
    /// Opens the weights of a Hugging Face directory: model.safetensors (memory-mapped), the
    /// shards of model.safetensors.index.json, or pytorch_model.bin (in torch's zip format, or the
    /// one that torch wrote before it), in this order of preference.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] when there is none of them or a file is damaged,
    /// [`EngineError::Io`] when one cannot be read.
    pub fn open(directory: &Path) -> Result<Self> {
        let single = directory.join("model.safetensors");
        let index = directory.join("model.safetensors.index.json");
        let pickle = directory.join("pytorch_model.bin");
        if !directory.is_dir() {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(EngineError::Io { path: directory.to_owned(), source });
        }
        if single.exists() {
            return Self::from_files(vec![map_file(&single)?]);
        }
        if index.exists() {
            let shards = shard_names(&index)?;
            let files = shards.iter().map(|name| map_file(&directory.join(name)));
            return Self::from_files(files.collect::<Result<_>>()?);
        }
        if pickle.exists() {
            let file = map(&pickle)?;
            if Legacy::recognises(&file) {
                let legacy = Legacy::open(file, pickle.display().to_string())?;
                let (entries, origin) = (legacy.entries(), legacy.origin().to_owned());
                return Ok(Self { source: Source::Legacy(legacy), entries, origin });
            }
            let pickle = Pickle::open(&pickle)?;
            let (entries, origin) = (pickle.entries(), pickle.origin().to_owned());
            return Ok(Self { source: Source::Pickle(pickle), entries, origin });
        }
        Err(EngineError::checkpoint(
            &directory.display().to_string(),
            "no weights here: expected model.safetensors, model.safetensors.index.json with its \
             shards, or pytorch_model.bin; check the path, or download the model again",
        ))
    }

    /// Opens a safetensors file that is already in memory; `name` stands for it in errors.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] when it is damaged.
    pub fn from_bytes(bytes: &'static [u8], name: &str) -> Result<Self> {
        Self::from_files(vec![Bytes::Static(bytes, name.to_owned())])
    }

    fn from_files(files: Vec<Bytes>) -> Result<Self> {
        let mut entries = Vec::new();
        for (file, bytes) in files.iter().enumerate() {
            entries.extend(safetensors::entries(bytes, file)?);
        }
        let origin = files.first().map_or("an empty index", |b| b.origin()).to_owned();
        Ok(Self { source: Source::Safetensors(files), entries, origin })
    }

    /// The file (of shards, the first), for errors.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether a tensor of that name is in it.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Converts a tensor to f32 and checks that it is finite; `out` has its number of elements.
    pub(super) fn read(&self, entry: &Entry, out: &mut [f32]) -> Result<()> {
        match &self.source {
            Source::Safetensors(files) => safetensors::read(&files[entry.file], entry, out)?,
            Source::Pickle(pickle) => pickle.read(entry, out)?,
            Source::Legacy(legacy) => legacy.read(entry, out)?,
        }
        if let Some(at) = out.iter().position(|v| !v.is_finite()) {
            return Err(EngineError::checkpoint(
                &self.origin,
                format!(
                    "tensor {} has the value {} at element {at}: the weights are damaged, or their \
                     training diverged; use another checkpoint",
                    entry.name, out[at]
                ),
            ));
        }
        Ok(())
    }
}

fn map_file(path: &Path) -> Result<Bytes> {
    Ok(Bytes::Map(map(path)?, path.display().to_string()))
}

/// The file names of an index, each once.
fn shard_names(index: &Path) -> Result<BTreeSet<String>> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: std::collections::BTreeMap<String, String>,
    }
    let origin = index.display().to_string();
    let text = std::fs::read(index)
        .map_err(|source| EngineError::Io { path: index.to_owned(), source })?;
    let parsed: Index = serde_json::from_slice(&text).map_err(|e| {
        EngineError::checkpoint(&origin, format!("not an index of shards: {e}; fetch it again"))
    })?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    // An index must not reach outside its own directory.
    match names.iter().find(|n| Path::new(n).components().count() != 1 || n.contains("..")) {
        Some(bad) => Err(EngineError::checkpoint(
            &origin,
            format!("shard \"{bad}\" is not a file name in this directory; fetch the index again"),
        )),
        None => Ok(names),
    }
}
