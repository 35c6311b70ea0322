//! Safe owners of a plugin's handles. Each closes its handle when it is dropped.
#![expect(unsafe_code, reason = "calls foreign code")]

use super::encoded::Encoded;
use super::error::{CallError, status_name};
use super::host::{call, call_with, collect};
use super::rows::Rows;
use super::{EncodeOptions, Example, Head, Library, ModelRequest, TokenizerRequest, Truncation};
use kobench_plugin_abi::{
    self as abi, AbiStruct as _, OpaqueModel, OpaqueTokenizer, PluginVtable, Str,
};
use std::ptr::NonNull;

/// A call of the vtable that `Library::load` has checked to be there.
macro_rules! required {
    ($vtable:expr, $name:ident) => {
        $vtable.$name.ok_or_else(|| unsupported(stringify!($name)))?
    };
}

pub(super) use required;

pub(super) fn error(call: &'static str, status: i32, message: impl Into<String>) -> CallError {
    CallError { call, status, code: status_name(status), message: message.into() }
}

pub(super) fn unsupported(call: &'static str) -> CallError {
    error(call, abi::E_UNSUPPORTED, format!("this plugin does not have the call `{call}`"))
}

fn handle<T>(call: &'static str, pointer: *mut T) -> Result<NonNull<T>, CallError> {
    NonNull::new(pointer)
        .ok_or_else(|| error(call, abi::E_INTERNAL, "the plugin answered OK but gave no handle"))
}

fn document<T: serde::Serialize>(call: &'static str, request: &T) -> Result<String, CallError> {
    serde_json::to_string(request).map_err(|e| error(call, abi::E_INVALID_ARGUMENT, e.to_string()))
}

/// The document of `model_open`. Keys that came later stand there only where they are asked for: plugins that
/// are older than a key refuse what they do not know.
fn model_document(request: &ModelRequest) -> Result<String, CallError> {
    let failed = |e: serde_json::Error| error("model_open", abi::E_INVALID_ARGUMENT, e.to_string());
    let mut json = serde_json::to_value(request).map_err(failed)?;
    if let Some(keys) = json.as_object_mut() {
        let unused = [
            ("check", !request.check),
            ("from_scratch", !request.from_scratch),
            ("weights", request.weights.is_none()),
        ];
        for (key, _) in unused.into_iter().filter(|(_, is_unused)| *is_unused) {
            keys.remove(key);
        }
    }
    document("model_open", &json)
}

pub(super) const fn abi_head(head: Head) -> u32 {
    match head {
        Head::Sequence => abi::HEAD_SEQUENCE,
        Head::Token => abi::HEAD_TOKEN,
        Head::Span => abi::HEAD_SPAN,
    }
}

/// A tokeniser of a plugin.
#[derive(Debug)]
pub struct Tokenizer {
    vtable: &'static PluginVtable,
    handle: NonNull<OpaqueTokenizer>,
}

// SAFETY: the header lets any thread call a handle, one at a time; `&mut self` sees to the latter.
unsafe impl Send for Tokenizer {}

impl Tokenizer {
    pub(super) fn open(library: &Library, request: &TokenizerRequest) -> Result<Self, CallError> {
        let vtable = library.vtable();
        let open = required!(vtable, tokenizer_open);
        let json = document("tokenizer_open", request)?;
        let mut out = std::ptr::null_mut();
        // SAFETY: valid arguments for the call.
        call("tokenizer_open", |e| unsafe { open(Str::new(&json), &raw mut out, e) })?;
        Ok(Self { vtable, handle: handle("tokenizer_open", out)? })
    }

    /// The plugin's handle, for calls that this type does not make.
    pub(crate) fn as_ptr(&self) -> *mut OpaqueTokenizer {
        self.handle.as_ptr()
    }

    /// Tokenises.
    ///
    /// # Errors
    /// The plugin's.
    pub fn encode(
        &mut self,
        examples: &[Example<'_>],
        options: &EncodeOptions,
    ) -> Result<Encoded, CallError> {
        let encode = required!(self.vtable, tokenizer_encode);
        let rows = Rows::new(examples);
        let rows = rows.as_slice();
        let options = abi_options(options)?;
        let mut out = std::ptr::null();
        // SAFETY: a handle that is open, and arguments that are valid for the call.
        call("tokenizer_encode", |e| unsafe {
            encode(
                self.handle.as_ptr(),
                rows.as_ptr(),
                rows.len(),
                &raw const options,
                &raw mut out,
                e,
            )
        })?;
        Ok(Encoded::new(self.vtable, handle("tokenizer_encode", out.cast_mut())?))
    }
}

fn abi_options(o: &EncodeOptions) -> Result<abi::EncodeOptions, CallError> {
    let narrow = |n: usize, name: &str| {
        let message = || format!("`{name}` of {n} does not fit into 32 bits");
        u32::try_from(n).map_err(|_| error("tokenizer_encode", abi::E_INVALID_ARGUMENT, message()))
    };
    let mut options = abi::EncodeOptions::zeroed();
    options.flags = if o.pieces { abi::ENCODE_PIECES } else { 0 };
    options.max_seq_len = narrow(o.max_seq_len, "max_seq_len")?;
    options.doc_stride = narrow(o.doc_stride, "doc_stride")?;
    options.max_question_len = narrow(o.max_question_len, "max_question_len")?;
    options.truncation = match o.truncation {
        Truncation::LongestFirst => abi::TRUNCATE_LONGEST_FIRST,
        Truncation::Never => abi::TRUNCATE_NEVER,
    };
    Ok(options)
}

impl Drop for Tokenizer {
    fn drop(&mut self) {
        if let Some(close) = self.vtable.tokenizer_close {
            // SAFETY: open, and closed here only.
            unsafe { close(self.handle.as_ptr()) };
        }
    }
}

/// A model of a plugin.
#[derive(Debug)]
pub struct Model {
    vtable: &'static PluginVtable,
    handle: NonNull<OpaqueModel>,
}

// SAFETY: the header lets any thread call a handle, one at a time; `&mut self` sees to the latter.
unsafe impl Send for Model {}

/// The shape of the logits that a forward call wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardOutcome {
    /// Rows.
    pub rows: usize,
    /// Values a row.
    pub width: usize,
}

