//! pytorch_model.bin: a pickled state dict, and the elements of its tensors elsewhere in the file.
//!
//! The pickle is parsed and never executed, and no element is copied before it is converted: in
//! torch's zip format ([`super::zip`]) as in the one before it ([`super::legacy`]) storages lie in
//! the file uncompressed, so that the file is mapped. A state dict's tensors name their storage,
//! offset, sizes and strides, which are checked against the storage here.

use std::collections::HashMap;

use super::map::Bytes;
use super::source::Entry;
use super::unpickle::{Id, Parsed, Pickled, Value};
use super::view::View;
use super::{legacy, zip};
use crate::error::{EngineError, Result};

/// More than any tensor has: a damaged file must not repeat one long list of sizes many times.
const MOST_DIMENSIONS: usize = 64;

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
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    dtype: &'static str,
    width: usize,
    pub(super) elements: usize,
}

impl Storage<'_> {
    /// Bytes of all elements.
    pub(super) fn bytes(&self) -> Parsed<usize> {
        let bytes = self.elements.checked_mul(self.width);
        bytes.ok_or_else(|| format!("storage {} has {} elements", self.key, self.elements))
    }
}

/// The state dict, and where each storage's elements begin; they lie within the file.
pub(super) type Parts<'a> = (Pickled<'a>, HashMap<&'a str, usize>);

/// Whether a file with these bytes is in the format before zip: it begins with a pickle.
pub(super) fn is_legacy(file: &[u8]) -> bool {
    file.first() == Some(&0x80)
}

/// Lists the tensors of one file.
///
/// # Errors
/// [`EngineError::Checkpoint`] for a file that is damaged or cut off, or that holds something else
/// than a dictionary of tensors.
pub(super) fn entries(bytes: &Bytes, file: usize) -> Result<Vec<Entry>> {
    let fail = |message| EngineError::checkpoint(bytes.origin(), message);
    let data = bytes.as_slice();
    let parts = if is_legacy(data) { legacy::parse(data) } else { zip::parse(data) };
    let parts = parts.map_err(|e| {
        fail(format!(
            "not a readable PyTorch file ({e}; {} bytes): it is damaged or its download was cut \
             off; fetch it again, or load it in Python and save it as model.safetensors",
            data.len()
        ))
    })?;
    tensors(&parts, file).map_err(|e| {
        fail(format!(
            "{e}; load it in Python and save the model's state_dict() as model.safetensors, or \
             fetch it again"
        ))
    })
}

/// The storages that a state dict refers to.
pub(super) fn storages<'a>(state: &Pickled<'a>) -> Parsed<HashMap<&'a str, Storage<'a>>> {
    let mut storages: HashMap<&str, Storage<'_>> = HashMap::new();
    for value in state.values() {
        if let Value::Persistent(id) = value
            && let Some(new) = storage(state, *id)?
            && storages.insert(new.key, new).is_some_and(|old| old != new)
        {
            return Err(format!("storage {} is described in two ways", new.key));
        }
    }
    Ok(storages)
}

/// The storage that a persistent id stands for; `None` for the classes of a pickled model.
fn storage<'a>(state: &Pickled<'a>, id: Id) -> Parsed<Option<Storage<'a>>> {
    let parts = state.list(id).unwrap_or_default();
    if parts.first().and_then(|&kind| state.text(kind)) != Some("storage") {
        return Ok(None);
    }
    let (class, key, elements, view) = match *parts {
        [_, class, key, _location, elements] => (class, key, elements, None),
        [_, class, key, _location, elements, view] => (class, key, elements, Some(view)),
        _ => return Err(format!("a storage of {} parts", parts.len())),
    };
    let Value::Global(module, class) = *state.get(class) else {
        return Err("a storage without a class".to_owned());
    };
    let known = DTYPES.iter().find(|(name, ..)| module == "torch" && *name == class);
    let &(_, dtype, width) =
        known.ok_or_else(|| format!("unknown storage class {module}.{class}"))?;
    // Part of another storage, which the old format has room for and torch no longer writes, ends
    // here.
    let whole = view.is_none_or(|view| matches!(state.get(view), Value::Other));
    match (state.text(key), state.size(elements)) {
        (Some(key), Some(elements)) if whole => Ok(Some(Storage { key, dtype, width, elements })),
        _ => Err("a storage whose description is damaged or too old".to_owned()),
    }
}

