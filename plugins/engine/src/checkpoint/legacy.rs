//! pytorch_model.bin as torch wrote it before its zip format (the default since 1.6).
//!
//! The format is that of `_legacy_save` and `_legacy_load` in torch/serialization.py: pickles of a
//! magic number, the protocol version, the writer's type sizes, the state dict and the list of
//! storage keys; then, for each key in that order, its number of elements as an i64 and the
//! elements. Everything is little endian whatever the writer was.

use std::collections::HashMap;

use super::torch::{Parts, storages};
use super::unpickle::{Parsed, Reader, Value};

/// 0x1950a86a20f9469cfc6c, torch's MAGIC_NUMBER.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// torch's PROTOCOL_VERSION.
const VERSION: i64 = 1001;

/// Reads the state dict, and finds its storages.
pub(super) fn parse(file: &[u8]) -> Parsed<Parts<'_>> {
    let mut reader = Reader::new(file);
    let magic = reader.pickle()?;
    if !matches!(magic.get(magic.root()), Value::Long(bytes) if *bytes == MAGIC) {
        return Err("it does not begin with torch's magic number".to_owned());
    }
    let version = reader.pickle()?;
    if !matches!(version.get(version.root()), Value::Int(VERSION)) {
        return Err(format!("its protocol version is not {VERSION}"));
    }
    reader.pickle()?; // the writer's type sizes, which the data does not depend on
    let state = reader.pickle()?;
    let keys = reader.pickle()?;

    let storages = storages(&state)?;
    let mut starts = HashMap::new();
    for &key in keys.list(keys.root()).ok_or("no list of storages")? {
        let storage = keys.text(key).and_then(|key| storages.get(key));
        let storage = storage.ok_or("a storage that no tensor refers to")?;
        let (key, expected) = (storage.key, storage.elements);
        let elements = i64::from_le_bytes(reader.array()?);
        if usize::try_from(elements) != Ok(expected) {
            return Err(format!("storage {key} has {elements} elements instead of {expected}"));
        }
        starts.insert(key, reader.position());
        reader.take(storage.bytes()?)?;
    }
    Ok((state, starts))
}

#[cfg(test)]
mod tests;