impl Model {
    pub(super) fn open(library: &Library, request: &ModelRequest) -> Result<Self, CallError> {
        let vtable = library.vtable();
        let open = required!(vtable, model_open);
        let json = model_document(request)?;
        let mut out = std::ptr::null_mut();
        // A list of all the tensors that do not fit may be long.
        let room = 1 << 20;
        // SAFETY: valid arguments for the call.
        call_with("model_open", room, |e| unsafe { open(Str::new(&json), &raw mut out, e) })?;
        Ok(Self { vtable, handle: handle("model_open", out)? })
    }

    /// The plugin's handle, for calls that this type does not make.
    pub(crate) fn as_ptr(&self) -> *mut OpaqueModel {
        self.handle.as_ptr()
    }

    pub(super) fn vtable(&self) -> &'static PluginVtable {
        self.vtable
    }

    /// Computes the logits of some sequences into `values`, which grows as far as it has to.
    ///
    /// # Errors
    /// The plugin's.
    pub fn forward(
        &mut self,
        encoded: &Encoded,
        indices: &[u64],
        head: Head,
        values: &mut Vec<f32>,
    ) -> Result<ForwardOutcome, CallError> {
        let forward = required!(self.vtable, model_forward);
        let head = abi_head(head);
        for _ in 0..2 {
            let mut logits = abi::Logits::zeroed();
            logits.values = values.as_mut_ptr();
            logits.capacity = values.len();
            // SAFETY: handles that are open, arrays with their lengths.
            let result = call("model_forward", |e| unsafe {
                forward(
                    self.handle.as_ptr(),
                    encoded.as_ptr(),
                    indices.as_ptr(),
                    indices.len(),
                    head,
                    &raw mut logits,
                    e,
                )
            });
            let (rows, width) =
                (usize::try_from(logits.rows).unwrap_or(usize::MAX), logits.width as usize);
            let need = rows.saturating_mul(width);
            match result {
                Ok(()) if need <= values.len() => return Ok(ForwardOutcome { rows, width }),
                Ok(()) => {
                    let message = format!(
                        "the plugin claims {rows} x {width} logits in {} values",
                        values.len()
                    );
                    return Err(error("model_forward", abi::E_INTERNAL, message));
                }
                Err(e) if e.status == abi::E_BUFFER_TOO_SMALL && need > values.len() => {
                    let more = need - values.len();
                    values.try_reserve(more).map_err(|_| {
                        error(
                            "model_forward",
                            abi::E_OUT_OF_MEMORY,
                            format!("no memory for {need} logits"),
                        )
                    })?;
                    values.resize(need, 0.0);
                }
                Err(e) => return Err(e),
            }
        }
        Err(error(
            "model_forward",
            abi::E_INTERNAL,
            "the plugin's need for room for logits does not settle",
        ))
    }

    /// What was opened, as JSON; `null` where the plugin does not say.
    ///
    /// # Errors
    /// The plugin's.
    pub fn stats(&mut self) -> Result<serde_json::Value, CallError> {
        let Some(stats) = self.vtable.model_stats else { return Ok(serde_json::Value::Null) };
        // SAFETY: a handle that is open, and a valid sink.
        let json =
            collect("model_stats", |sink, e| unsafe { stats(self.handle.as_ptr(), sink, e) })?;
        serde_json::from_str(&json)
            .map_err(|e| error("model_stats", abi::E_BAD_DATA, e.to_string()))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        if let Some(close) = self.vtable.model_close {
            // SAFETY: open, and closed here only.
            unsafe { close(self.handle.as_ptr()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_plugins_see_no_key_that_they_do_not_know() {
        let json = r#"{"variant": "x"}"#;
        let mut request: ModelRequest = serde_json::from_str(json).unwrap();
        let document = model_document(&request).unwrap();
        assert!(
            ["check\":", "from_scratch\":", "weights\":"].iter().all(|k| !document.contains(k))
        );
        (request.check, request.from_scratch) = (true, true);
        request.weights = Some("nsmc".into());
        let document = model_document(&request).unwrap();
        assert_eq!(serde_json::from_str::<ModelRequest>(&document).unwrap(), request);
    }
}
