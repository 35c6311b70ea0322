//! Encoded examples: the plugin's, and read-only.
#![expect(unsafe_code, reason = "calls foreign code")]

use super::error::CallError;
use super::handles::{error, required, unsupported};
use super::host::call;
use kobench_plugin_abi::{self as abi, AbiStruct as _, OpaqueEncoded, PluginVtable};
use std::ptr::NonNull;

/// Encoded examples of a plugin.
#[derive(Debug)]
pub struct Encoded {
    vtable: &'static PluginVtable,
    handle: NonNull<OpaqueEncoded>,
}

// SAFETY: an encoding is read-only; the header lets any number of threads read it.
unsafe impl Send for Encoded {}
// SAFETY: as above.
unsafe impl Sync for Encoded {}

/// The columns of an encoding that are there for each sequence, checked as far as that is possible:
/// `cu_seqlens` starts at 0, does not fall, and ends at the number of tokens.
#[derive(Debug, Clone, Copy)]
pub struct EncodingView<'a> {
    /// `[n_sequences + 1]`
    pub cu_seqlens: &'a [u64],
    /// `[n_sequences]`: the example that a sequence is of.
    pub example: &'a [u32],
    /// `[n_sequences]`: 0, 1, 2 ... within the example.
    pub window: &'a [u32],
    /// `[n_sequences]`: tokens that were cut off.
    pub n_truncated: &'a [u32],
    /// `[n_sequences]`: unknown tokens.
    pub n_unknown: &'a [u32],
}

/// The columns of an encoding that are there for each token. Their lengths are right; what is in them is
/// the plugin's, and not checked.
#[derive(Debug, Clone, Copy)]
pub struct TokenView<'a> {
    /// `[n_tokens]`: the id in the vocabulary.
    pub input_ids: &'a [u32],
    /// `[n_tokens]`: the segment.
    pub token_type_ids: &'a [u8],
    /// `[n_tokens]`: which text a token is of (`FROM_*` of the interface).
    pub source: &'a [u8],
    /// `[n_tokens]`: the word, or `NO_WORD`.
    pub word_ids: &'a [i32],
    /// `[n_tokens]`: the byte at which a token begins in its text (or word).
    pub offset_start: &'a [u32],
    /// `[n_tokens]`: the byte at which it ends.
    pub offset_end: &'a [u32],
    pieces: Option<&'a [abi::Str]>,
}

impl<'a> TokenView<'a> {
    /// Whether there are texts of the tokens.
    pub fn has_pieces(&self) -> bool {
        self.pieces.is_some()
    }

    /// The text of a token, as it is in the vocabulary.
    ///
    /// # Errors
    /// What is wrong with it: pieces were not asked for or not given, or this one is not UTF-8.
    pub fn piece(&self, token: usize) -> Result<&'a str, String> {
        let Some(piece) = self.pieces.and_then(|pieces| pieces.get(token)) else {
            return Err("`pieces` is NULL, but was asked for".into());
        };
        if piece.size == 0 {
            return Ok("");
        }
        if piece.data.is_null() || piece.size > isize::MAX as usize {
            return Err(format!("the piece of token {token} is NULL or too long"));
        }
        // SAFETY: the plugin's promise: `size` bytes that live as long as the handle.
        let bytes = unsafe { std::slice::from_raw_parts(piece.data, piece.size) };
        std::str::from_utf8(bytes).map_err(|_| format!("the piece of token {token} is not UTF-8"))
    }
}

impl EncodingView<'_> {
    /// Tokens of a sequence.
    pub fn len_of(&self, sequence: usize) -> usize {
        self.range(sequence).len()
    }

    /// The tokens of a sequence.
    pub fn range(&self, sequence: usize) -> std::ops::Range<usize> {
        let at = |i: usize| usize::try_from(self.cu_seqlens[i]).unwrap_or(usize::MAX);
        at(sequence)..at(sequence + 1)
    }

    /// Sequences.
    pub fn n_sequences(&self) -> usize {
        self.example.len()
    }
}

