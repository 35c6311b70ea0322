//! Writes files whole or not at all, and tensors in the safetensors format.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use half::{bf16, f16};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{EngineError, Result};

/// Elements that are converted at a time.
const PIECE: usize = 1 << 18;

/// What saved weights are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SaveDtype {
    /// Not at all.
    #[default]
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16.
    Bf16,
}

impl SaveDtype {
    /// The name in safetensors.
    pub fn safetensors(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }

    /// The name in config.json.
    pub fn torch(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    /// Bytes of an element.
    pub fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

/// A tensor to be written.
#[derive(Debug)]
pub struct Tensor<'a> {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements in row-major order.
    pub values: &'a [f32],
}

/// Writes `path` through a temporary file in the same directory, which is synced and renamed: a reader finds
/// the old file or the new one, whatever happens meanwhile.
///
/// # Errors
/// [`EngineError::Write`]; the temporary file is removed.
pub fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let write = || {
        let mut file = File::create(&temporary)?;
        content(&mut file)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        match path.parent() {
            Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    };
    write().map_err(|source| {
        // What is left of it is of no use; the first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
        EngineError::Write { path: path.to_owned(), source }
    })
}

/// Writes tensors as `dtype`, rounded to nearest even, by name; the file says `"format": "pt"`, which transformers asks
/// for. Holds no more than a piece of a tensor beside the tensors themselves.
///
/// # Errors
/// [`EngineError::Write`]; [`EngineError::NotFinite`] for a value that `dtype` cannot hold.
pub fn write_safetensors(
    path: &Path,
    mut tensors: Vec<Tensor<'_>>,
    dtype: SaveDtype,
) -> Result<()> {
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    if dtype == SaveDtype::F16
        && let Some(tensor) =
            tensors.iter().find(|t| t.values.iter().any(|&v| !f16::from_f32(v).is_finite()))
    {
        return Err(EngineError::NotFinite(format!(
            "{} has a value beyond {}, the largest of f16; save as bf16 or f32",
            tensor.name,
            f16::MAX
        )));
    }
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    let mut end = 0;
    for tensor in &tensors {
        let start = end;
        end += tensor.values.len() * dtype.width();
        let entry = json!({
            "dtype": dtype.safetensors(), "shape": tensor.shape, "data_offsets": [start, end]
        });
        header.insert(tensor.name.clone(), entry);
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // Data begin at a multiple of eight.
    header.resize(header.len().next_multiple_of(8), b' ');
    write_atomically(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        let mut bytes = Vec::with_capacity(PIECE * dtype.width());
        for piece in tensors.iter().flat_map(|tensor| tensor.values.chunks(PIECE)) {
            bytes.clear();
            match dtype {
                SaveDtype::F32 => bytes.extend(piece.iter().flat_map(|v| v.to_le_bytes())),
                SaveDtype::F16 => {
                    bytes.extend(piece.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()));
                }
                SaveDtype::Bf16 => {
                    bytes.extend(piece.iter().flat_map(|&v| bf16::from_f32(v).to_le_bytes()));
                }
            }
            file.write_all(&bytes)?;
        }
        Ok(())
    })
}
