//! The safetensors format: what a file's header lists.

use safetensors::SafeTensors;

use super::map::Bytes;
use super::source::Entry;
use super::view::View;
use crate::error::{EngineError, Result};

/// Lists the tensors of one file. The library has checked that all of them lie within the file,
/// and that each has as many bytes as its shape and dtype say.
///
/// # Errors
/// [`EngineError::Checkpoint`] for a file that is damaged or cut off.
pub(super) fn entries(bytes: &Bytes, file: usize) -> Result<Vec<Entry>> {
    let data = bytes.as_slice();
    let (header, metadata) = SafeTensors::read_metadata(data).map_err(|e| {
        EngineError::checkpoint(
            bytes.origin(),
            format!(
                "not a whole safetensors file ({e}; {} bytes): it is damaged or its download was \
                 cut off; fetch it again",
                data.len()
            ),
        )
    })?;
    let start = header + size_of::<u64>();
    let mut entries: Vec<Entry> = metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| Entry {
            name,
            dtype: format!("{:?}", info.dtype),
            file,
            view: View::contiguous(start + info.data_offsets.0, info.shape.clone()),
        })
        .collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}