impl Encoded {
    pub(super) fn new(vtable: &'static PluginVtable, handle: NonNull<OpaqueEncoded>) -> Self {
        Self { vtable, handle }
    }

    /// An owner for a handle that has one already: it must be forgotten, not dropped.
    pub(crate) fn borrow(vtable: &'static PluginVtable, handle: NonNull<OpaqueEncoded>) -> Self {
        Self::new(vtable, handle)
    }

    pub(crate) fn as_ptr(&self) -> *const OpaqueEncoded {
        self.handle.as_ptr()
    }

    /// The columns that are there for each sequence.
    ///
    /// # Errors
    /// The plugin's; columns that are NULL or contradict each other.
    pub fn view(&self) -> Result<EncodingView<'_>, CallError> {
        let (view, n) = self.raw()?;
        // SAFETY: `raw` has seen to it that the column is there: n + 1 values.
        let cu_seqlens = unsafe { std::slice::from_raw_parts(view.cu_seqlens, n + 1) };
        if cu_seqlens[0] != 0 || !cu_seqlens.is_sorted() || cu_seqlens[n] != view.n_tokens {
            return Err(bad("`cu_seqlens` does not go from 0 up to `n_tokens`"));
        }
        // SAFETY: the plugin's promise for each: n values that live as long as the handle.
        unsafe {
            Ok(EncodingView {
                cu_seqlens,
                example: column(view.example, n, "example")?,
                window: column(view.window, n, "window")?,
                n_truncated: column(view.n_truncated, n, "n_truncated")?,
                n_unknown: column(view.n_unknown, n, "n_unknown")?,
            })
        }
    }

    /// The columns that are there for each token.
    ///
    /// # Errors
    /// The plugin's; columns that are NULL.
    pub fn tokens(&self) -> Result<TokenView<'_>, CallError> {
        let (view, _) = self.raw()?;
        let n = usize::try_from(view.n_tokens).ok().filter(|&n| n <= isize::MAX as usize / 16);
        let n = n.ok_or_else(|| bad("too many tokens"))?;
        // SAFETY: the plugin's promise for each: n values that live as long as the handle.
        unsafe {
            Ok(TokenView {
                input_ids: column(view.input_ids, n, "input_ids")?,
                token_type_ids: column(view.token_type_ids, n, "token_type_ids")?,
                source: column(view.token_source, n, "token_source")?,
                word_ids: column(view.word_ids, n, "word_ids")?,
                offset_start: column(view.offset_start, n, "offset_start")?,
                offset_end: column(view.offset_end, n, "offset_end")?,
                pieces: (!view.pieces.is_null())
                    .then(|| column(view.pieces, n, "pieces"))
                    .transpose()?,
            })
        }
    }

    /// The plugin's view, of which `cu_seqlens` is there, and the number of its sequences.
    fn raw(&self) -> Result<(abi::EncodingView, usize), CallError> {
        let get = required!(self.vtable, encoded_view);
        let mut view = abi::EncodingView::zeroed();
        // SAFETY: a handle that is not freed, and room for the view.
        call("encoded_view", |e| unsafe { get(self.handle.as_ptr(), &raw mut view, e) })?;
        let n = usize::try_from(view.n_sequences).map_err(|_| bad("too many sequences"))?;
        if view.cu_seqlens.is_null() || n > isize::MAX as usize / 8 - 1 {
            return Err(bad("`cu_seqlens` is NULL or too long"));
        }
        Ok((view, n))
    }
}

fn bad(what: &str) -> CallError {
    error("encoded_view", abi::E_INTERNAL, format!("the plugin's encoding: {what}"))
}

/// A column of `n` values.
///
/// # Safety
/// Where `data` is not NULL, `n` values are there and live as long as the handle.
unsafe fn column<'a, T>(data: *const T, n: usize, name: &str) -> Result<&'a [T], CallError> {
    if n == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(bad(&format!("`{name}` is NULL")));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, n) })
}

impl Drop for Encoded {
    fn drop(&mut self) {
        if let Some(free) = self.vtable.encoded_free {
            // SAFETY: not freed yet, and freed here only.
            unsafe { free(self.handle.as_ptr()) };
        }
    }
}
