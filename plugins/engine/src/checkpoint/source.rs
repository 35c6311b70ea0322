//! Where weights come from: a directory, or bytes that a plugin carries.

use std::path::Path;

use super::index;
use super::map::Bytes;
use super::view::View;
use super::{safetensors, torch};
use crate::error::{EngineError, Result};

/// One tensor: its own name, its dtype as safetensors spells it, and where it lies.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: String,
    pub(super) file: usize,
    pub(super) view: View,
}

impl Entry {
    /// Bytes of an element, for a dtype that weights may have.
    pub(super) fn width(&self) -> Option<usize> {
        match self.dtype.as_str() {
            "F16" | "BF16" => Some(2),
            "F32" => Some(4),
            "F64" => Some(8),
            _ => None,
        }
    }

    /// Converts the elements `from..from + out.len()` of the tensor to f32.
    pub(super) fn convert(&self, file: &[u8], from: usize, out: &mut [f32]) -> Result<()> {
        let view = &self.view;
        match self.dtype.as_str() {
            "F32" => view.convert(file, from, out, f32::from_le_bytes),
            "F16" => view.convert(file, from, out, |b| half::f16::from_le_bytes(b).to_f32()),
            "BF16" => view.convert(file, from, out, |b| half::bf16::from_le_bytes(b).to_f32()),
            "F64" => view.convert(file, from, out, |b| f64::from_le_bytes(b) as f32),
            other => {
                return Err(EngineError::Internal(format!("{} is of {other}", self.name)));
            }
        }
        Ok(())
    }
}

/// How a checkpoint's files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Format {
    /// model.safetensors
    #[serde(rename = "safetensors")]
    Safetensors,
    /// pytorch_model.bin in torch's zip format.
    #[serde(rename = "pickle")]
    Pickle,
    /// None: every weight is new.
    #[serde(rename = "new")]
    New,
    /// pytorch_model.bin in the format that torch wrote before 1.6.
    #[serde(rename = "legacy pickle")]
    LegacyPickle,
}

/// An opened checkpoint: its tensors are listed, but not read yet.
#[derive(Debug)]
pub struct Checkpoint {
    files: Vec<Bytes>,
    format: Format,
    entries: Vec<Entry>,
    origin: String,
}

impl Checkpoint {
    /// Opens the weights of a Hugging Face directory: model.safetensors, the shards of
    /// model.safetensors.index.json, pytorch_model.bin (in torch's zip format, or the one that
    /// torch wrote before it), or the shards of pytorch_model.bin.index.json, in this order of
    /// preference. All of them are memory-mapped.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] when there is none of them, a file is damaged, or an index does
    /// not fit its shards; [`EngineError::Io`] when one cannot be read.
    pub fn open(directory: &Path) -> Result<Self> {
        if !directory.is_dir() {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(EngineError::Io { path: directory.to_owned(), source });
        }
        for (single, safe) in [("model.safetensors", true), ("pytorch_model.bin", false)] {
            let path = directory.join(single);
            if path.exists() {
                return Self::from_files(vec![Bytes::map(&path)?], safe);
            }
            let path = directory.join(format!("{single}.index.json"));
            if path.exists() {
                let index = index::read(&path)?;
                let files = index.shards.iter().map(|name| Bytes::map(&directory.join(name)));
                let checkpoint = Self::from_files(files.collect::<Result<_>>()?, safe)?;
                index.check(&checkpoint.entries)?;
                return Ok(checkpoint);
            }
        }
        Err(EngineError::checkpoint(
            &directory.display().to_string(),
            "no weights here: expected model.safetensors, pytorch_model.bin, or an index \
             (model.safetensors.index.json, pytorch_model.bin.index.json) with its shards; check \
             the path, or download the model again",
        ))
    }

    /// Opens one safetensors file.
    ///
    /// # Errors
    /// [`EngineError::Io`] when it cannot be read, [`EngineError::Checkpoint`] when it is damaged.
    pub fn open_file(path: &Path) -> Result<Self> {
        Self::from_files(vec![Bytes::map(path)?], true)
    }

    /// Opens a safetensors file, or a pytorch_model.bin in torch's zip format, that is already in memory; `name` stands
    /// for it in errors.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] when it is damaged.
    pub fn from_bytes(bytes: &'static [u8], name: &str) -> Result<Self> {
        let is_zip = bytes.starts_with(b"PK");
        Self::from_files(vec![Bytes::Static(bytes, name.to_owned())], !is_zip)
    }

    fn from_files(files: Vec<Bytes>, safe: bool) -> Result<Self> {
        let mut entries = Vec::new();
        for (file, bytes) in files.iter().enumerate() {
            entries.extend(match safe {
                true => safetensors::entries(bytes, file)?,
                false => torch::entries(bytes, file)?,
            });
        }
        let format = match safe {
            true => Format::Safetensors,
            false if files.iter().any(|f| torch::is_legacy(f.as_slice())) => Format::LegacyPickle,
            false => Format::Pickle,
        };
        let origin = files.first().map_or("an empty index", |b| b.origin()).to_owned();
        Ok(Self { files, format, entries, origin })
    }

    /// The file (of shards, the first), for errors.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether a tensor of that name is in it.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// The shape of the tensor of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entry(name).map(|entry| entry.view.shape())
    }

    /// Reads the whole tensor of that name.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] when there is none of that size.
    pub fn read_named(&self, name: &str, out: &mut [f32]) -> Result<()> {
        match self.entry(name).filter(|entry| entry.view.elements() == out.len()) {
            Some(entry) => self.read(entry, 0, out),
            None => Err(EngineError::checkpoint(
                &self.origin,
                format!("no tensor {name} with {} elements", out.len()),
            )),
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// How the files are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Name and size in bytes of each file.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        self.files.iter().map(|file| (file.origin(), file.as_slice().len()))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The name of the file that holds a tensor.
    pub(super) fn file_of(&self, entry: &Entry) -> &str {
        self.files[entry.file].origin()
    }

    /// Converts the elements `from..from + out.len()` of a tensor to f32, and gives the file's
    /// memory back to the system.
    pub(super) fn read(&self, entry: &Entry, from: usize, out: &mut [f32]) -> Result<()> {
        let file = &self.files[entry.file];
        entry.convert(file.as_slice(), from, out)?;
        file.release(entry.view.span(from, out.len(), entry.width().unwrap_or(0)));
        Ok(())
    }
}
