//! The self-test of a plugin, whose lines are handed on as they come.
#![expect(unsafe_code, reason = "calls foreign code, and is called by it")]

use super::handles::{error, required, unsupported};
use super::host::call;
use super::{CallError, Library, SelftestRequest};
use kobench_plugin_abi::{self as abi, AbiStruct as _, Sink, Str};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The longest line that is taken from a plugin.
const MAX_LINE: usize = 1 << 20;

/// What is given each line; false where nobody reads on.
type OnLine<'a> = &'a mut dyn FnMut(&str) -> bool;

/// Where a plugin writes to.
struct Lines<'a> {
    /// The line that has not ended yet.
    begun: Vec<u8>,
    on_line: OnLine<'a>,
}

impl Lines<'_> {
    fn append(&mut self, mut bytes: &[u8]) -> i32 {
        while let Some(end) = bytes.iter().position(|&b| b == b'\n') {
            self.begun.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.begun);
            if !(self.on_line)(&String::from_utf8_lossy(&line)) {
                return abi::E_CANCELLED;
            }
        }
        if self.begun.len() + bytes.len() > MAX_LINE {
            return abi::E_INVALID_ARGUMENT;
        }
        self.begun.extend_from_slice(bytes);
        abi::OK
    }
}

unsafe extern "C" fn append(context: *mut c_void, data: *const u8, size: usize) -> i32 {
    // SAFETY: `context` is what `selftest` lends for the call.
    let Some(lines) = (unsafe { context.cast::<Lines<'_>>().as_mut() }) else {
        return abi::E_INVALID_ARGUMENT;
    };
    if size == 0 {
        return abi::OK;
    }
    if data.is_null() {
        return abi::E_INVALID_ARGUMENT;
    }
    // SAFETY: the plugin's promise: `size` readable bytes.
    let bytes = unsafe { std::slice::from_raw_parts(data, size) };
    // Nothing may unwind into the plugin.
    catch_unwind(AssertUnwindSafe(|| lines.append(bytes))).unwrap_or(abi::E_INTERNAL)
}

impl Library {
    /// Runs the plugin's self-test. `on_line` is given each line that it writes, without its end, and also the last
    /// one where that has none.
    ///
    /// # Errors
    /// The plugin's; "unsupported" where it has no self-test.
    pub fn selftest(
        &self,
        request: &SelftestRequest,
        on_line: OnLine<'_>,
    ) -> Result<(), CallError> {
        let selftest = required!(self.vtable(), selftest);
        let json = serde_json::to_string(request)
            .map_err(|e| error("selftest", abi::E_INVALID_ARGUMENT, e.to_string()))?;
        let mut lines = Lines { begun: Vec::new(), on_line };
        let mut sink = Sink::zeroed();
        sink.context = (&raw mut lines).cast();
        sink.write = Some(append);
        // SAFETY: valid arguments for the call.
        let result = call("selftest", |e| unsafe { selftest(Str::new(&json), &raw const sink, e) });
        if !lines.begun.is_empty() {
            (lines.on_line)(&String::from_utf8_lossy(&lines.begun));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_and_an_endless_one_is_refused() {
        let mut seen = Vec::new();
        let mut on_line = |line: &str| {
            seen.push(line.to_owned());
            line != "last"
        };
        let mut lines = Lines { begun: Vec::new(), on_line: &mut on_line };
        assert_eq!(lines.append(b"on"), abi::OK);
        assert_eq!(lines.append(b"e\n\ntwo\nthr"), abi::OK);
        assert_eq!(lines.append(&vec![b'x'; MAX_LINE]), abi::E_INVALID_ARGUMENT);
        assert_eq!(lines.append(b"ee\nlast\nfour\n"), abi::E_CANCELLED);
        assert_eq!(seen, ["one", "", "two", "three", "last"]);
    }
}