/// The tensors at the top level of the state dict.
pub(super) fn tensors((state, starts): &Parts<'_>, file: usize) -> Parsed<Vec<Entry>> {
    let mut entries = Vec::new();
    let Value::Dict(pairs) = state.get(state.root()) else {
        return Err("it holds no dictionary of tensors".to_owned());
    };
    for &(name, value) in pairs {
        let Some(name) = state.text(name) else { continue };
        if matches!((name, state.get(value)), ("state_dict" | "model", Value::Dict(_))) {
            return Err(format!("its weights are not at the top level, but under \"{name}\""));
        }
        if let Some((dtype, view)) =
            tensor(state, value, starts).map_err(|e| format!("tensor {name}: {e}"))?
        {
            entries.push(Entry { name: name.to_owned(), dtype: dtype.to_owned(), file, view });
        }
    }
    if entries.is_empty() {
        return Err("its dictionary holds no tensors".to_owned());
    }
    // In Python, the last of several values with one key is the one that stays.
    entries.reverse();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries.dedup_by(|a, b| a.name == b.name);
    Ok(entries)
}

/// dtype and place of the tensor that `id` is; `None` for anything else, such as the number of an
/// epoch.
fn tensor(
    state: &Pickled<'_>,
    id: Id,
    starts: &HashMap<&str, usize>,
) -> Parsed<Option<(&'static str, View)>> {
    let called = |id| match *state.get(id) {
        Value::Call(callable, args) => match *state.get(callable) {
            Value::Global(module, name) => Some((module, name, state.list(args)?)),
            _ => None,
        },
        _ => None,
    };
    let mut call = called(id);
    if let Some(("torch._utils", "_rebuild_parameter", &[data, ..])) = call {
        call = called(data);
    }
    let (place, offset, shape, strides) = match call {
        Some(("torch._utils", "_rebuild_tensor_v2", &[place, offset, shape, strides, ..])) => {
            (place, offset, shape, strides)
        }
        Some((module, name, _)) if name.starts_with("_rebuild") => {
            return Err(format!("it is stored through {module}.{name}, which is not supported"));
        }
        _ => return Ok(None),
    };
    let sizes = |id| -> Option<Vec<usize>> {
        let ids = state.list(id).filter(|ids| ids.len() <= MOST_DIMENSIONS)?;
        ids.iter().map(|&id| state.size(id)).collect()
    };
    let Value::Persistent(place) = *state.get(place) else {
        return Err("it has no storage".to_owned());
    };
    let storage = storage(state, place)?.ok_or("it has no storage")?;
    let start = *starts.get(storage.key).ok_or("its storage is missing")?;
    let (offset, shape, strides) = match (state.size(offset), sizes(shape), sizes(strides)) {
        (Some(offset), Some(shape), Some(strides)) if shape.len() == strides.len() => {
            (offset, shape, strides)
        }
        _ => return Err("its sizes and strides are damaged".to_owned()),
    };
    if shape.contains(&0) {
        // It has no elements that could lie anywhere, whatever its offset.
        return Ok(Some((storage.dtype, View::strided(start, shape, strides))));
    }
    let elements = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let last = shape.iter().zip(&strides).try_fold(offset, |last, (&size, &stride)| {
        last.checked_add((size - 1).checked_mul(stride)?)
    });
    match (elements, last) {
        (Some(_), Some(last)) if last < storage.elements => {
            let start = start + offset * storage.width;
            Ok(Some((storage.dtype, View::strided(start, shape, strides))))
        }
        _ => Err("it reaches beyond its storage".to_owned()),
    }
}
