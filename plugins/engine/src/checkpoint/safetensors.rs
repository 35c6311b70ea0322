//! The safetensors format, from a map or from memory.

use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors};

use super::source::{Bytes, Entry};
use crate::error::{EngineError, Result};

/// Elements that one unit of parallel conversion reads.
const CHUNK: usize = 1 << 18;

/// Lists the tensors of one file.
///
/// # Errors
/// [`EngineError::Checkpoint`] for a file that is damaged or cut off.
pub(super) fn entries(bytes: &Bytes, file: usize) -> Result<Vec<Entry>> {
    let fail = |message| EngineError::checkpoint(bytes.origin(), message);
    let data = bytes.as_slice();
    let (header, metadata) = SafeTensors::read_metadata(data).map_err(|e| {
        fail(format!(
            "not a whole safetensors file ({e}; {} bytes): it is damaged or its download was cut \
             off; fetch it again",
            data.len()
        ))
    })?;
    let start = header + size_of::<u64>();
    let mut entries: Vec<Entry> = metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| Entry {
            name,
            shape: info.shape.clone(),
            dtype: format!("{:?}", info.dtype),
            file,
            span: start + info.data_offsets.0..start + info.data_offsets.1,
        })
        .collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Converts one tensor to f32; `out` has its number of elements.
///
/// # Errors
/// [`EngineError::Checkpoint`] for a dtype that holds no weights.
pub(super) fn read(bytes: &Bytes, entry: &Entry, out: &mut [f32]) -> Result<()> {
    let data = &bytes.as_slice()[entry.span.clone()];
    match entry.dtype.as_str() {
        t if t == format!("{:?}", Dtype::F32) => convert(data, out, f32::from_le_bytes),
        t if t == format!("{:?}", Dtype::F16) => {
            convert(data, out, |b| half::f16::from_le_bytes(b).to_f32());
        }
        t if t == format!("{:?}", Dtype::BF16) => {
            convert(data, out, |b| half::bf16::from_le_bytes(b).to_f32());
        }
        other => {
            return Err(EngineError::checkpoint(
                bytes.origin(),
                format!("tensor {} has dtype {other}; weights may be F32, F16 or BF16", entry.name),
            ));
        }
    }
    Ok(())
}

/// Converts values that lie one after the other.
pub(super) fn convert<const N: usize>(
    data: &[u8],
    out: &mut [f32],
    from: impl Fn([u8; N]) -> f32 + Sync,
) {
    let (values, _) = data.as_chunks::<N>();
    out.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(out, values)| {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = from(value);
        }
    });
}
