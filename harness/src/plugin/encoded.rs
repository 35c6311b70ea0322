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

/// The columns of an encoding, checked as far as that is possible: `cu_seqlens` starts at 0, does not
/// fall, and ends at the number of tokens.
#[derive(Debug, Clone, Copy)]
pub struct EncodingView<'a> {
    /// `[n_sequences + 1]`
    pub cu_seqlens: &'a [u64],
    /// `[n_sequences]`: the example that a sequence is of.
    pub example: &'a [u32],
    /// `[n_sequences]`: tokens that were cut off.
    pub n_truncated: &'a [u32],
    /// `[n_sequences]`: unknown tokens.
    pub n_unknown: &'a [u32],
}

impl EncodingView<'_> {
    /// Tokens of a sequence.
    pub fn len_of(&self, sequence: usize) -> usize {
        usize::try_from(self.cu_seqlens[sequence + 1] - self.cu_seqlens[sequence])
            .unwrap_or(usize::MAX)
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

    pub(super) fn as_ptr(&self) -> *const OpaqueEncoded {
        self.handle.as_ptr()
    }

    /// The columns.
    ///
    /// # Errors
    /// The plugin's; columns that are NULL or contradict each other.
    pub fn view(&self) -> Result<EncodingView<'_>, CallError> {
        let get = required!(self.vtable, encoded_view);
        let mut view = abi::EncodingView::zeroed();
        // SAFETY: a handle that is not freed, and room for the view.
        call("encoded_view", |e| unsafe { get(self.handle.as_ptr(), &raw mut view, e) })?;
        let bad = |what: &str| {
            error("encoded_view", abi::E_INTERNAL, format!("the plugin's encoding: {what}"))
        };
        let n = usize::try_from(view.n_sequences).map_err(|_| bad("too many sequences"))?;
        if view.cu_seqlens.is_null() || n > isize::MAX as usize / 8 - 1 {
            return Err(bad("`cu_seqlens` is NULL or too long"));
        }
        // SAFETY: the plugin's promise: n + 1 values that live as long as the handle.
        let cu_seqlens = unsafe { std::slice::from_raw_parts(view.cu_seqlens, n + 1) };
        if cu_seqlens[0] != 0 || !cu_seqlens.is_sorted() || cu_seqlens[n] != view.n_tokens {
            return Err(bad("`cu_seqlens` does not go from 0 up to `n_tokens`"));
        }
        let column = |data: *const u32, name: &str| {
            if n == 0 {
                return Ok(&[][..]);
            }
            if data.is_null() {
                return Err(bad(&format!("`{name}` is NULL")));
            }
            // SAFETY: the plugin's promise: n values that live as long as the handle.
            Ok(unsafe { std::slice::from_raw_parts(data, n) })
        };
        Ok(EncodingView {
            cu_seqlens,
            example: column(view.example, "example")?,
            n_truncated: column(view.n_truncated, "n_truncated")?,
            n_unknown: column(view.n_unknown, "n_unknown")?,
        })
    }
}

impl Drop for Encoded {
    fn drop(&mut self) {
        if let Some(free) = self.vtable.encoded_free {
            // SAFETY: not freed yet, and freed here only.
            unsafe { free(self.handle.as_ptr()) };
        }
    }
}
