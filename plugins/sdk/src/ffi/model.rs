//! The model calls.

use super::convert::{finish, json, slice, text};
use super::tokenizer::EncodedHandle;
use super::write_json;
use crate::handle::{Handle, guarded};
use crate::{Batch, Cancel, Encoded, Error, Head, Logits, Plugin, Result, StepArguments, Targets};
use kobench_plugin_abi::{
    self as abi, AbiStruct as _, ErrorBuffer, OpaqueEncoded, OpaqueModel, Sink, Step, Str,
    read_prefix,
};
use std::path::Path;
use std::sync::atomic::Ordering;

/// The handle behind a pointer.
///
/// # Safety
/// `model` is NULL or made by `open::<P>` and not closed yet.
unsafe fn handle<'a, P: Plugin>(model: *mut OpaqueModel) -> Result<&'a Handle<P::Model>> {
    // SAFETY: the caller's promise.
    unsafe { model.cast::<Handle<P::Model>>().as_ref() }
        .ok_or_else(|| Error::invalid_argument("the model is NULL"))
}

/// A call on a model, with the border's duties around it.
///
/// # Safety
/// `model` as for [`handle`], `error` NULL or an error buffer by the header's rules.
unsafe fn call<P: Plugin>(
    model: *mut OpaqueModel,
    error: *mut ErrorBuffer,
    f: impl FnOnce(&mut P::Model) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's promise.
    let result = guarded(|| unsafe { handle::<P>(model) }?.call(f));
    // SAFETY: the caller's promise.
    unsafe { finish(result, error) }
}

