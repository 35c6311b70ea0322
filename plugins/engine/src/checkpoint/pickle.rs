//! pytorch_model.bin in torch's zip format, through candle's reader: the pickle is parsed and
//! never executed.

use std::path::Path;

use candle_core::DType;
use candle_core::pickle::PthTensors;

use super::source::Entry;
use crate::error::{EngineError, Result};

/// An opened pickle of tensors.
pub(super) struct Pickle {
    tensors: PthTensors,
    origin: String,
}

impl Pickle {
    /// Parses the file's directory of tensors.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] for a file that is damaged, or in no format that torch writes.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let origin = path.display().to_string();
        let tensors = PthTensors::new(path, None).map_err(|e| {
            EngineError::checkpoint(
                &origin,
                format!(
                    "not a readable PyTorch file ({e}): it is damaged, or its download was cut \
                     off; fetch it again, or load it in Python and save it as model.safetensors"
                ),
            )
        })?;
        if tensors.tensor_infos().is_empty() {
            return Err(EngineError::checkpoint(
                &origin,
                "it holds no dictionary of tensors; save the model's state_dict(), or use \
                 model.safetensors",
            ));
        }
        Ok(Self { tensors, origin })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .tensors
            .tensor_infos()
            .values()
            .map(|info| Entry {
                name: info.name.clone(),
                shape: info.layout.dims().to_vec(),
                dtype: info.dtype.as_str().to_owned(),
                file: 0,
                span: 0..0,
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    /// Converts one tensor to f32; `out` has its number of elements.
    pub(super) fn read(&self, entry: &Entry, out: &mut [f32]) -> Result<()> {
        let fail = |reason: String| {
            EngineError::checkpoint(
                &self.origin,
                format!("tensor {} cannot be read ({reason}); fetch the file again", entry.name),
            )
        };
        let tensor = self
            .tensors
            .get(&entry.name)
            .map_err(|e| fail(e.to_string()))?
            .ok_or_else(|| fail("it has no data".to_owned()))?;
        let values = tensor
            .to_dtype(DType::F32)
            .and_then(|t| t.flatten_all())
            .and_then(|t| t.to_vec1::<f32>())
            .map_err(|e| fail(e.to_string()))?;
        out.copy_from_slice(&values);
        Ok(())
    }
}

impl std::fmt::Debug for Pickle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pickle").field("origin", &self.origin).finish_non_exhaustive()
    }
}
