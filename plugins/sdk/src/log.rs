//! Messages to the host: standard output is not the plugin's to use.

use kobench_plugin_abi as abi;
use std::ffi::c_void;
use std::sync::OnceLock;

/// How important a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is doubtful.
    Warn,
    /// What a user may want to see.
    Info,
    /// For the plugin's author.
    Debug,
}

type LogFn = unsafe extern "C" fn(*mut c_void, i32, abi::Str);

/// The host's log call with its context as an address: the host promises that any thread may call it.
static HOST_LOG: OnceLock<(LogFn, usize)> = OnceLock::new();

pub(crate) fn connect(host: &abi::Host) {
    if let Some(log) = host.log {
        // A second entry call keeps the first host; there is one for each process.
        let _ = HOST_LOG.set((log, host.context as usize));
    }
}

/// Sends a message to the host's log; without a host it is dropped.
pub fn log(level: Level, message: &str) {
    let Some(&(call, context)) = HOST_LOG.get() else { return };
    let level = match level {
        Level::Error => abi::LOG_ERROR,
        Level::Warn => abi::LOG_WARN,
        Level::Info => abi::LOG_INFO,
        Level::Debug => abi::LOG_DEBUG,
    };
    #[expect(unsafe_code, reason = "a call of the host's")]
    // SAFETY: the host's function and context live as long as the process; the text lives for the call.
    unsafe {
        call(context as *mut c_void, level, abi::Str::new(message));
    }
}
