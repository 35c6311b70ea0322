//! pytorch_model.bin as torch wrote it before its zip format (the default since 1.6).
//!
//! The format is that of `_legacy_save` and `_legacy_load` in torch/serialization.py: pickles of a
//! magic number, the protocol version, the writer's type sizes, the state dict (whose tensors name
//! their storage, offset, sizes and strides) and the list of storage keys; then, for each key in
//! that order, its number of elements as an i64 and the elements. Everything is little endian
//! whatever the writer was. The file is mapped and each tensor is converted from there.

use std::collections::{BTreeMap, HashMap};

use memmap2::Mmap;

use self::view::View;
use super::source::Entry;
use super::unpickle::{Id, Parsed, Pickled, Reader, Value};
use crate::error::{EngineError, Result};

mod view;

/// 0x1950a86a20f9469cfc6c, torch's MAGIC_NUMBER.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// torch's PROTOCOL_VERSION.
const VERSION: i64 = 1001;

/// torch's storage classes, what safetensors calls most of them, and the bytes of an element. The
/// data of those that hold no weights (position_ids) must be stepped over all the same.
const DTYPES: [(&str, &str, usize); 15] = [
    ("FloatStorage", "F32", 4),
    ("HalfStorage", "F16", 2),
    ("BFloat16Storage", "BF16", 2),
    ("DoubleStorage", "F64", 8),
    ("LongStorage", "I64", 8),
    ("IntStorage", "I32", 4),
    ("ShortStorage", "I16", 2),
    ("CharStorage", "I8", 1),
    ("ByteStorage", "U8", 1),
    ("BoolStorage", "BOOL", 1),
    ("ComplexFloatStorage", "C64", 8),
    ("ComplexDoubleStorage", "C128", 16),
    ("QInt8Storage", "QI8", 1),
    ("QUInt8Storage", "QU8", 1),
    ("QInt32Storage", "QI32", 4),
];

/// What the state dict says of a storage.
#[derive(Clone, Copy, PartialEq)]
struct Storage<'a> {
    key: &'a str,
    dtype: &'static str,
    width: usize,
    elements: usize,
}

/// An opened file of the legacy format.
#[derive(Debug)]
pub(super) struct Legacy {
    map: Mmap,
    origin: String,
    views: BTreeMap<String, View>,
}

impl Legacy {
    /// Whether a file with these bytes is to be read here: it begins with a pickle.
    pub(super) fn recognises(bytes: &[u8]) -> bool {
        bytes.first() == Some(&0x80)
    }

    /// Finds the file's tensors.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] for a file that is damaged or cut off, or that holds something
    /// else than a dictionary of tensors.
    pub(super) fn open(map: Mmap, origin: String) -> Result<Self> {
        let fail = |message| EngineError::checkpoint(&origin, message);
        let parts = parse(&map).map_err(|e| {
            fail(format!(
                "not a readable PyTorch file ({e}; {} bytes): it is damaged or its download was \
                 cut off; fetch it again",
                map.len()
            ))
        })?;
        let views = views(&parts).map_err(|e| {
            fail(format!(
                "{e}; load it in Python and save the model's state_dict() as model.safetensors, \
                 or fetch it again"
            ))
        })?;
        Ok(Self { map, origin, views })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |(name, view): (&String, &View)| Entry {
            name: name.clone(),
            shape: view.shape.clone(),
            dtype: view.dtype.to_owned(),
            file: 0,
            span: 0..0,
        };
        self.views.iter().map(entry).collect()
    }

    /// Converts one tensor to f32; `out` has its number of elements.
    ///
    /// # Errors
    /// [`EngineError::Checkpoint`] for a dtype that holds no weights.
    pub(super) fn read(&self, entry: &Entry, out: &mut [f32]) -> Result<()> {
        let view = self
            .views
            .get(&entry.name)
            .filter(|view| view.elements == out.len())
            .ok_or_else(|| EngineError::Internal(format!("{} went missing", entry.name)))?;
        match view.dtype {
            "F32" => view.convert(&self.map, out, f32::from_le_bytes),
            "F16" => view.convert(&self.map, out, |b| half::f16::from_le_bytes(b).to_f32()),
            "BF16" => view.convert(&self.map, out, |b| half::bf16::from_le_bytes(b).to_f32()),
            "F64" => view.convert(&self.map, out, |b| f64::from_le_bytes(b) as f32),
            other => {
                return Err(EngineError::checkpoint(
                    &self.origin,
                    format!(
                        "tensor {} has dtype {other}; weights may be F32, F16, BF16 or F64",
                        entry.name
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The state dict, and where each storage's elements begin.
type Parts<'a> = (Pickled<'a>, HashMap<&'a str, usize>);

fn parse(file: &[u8]) -> Parsed<Parts<'_>> {
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

    let mut storages: HashMap<&str, Storage<'_>> = HashMap::new();
    for value in state.values() {
        if let Value::Persistent(id) = value
            && let Some(new) = storage(&state, *id)?
            && storages.insert(new.key, new).is_some_and(|old| old != new)
        {
            return Err(format!("storage {} is described in two ways", new.key));
        }
    }
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
        let bytes = expected.checked_mul(storage.width);
        reader.take(bytes.ok_or_else(|| format!("storage {key} has {elements} elements"))?)?;
    }
    Ok((state, starts))
}

/// The storage that a persistent id stands for; `None` for the classes of a pickled model.
fn storage<'a>(state: &Pickled<'a>, id: Id) -> Parsed<Option<Storage<'a>>> {
    let parts = state.list(id).unwrap_or_default();
    if parts.first().and_then(|&kind| state.text(kind)) != Some("storage") {
        return Ok(None);
    }
    let &[_, class, key, _location, elements, view] = parts else {
        return Err(format!("a storage of {} parts", parts.len()));
    };
    let Value::Global(module, class) = *state.get(class) else {
        return Err("a storage without a class".to_owned());
    };
    let known = DTYPES.iter().find(|(name, ..)| module == "torch" && *name == class);
    let &(_, dtype, width) =
        known.ok_or_else(|| format!("unknown storage class {module}.{class}"))?;
    // Part of another storage, which the format has room for and torch no longer writes, ends here.
    match (state.text(key), state.size(elements), state.get(view)) {
        (Some(key), Some(elements), Value::Other) => {
            Ok(Some(Storage { key, dtype, width, elements }))
        }
        _ => Err("a storage whose description is damaged or too old".to_owned()),
    }
}

fn views((state, starts): &Parts<'_>) -> Parsed<BTreeMap<String, View>> {
    let mut views = BTreeMap::new();
    let Value::Dict(pairs) = state.get(state.root()) else {
        return Err("it holds no dictionary of tensors".to_owned());
    };
    for &(name, value) in pairs {
        let Some(name) = state.text(name) else { continue };
        if matches!((name, state.get(value)), ("state_dict" | "model", Value::Dict(_))) {
            return Err(format!("its weights are not at the top level, but under \"{name}\""));
        }
        if let Some(view) =
            View::find(state, value, starts).map_err(|e| format!("tensor {name}: {e}"))?
        {
            views.insert(name.to_owned(), view);
        }
    }
    if views.is_empty() {
        return Err("its dictionary holds no tensors".to_owned());
    }
    Ok(views)
}

#[cfg(test)]
mod tests;
