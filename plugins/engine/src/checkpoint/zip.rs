//! pytorch_model.bin in torch's zip format: an archive of records that are stored, not compressed.
//!
//! `NAME/data.pkl` is the state dict, `NAME/data/KEY` the elements of the storage KEY, and
//! `NAME/byteorder` (since torch 2.1) says how they were written; NAME is anything. See
//! caffe2/serialize/inline_container.h in PyTorch.

use std::collections::HashMap;
use std::io::Cursor;
use std::ops::Range;

use zip::{CompressionMethod, ZipArchive};

use super::torch::{Parts, storages};
use super::unpickle::{Parsed, Reader};

/// Reads the state dict, and finds its storages.
pub(super) fn parse(file: &[u8]) -> Parsed<Parts<'_>> {
    let mut archive = Archive::open(file)?;
    if let Some(order) = archive.record("byteorder")?
        && file[order.clone()] != *b"little"
    {
        return Err("it was written on a big-endian machine".to_owned());
    }
    let pickle = archive.record("data.pkl")?.ok_or("it has no data.pkl")?;
    let state = Reader::new(&file[pickle]).pickle().map_err(|e| format!("data.pkl: {e}"))?;
    let mut starts = HashMap::new();
    for storage in storages(&state)?.values() {
        let (name, expected) = (format!("data/{}", storage.key), storage.bytes()?);
        let record = archive.record(&name)?.ok_or_else(|| format!("it has no {name}"))?;
        if record.len() < expected {
            return Err(format!("{name} has {} bytes instead of {expected}", record.len()));
        }
        starts.insert(storage.key, record.start);
    }
    Ok((state, starts))
}

/// The directory of a file's records.
struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// What stands before each record's name.
    prefix: String,
    len: usize,
}

impl<'a> Archive<'a> {
    fn open(file: &'a [u8]) -> Parsed<Self> {
        let zip = ZipArchive::new(Cursor::new(file)).map_err(|e| e.to_string())?;
        let before = |name: &[u8]| {
            let prefix = std::str::from_utf8(name).ok()?.strip_suffix("data.pkl")?;
            (prefix.is_empty() || prefix.ends_with('/')).then(|| prefix.to_owned())
        };
        let prefix = zip.file_names_raw().find_map(before).ok_or("it has no data.pkl")?;
        Ok(Self { zip, prefix, len: file.len() })
    }

    /// Where a record's bytes lie in the file; `None` when there is no such record.
    fn record(&mut self, name: &str) -> Parsed<Option<Range<usize>>> {
        let full = format!("{}{name}", self.prefix);
        let Some(index) = self.zip.index_for_name_raw(full.as_bytes()) else { return Ok(None) };
        let record = self.zip.by_index_raw(index).map_err(|e| format!("{name}: {e}"))?;
        if record.compression() != CompressionMethod::Stored || record.encrypted() {
            return Err(format!("{name} is compressed or encrypted, which torch never writes"));
        }
        let start = record.data_start().and_then(|start| usize::try_from(start).ok());
        let size = usize::try_from(record.size()).ok();
        let span = start.zip(size).and_then(|(start, size)| {
            let end = start.checked_add(size).filter(|&end| end <= self.len)?;
            Some(start..end)
        });
        span.map(Some).ok_or_else(|| format!("{name} reaches beyond the end of the file"))
    }
}

#[cfg(test)]
mod tests;
