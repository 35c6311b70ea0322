//! The tokeniser calls.

use super::convert::{encode_options, examples, finish, json};
use crate::handle::{Handle, guarded};
use crate::{Encoded, Error, Plugin, Result};
use kobench_plugin_abi::{
    AbiStruct as _, EncodeOptions, EncodingView, ErrorBuffer, Example, OpaqueEncoded,
    OpaqueTokenizer, Str, read_prefix,
};

/// What an `kobench_encoded` points to: the columns, and views of the pieces for the host.
pub(super) struct EncodedHandle {
    pub(super) encoded: Encoded,
    pieces: Vec<Str>,
}

// SAFETY: the views point into the handle's own strings, which never change.
unsafe impl Send for EncodedHandle {}
// SAFETY: as above; everything is read-only.
unsafe impl Sync for EncodedHandle {}

pub(super) unsafe extern "C" fn open<P: Plugin>(
    request: Str,
    out: *mut *mut OpaqueTokenizer,
    error: *mut ErrorBuffer,
) -> i32 {
    let result = guarded(|| {
        if out.is_null() {
            return Err(Error::invalid_argument("tokenizer_open: `out` is NULL"));
        }
        // SAFETY: the header's rules for texts.
        let request = unsafe { json(request, "tokenizer_open")? };
        let handle = Box::new(Handle::new(P::open_tokenizer(request)?));
        // SAFETY: not NULL, and the host's to be written.
        unsafe { out.write(Box::into_raw(handle).cast()) };
        Ok(())
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}

pub(super) unsafe extern "C" fn encode<P: Plugin>(
    tokenizer: *mut OpaqueTokenizer,
    rows: *const Example,
    n: usize,
    options: *const EncodeOptions,
    out: *mut *const OpaqueEncoded,
    error: *mut ErrorBuffer,
) -> i32 {
    let result = guarded(|| {
        if tokenizer.is_null() || out.is_null() {
            return Err(Error::invalid_argument("tokenizer_encode: `tokenizer` or `out` is NULL"));
        }
        // SAFETY: a handle of `open::<P>` that is not closed yet (the header's rules).
        let handle = unsafe { &*tokenizer.cast::<Handle<P::Tokenizer>>() };
        // SAFETY: the header's rules for examples and options.
        let (rows, options) = unsafe { (examples(rows, n)?, encode_options(options)?) };
        let encoded = handle.call(|t| P::encode(t, &rows, &options))?;
        check(&encoded, rows.len())?;
        let pieces = encoded.pieces.iter().map(|p| Str::new(p)).collect();
        let boxed = Box::new(EncodedHandle { encoded, pieces });
        // SAFETY: not NULL, and the host's to be written.
        unsafe { out.write(Box::into_raw(boxed).cast_const().cast()) };
        Ok(())
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}

/// What the host relies on: columns of equal length, and every example in order.
fn check(encoded: &Encoded, n_examples: usize) -> Result<()> {
    if !encoded.is_consistent() {
        return Err(Error::internal("this plugin's tokeniser returned columns of unequal length"));
    }
    let in_order = encoded.example.is_sorted();
    let last = encoded.example.last().map_or(0, |&e| e as usize + 1);
    if !in_order || last != n_examples {
        return Err(Error::internal(format!(
            "this plugin's tokeniser was given {n_examples} examples and returned sequences up to example \
             {last}{}",
            if in_order { "" } else { ", out of order" }
        )));
    }
    Ok(())
}

pub(super) unsafe extern "C" fn view(
    encoded: *const OpaqueEncoded,
    out: *mut EncodingView,
    error: *mut ErrorBuffer,
) -> i32 {
    let result = guarded(|| {
        // SAFETY: NULL or the host's struct, whose size is truthful.
        let (Some(room), false) = (unsafe { read_prefix(out) }, encoded.is_null()) else {
            return Err(Error::invalid_argument(
                "encoded_view: `encoded` or `out` is NULL or has no size",
            ));
        };
        // SAFETY: a handle of `encode` that is not freed yet (the header's rules).
        let EncodedHandle { encoded: e, pieces } = unsafe { &*encoded.cast::<EncodedHandle>() };
        let mut view = EncodingView::zeroed();
        view.struct_size = room.struct_size;
        view.n_sequences = e.n_sequences() as u64;
        view.n_tokens = e.n_tokens() as u64;
        view.cu_seqlens = e.cu_seqlens.as_ptr();
        view.input_ids = e.input_ids.as_ptr();
        view.token_type_ids = e.token_type_ids.as_ptr();
        view.token_source = e.token_source.as_ptr();
        view.word_ids = e.word_ids.as_ptr();
        view.offset_start = e.offset_start.as_ptr();
        view.offset_end = e.offset_end.as_ptr();
        view.example = e.example.as_ptr();
        view.window = e.window.as_ptr();
        view.n_truncated = e.n_truncated.as_ptr();
        view.n_unknown = e.n_unknown.as_ptr();
        view.pieces = if pieces.is_empty() { std::ptr::null() } else { pieces.as_ptr() };
        // SAFETY: `struct_size` is at most what the host has room for and what we know of.
        unsafe {
            std::ptr::copy_nonoverlapping(
                (&raw const view).cast::<u8>(),
                out.cast::<u8>(),
                view.struct_size as usize,
            );
        }
        Ok(())
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}

pub(super) unsafe extern "C" fn free(encoded: *const OpaqueEncoded) {
    if !encoded.is_null() {
        // SAFETY: made by `encode`, freed once (the header's rules).
        drop(unsafe { Box::from_raw(encoded.cast_mut().cast::<EncodedHandle>()) });
    }
}

pub(super) unsafe extern "C" fn close<P: Plugin>(tokenizer: *mut OpaqueTokenizer) {
    if !tokenizer.is_null() {
        // SAFETY: made by `open::<P>`, closed once (the header's rules).
        let handle = unsafe { Box::from_raw(tokenizer.cast::<Handle<P::Tokenizer>>()) };
        // A panic while dropping is nothing that a caller could act on.
        let _ = guarded(|| {
            drop(handle);
            Ok(())
        });
    }
}
