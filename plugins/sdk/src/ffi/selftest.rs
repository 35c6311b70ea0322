//! The self-test: a call without a handle that writes line by line.

use super::convert::{finish, json};
use super::write_text;
use crate::handle::guarded;
use crate::{Plugin, SelftestLines};
use kobench_plugin_abi::{ErrorBuffer, Sink, Str};

pub(super) unsafe extern "C" fn selftest<P: Plugin>(
    request: Str,
    out: *const Sink,
    error: *mut ErrorBuffer,
) -> i32 {
    let result = guarded(|| {
        // SAFETY: the header's rules for a sink. Nothing is written: without a sink nothing is run.
        unsafe { write_text(out, "") }?;
        // SAFETY: the header's rules for texts.
        let request = unsafe { json(request, "selftest") }?;
        // SAFETY: the header's rules for a sink, which is valid until this call returns.
        let mut write = |text: &str| unsafe { write_text(out, text) };
        P::selftest(request, &mut SelftestLines::new(&mut write))
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}