pub(super) unsafe extern "C" fn open<P: Plugin>(
    request: Str,
    out: *mut *mut OpaqueModel,
    error: *mut ErrorBuffer,
) -> i32 {
    let result = guarded(|| {
        if out.is_null() {
            return Err(Error::invalid_argument("model_open: `out` is NULL"));
        }
        // SAFETY: the header's rules for texts.
        let request = unsafe { json(request, "model_open")? };
        let handle = Box::new(Handle::new(P::open_model(request)?));
        // SAFETY: not NULL, and the host's to be written.
        unsafe { out.write(Box::into_raw(handle).cast()) };
        Ok(())
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}

/// The sequences of a call, checked against the encoding.
///
/// # Safety
/// `encoded` is NULL or made by the tokeniser's `encode` and not freed; `indices` points to `n` values.
unsafe fn sequences<'a>(
    encoded: *const OpaqueEncoded,
    indices: *const u64,
    n: usize,
) -> Result<(&'a Encoded, Vec<usize>)> {
    // SAFETY: the caller's promise.
    let encoded = unsafe { encoded.cast::<EncodedHandle>().as_ref() }
        .ok_or_else(|| Error::invalid_argument("`encoded` is NULL"))?;
    let n_sequences = encoded.encoded.n_sequences();
    // SAFETY: the caller's promise.
    let indices = unsafe { slice(indices, n, "indices")? }
        .iter()
        .map(|&i| usize::try_from(i).ok().filter(|&i| i < n_sequences).ok_or(i))
        .collect::<std::result::Result<Vec<usize>, u64>>()
        .map_err(|i| {
            Error::invalid_argument(format!("sequence {i} of an encoding that has {n_sequences}"))
        })?;
    Ok((&encoded.encoded, indices))
}

pub(super) unsafe extern "C" fn forward<P: Plugin>(
    model: *mut OpaqueModel,
    encoded: *const OpaqueEncoded,
    indices: *const u64,
    n: usize,
    head: u32,
    out: *mut abi::Logits,
    error: *mut ErrorBuffer,
) -> i32 {
    let result = guarded(|| {
        // SAFETY: the header's rules for handles and arrays.
        let (handle, (encoded, indices)) =
            unsafe { (handle::<P>(model)?, sequences(encoded, indices, n)?) };
        // SAFETY: NULL or the host's struct.
        let host = unsafe { read_prefix(out) }
            .filter(|l| l.struct_size >= abi::Logits::SIZE)
            .ok_or_else(|| Error::invalid_argument("model_forward: `out` is NULL or too small"))?;
        let head = Head::from_abi(head)?;
        let values = if host.values.is_null() {
            &mut [][..]
        } else {
            // SAFETY: the host's buffer with room for `capacity` values, ours alone for the call.
            unsafe { std::slice::from_raw_parts_mut(host.values, host.capacity) }
        };
        let mut logits = Logits { values, shape: None };
        let batch = Batch { encoded, indices: &indices, cancel: Cancel(&handle.cancelled) };
        let result = handle.call(|m| {
            // Also for a model that never asks: a call that was cancelled before it began does not run.
            batch.cancel.check()?;
            P::forward(m, &batch, head, &mut logits)
        });
        clear_cancel(handle, &result);
        if let Some((rows, width)) = logits.shape {
            // SAFETY: not NULL and large enough (read above).
            unsafe {
                (*out).rows = rows as u64;
                (*out).width = u32::try_from(width)
                    .map_err(|_| Error::internal(format!("logits of width {width}")))?;
            }
        } else if result.is_ok() {
            return Err(Error::internal(
                "this plugin's forward call stated no shape for its logits",
            ));
        }
        result
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}

/// A cancellation ends one call, not all later ones.
fn clear_cancel<T, R>(handle: &Handle<T>, result: &Result<R>) {
    if matches!(result, Err(e) if e.kind == crate::ErrorKind::Cancelled) {
        handle.cancelled.store(false, Ordering::Relaxed);
    }
}

pub(super) unsafe extern "C" fn close<P: Plugin>(model: *mut OpaqueModel) {
    if !model.is_null() {
        // SAFETY: made by `open::<P>`, closed once (the header's rules).
        let handle = unsafe { Box::from_raw(model.cast::<Handle<P::Model>>()) };
        // A panic while dropping is nothing that a caller could act on.
        let _ = guarded(|| {
            drop(handle);
            Ok(())
        });
    }
}

pub(super) unsafe extern "C" fn stats<P: Plugin>(
    model: *mut OpaqueModel,
    out: *const Sink,
    error: *mut ErrorBuffer,
) -> i32 {
    // SAFETY: the header's rules for handles and sinks.
    unsafe { call::<P>(model, error, |m| write_json(out, &P::stats(m)?)) }
}

pub(super) unsafe extern "C" fn cancel<P: Plugin>(model: *mut OpaqueModel) {
    // SAFETY: the header's rules for handles. The flag is the one part that other calls may share.
    if let Ok(handle) = unsafe { handle::<P>(model) } {
        handle.cancelled.store(true, Ordering::Relaxed);
    }
}

pub(super) unsafe extern "C" fn seed<P: Plugin>(
    model: *mut OpaqueModel,
    seed: u64,
    error: *mut ErrorBuffer,
) -> i32 {
    // SAFETY: the header's rules for handles.
    unsafe { call::<P>(model, error, |m| P::seed(m, seed)) }
}

pub(super) unsafe extern "C" fn train_begin<P: Plugin>(
    model: *mut OpaqueModel,
    settings: Str,
    error: *mut ErrorBuffer,
) -> i32 {
    // SAFETY: the header's rules for handles and texts.
    unsafe { call::<P>(model, error, |m| P::train_begin(m, json(settings, "train_begin")?)) }
}

/// The targets of a step for `n` sequences.
///
/// # Safety
/// `targets` is NULL or a struct by the header's rules, for `n` sequences.
unsafe fn typed_targets<'a>(targets: *const abi::Targets, n: usize) -> Result<Targets<'a>> {
    // SAFETY: the caller's promise.
    let t = unsafe { read_prefix(targets) }
        .ok_or_else(|| Error::invalid_argument("train_step: `targets` is NULL"))?;
    // SAFETY: the caller's promise, for each array.
    unsafe {
        Ok(match t.kind {
            abi::TARGET_CLASS => Targets::Class(slice(t.classes, n, "classes")?),
            abi::TARGET_REAL => Targets::Real(slice(t.reals, n, "reals")?),
            abi::TARGET_WORD => {
                let cu_words = slice(t.cu_words, n + 1, "cu_words")?;
                let ends = cu_words.first() == Some(&0) && cu_words.is_sorted();
                let total = cu_words.last().and_then(|&w| usize::try_from(w).ok()).filter(|_| ends);
                let total = total.ok_or_else(|| {
                    Error::invalid_argument("`cu_words` does not start at 0 or is not sorted")
                })?;
                Targets::Word { classes: slice(t.classes, total, "classes")?, cu_words }
            }
            abi::TARGET_SPAN => Targets::Span {
                starts: slice(t.starts, n, "starts")?,
                ends: slice(t.ends, n, "ends")?,
            },
            other => {
                return Err(Error::unsupported(format!(
                    "targets of the kind {other}; this plugin knows 0 to 3"
                )));
            }
        })
    }
}

pub(super) unsafe extern "C" fn train_step<P: Plugin>(
    model: *mut OpaqueModel,
    encoded: *const OpaqueEncoded,
    indices: *const u64,
    n: usize,
    head: u32,
    targets: *const abi::Targets,
    step: *mut Step,
    error: *mut ErrorBuffer,
) -> i32 {
    let result = guarded(|| {
        // SAFETY: the header's rules for handles and arrays.
        let (handle, (encoded, indices)) =
            unsafe { (handle::<P>(model)?, sequences(encoded, indices, n)?) };
        // SAFETY: NULL or the host's structs.
        let (targets, host) = unsafe { (typed_targets(targets, n)?, read_prefix(step)) };
        let host = host
            .filter(|s| s.struct_size >= Step::SIZE)
            .ok_or_else(|| Error::invalid_argument("train_step: `step` is NULL or too small"))?;
        let arguments = StepArguments {
            learning_rate: host.learning_rate,
            loss_scale: host.loss_scale,
            accumulate: host.flags & abi::STEP_ACCUMULATE != 0,
        };
        let head = Head::from_abi(head)?;
        let batch = Batch { encoded, indices: &indices, cancel: Cancel(&handle.cancelled) };
        let outcome = handle.call(|m| {
            batch.cancel.check()?;
            P::train_step(m, &batch, head, targets, arguments)
        });
        clear_cancel(handle, &outcome);
        let outcome = outcome?;
        // SAFETY: not NULL and large enough (read above).
        unsafe {
            (*step).loss = outcome.loss;
            (*step).grad_norm = outcome.grad_norm;
        }
        Ok(())
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}

pub(super) unsafe extern "C" fn train_end<P: Plugin>(
    model: *mut OpaqueModel,
    error: *mut ErrorBuffer,
) -> i32 {
    // SAFETY: the header's rules for handles.
    unsafe { call::<P>(model, error, P::train_end) }
}

/// A call that is given a directory.
///
/// # Safety
/// The header's rules for handles, texts and error buffers.
unsafe fn call_with_directory<P: Plugin>(
    model: *mut OpaqueModel,
    directory: Str,
    flags: u32,
    error: *mut ErrorBuffer,
    f: fn(&mut P::Model, &Path, bool) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        call::<P>(model, error, |m| {
            let directory = text(directory, || "the directory".into())?;
            f(m, Path::new(directory), flags & abi::STATE_TRAINING != 0)
        })
    }
}

pub(super) unsafe extern "C" fn save<P: Plugin>(
    model: *mut OpaqueModel,
    directory: Str,
    flags: u32,
    error: *mut ErrorBuffer,
) -> i32 {
    // SAFETY: the header's rules for handles and texts.
    unsafe { call_with_directory::<P>(model, directory, flags, error, P::save) }
}

pub(super) unsafe extern "C" fn load<P: Plugin>(
    model: *mut OpaqueModel,
    directory: Str,
    flags: u32,
    error: *mut ErrorBuffer,
) -> i32 {
    // SAFETY: the header's rules for handles and texts.
    unsafe { call_with_directory::<P>(model, directory, flags, error, P::load) }
}
