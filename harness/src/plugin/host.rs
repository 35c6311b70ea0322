//! The host's side of the interface: its log, and the buffers that a call writes into.
#![expect(unsafe_code, reason = "functions that a plugin calls")]

use super::error::{CallError, status_name};
use kobench_plugin_abi::{self as abi, AbiStruct as _, ErrorBuffer, Host, Sink, Str};
use std::ffi::c_void;
use std::sync::{LazyLock, OnceLock};

/// Where plugins' log messages go.
type LogFn = Box<dyn Fn(i32, &str) + Send + Sync>;
static LOG: OnceLock<LogFn> = OnceLock::new();

/// Sets where plugins' log messages go; the first call counts. Without one they go to standard error.
pub fn set_log(log: impl Fn(i32, &str) + Send + Sync + 'static) {
    let _ = LOG.set(Box::new(log));
}

unsafe extern "C" fn receive_log(_: *mut c_void, level: i32, message: Str) {
    if message.data.is_null() {
        return;
    }
    // SAFETY: the plugin's promise: `size` readable bytes for the call.
    let bytes = unsafe { std::slice::from_raw_parts(message.data, message.size) };
    let text = String::from_utf8_lossy(bytes);
    // Nothing may unwind into the plugin.
    let _ = std::panic::catch_unwind(|| match LOG.get() {
        Some(log) => log(level, &text),
        None => eprintln!("plugin: {text}"),
    });
}

struct StaticHost(Host);
// SAFETY: nothing in it changes; its texts are constants.
unsafe impl Send for StaticHost {}
// SAFETY: as above.
unsafe impl Sync for StaticHost {}

static HOST: LazyLock<StaticHost> = LazyLock::new(|| {
    let mut host = Host::zeroed();
    host.abi_minor = abi::ABI_MINOR;
    host.abi_minor_oldest = abi::ABI_MINOR_OLDEST;
    host.name = Str::new("kobench");
    host.version = Str::new(crate::VERSION);
    host.log = Some(receive_log);
    StaticHost(host)
});

/// The host struct; lives as long as the process.
pub(super) fn host() -> &'static Host {
    &HOST.0
}

/// Runs a call with a buffer for its error message, and turns its status into a result.
pub(crate) fn call(
    name: &'static str,
    f: impl FnOnce(*mut ErrorBuffer) -> i32,
) -> Result<(), CallError> {
    call_with(name, 4096, f)
}

/// As [`call`], with room for a message of so many bytes.
pub(super) fn call_with(
    name: &'static str,
    room: usize,
    f: impl FnOnce(*mut ErrorBuffer) -> i32,
) -> Result<(), CallError> {
    let mut bytes = vec![0_u8; room];
    let mut buffer = ErrorBuffer::zeroed();
    buffer.message = bytes.as_mut_ptr();
    buffer.capacity = bytes.len();
    let status = f(&raw mut buffer);
    if status == abi::OK {
        return Ok(());
    }
    let written = buffer.size.min(bytes.len());
    let message = String::from_utf8_lossy(&bytes[..written]).trim().to_string();
    let message = if message.is_empty() { "the plugin gave no message".into() } else { message };
    Err(CallError { call: name, status, code: status_name(status), message })
}

/// The largest JSON document that is taken from a plugin.
const MAX_DOCUMENT: usize = 16 << 20;

unsafe extern "C" fn append(context: *mut c_void, data: *const u8, size: usize) -> i32 {
    // SAFETY: `context` is the vector that `collect` lends for the call.
    let Some(bytes) = (unsafe { context.cast::<Vec<u8>>().as_mut() }) else {
        return abi::E_INVALID_ARGUMENT;
    };
    if size == 0 {
        return abi::OK;
    }
    if data.is_null() || bytes.len().saturating_add(size) > MAX_DOCUMENT {
        return abi::E_INVALID_ARGUMENT;
    }
    // SAFETY: the plugin's promise: `size` readable bytes.
    bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(data, size) });
    abi::OK
}

/// Runs a call that writes a document into a sink.
pub(crate) fn collect(
    name: &'static str,
    f: impl FnOnce(*const Sink, *mut ErrorBuffer) -> i32,
) -> Result<String, CallError> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut sink = Sink::zeroed();
    sink.context = (&raw mut bytes).cast();
    sink.write = Some(append);
    call(name, |error| f(&raw const sink, error))?;
    String::from_utf8(bytes).map_err(|e| CallError {
        call: name,
        status: abi::E_BAD_DATA,
        code: status_name(abi::E_BAD_DATA),
        message: format!("the plugin wrote a document that is not UTF-8: {e}"),
    })
}
