//! Tensors as views of storages: offset, sizes and strides, checked against the storage.

use std::collections::HashMap;

use rayon::prelude::*;

use super::super::safetensors::convert;
use super::super::unpickle::{Id, Parsed, Pickled, Value};
use super::storage;

/// More than any tensor has: a damaged file must not repeat one long list of sizes many times.
const MOST_DIMENSIONS: usize = 64;

/// A tensor: a view of a storage. That it lies within the file is checked when it is made.
#[derive(Debug)]
pub(super) struct View {
    pub(super) dtype: &'static str,
    /// The first element's place in the file.
    start: usize,
    pub(super) elements: usize,
    pub(super) shape: Vec<usize>,
    strides: Vec<usize>,
}

impl View {
    /// The tensor that `id` is; `None` for anything else, such as the number of an epoch.
    pub(super) fn find(
        state: &Pickled<'_>,
        id: Id,
        starts: &HashMap<&str, usize>,
    ) -> Parsed<Option<Self>> {
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
                return Err(format!(
                    "it is stored through {module}.{name}, which is not supported"
                ));
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
        let dtype = storage.dtype;
        if shape.contains(&0) {
            // It has no elements that could lie anywhere, whatever its offset.
            return Ok(Some(Self { dtype, start, elements: 0, shape, strides }));
        }
        let elements = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let last = shape.iter().zip(&strides).try_fold(offset, |last, (&size, &stride)| {
            last.checked_add((size - 1).checked_mul(stride)?)
        });
        match (elements, last) {
            (Some(elements), Some(last)) if last < storage.elements => {
                let start = start + offset * storage.width;
                Ok(Some(Self { dtype, start, elements, shape, strides }))
            }
            _ => Err("it reaches beyond its storage".to_owned()),
        }
    }

    /// Converts the elements to f32; `out` has their number.
    pub(super) fn convert<const N: usize>(
        &self,
        file: &[u8],
        out: &mut [f32],
        from: impl Fn([u8; N]) -> f32 + Sync,
    ) {
        if out.is_empty() {
            return;
        }
        let (row, step) = match (self.shape.last(), self.strides.last()) {
            (Some(&row), Some(&step)) if !self.is_contiguous() => (row, step),
            _ => return convert(&file[self.start..][..out.len() * N], out, from),
        };
        out.par_chunks_mut(row).enumerate().for_each(|(index, out)| {
            let (mut rest, mut place) = (index, 0);
            for (size, stride) in self.shape.iter().zip(&self.strides).rev().skip(1) {
                place += rest % size * stride;
                rest /= size;
            }
            for (i, out) in out.iter_mut().enumerate() {
                let at = self.start + (place + i * step) * N;
                let mut value = [0; N];
                value.copy_from_slice(&file[at..at + N]);
                *out = from(value);
            }
        });
    }

    /// Whether the elements lie one after the other; there is at least one.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
    }
}
