//! The C side of a plugin: the functions behind the entry point, one instance for each plugin type.
#![expect(unsafe_code, reason = "the border between C and Rust")]

mod convert;
mod model;
mod selftest;
mod tokenizer;

use crate::handle::{guarded, install_panic_hook};
use crate::{Error, ErrorKind, Plugin, Result};
use convert::finish;
use kobench_plugin_abi::{
    self as abi, AbiStruct as _, ErrorBuffer, Host, PluginVtable, Sink, ranges_meet, read_prefix,
};
use std::mem::offset_of;

/// The entry point: agrees on a version and fills in the calls.
///
/// # Safety
/// `host` and `out` are NULL or point to structs whose sizes are truthful.
pub unsafe fn entry<P: Plugin>(host: *const Host, out: *mut PluginVtable) -> i32 {
    install_panic_hook();
    if out.is_null() {
        return abi::E_INVALID_ARGUMENT;
    }
    // SAFETY: not NULL; the host states the room in the first field.
    let room = unsafe { out.cast::<u32>().read() };
    // A host without room for the required calls has no use for the others.
    if (room as usize) < offset_of!(PluginVtable, model_stats) {
        return abi::E_INVALID_ARGUMENT;
    }
    let mut vtable = PluginVtable::zeroed();
    vtable.struct_size = room.min(PluginVtable::SIZE);
    vtable.abi_minor = abi::ABI_MINOR;
    vtable.abi_minor_oldest = abi::ABI_MINOR_OLDEST;
    // SAFETY: the host's promise.
    let Some(host) = (unsafe { read_prefix(host) }) else { return abi::E_INVALID_ARGUMENT };
    let fits = ranges_meet(
        (host.abi_minor, host.abi_minor_oldest),
        (vtable.abi_minor, vtable.abi_minor_oldest),
    );
    if fits {
        fill::<P>(&mut vtable);
        crate::log::connect(&host);
    }
    // SAFETY: `struct_size` is at most the room that the host stated, and at most our struct's size.
    unsafe {
        std::ptr::copy_nonoverlapping(
            (&raw const vtable).cast::<u8>(),
            out.cast::<u8>(),
            vtable.struct_size as usize,
        );
    }
    if fits { abi::OK } else { abi::E_VERSION }
}

fn fill<P: Plugin>(vtable: &mut PluginVtable) {
    vtable.describe = Some(describe::<P>);
    vtable.tokenizer_open = Some(tokenizer::open::<P>);
    vtable.tokenizer_encode = Some(tokenizer::encode::<P>);
    vtable.encoded_view = Some(tokenizer::view);
    vtable.encoded_free = Some(tokenizer::free);
    vtable.tokenizer_close = Some(tokenizer::close::<P>);
    vtable.model_open = Some(model::open::<P>);
    vtable.model_forward = Some(model::forward::<P>);
    vtable.model_close = Some(model::close::<P>);
    vtable.model_stats = Some(model::stats::<P>);
    vtable.model_cancel = Some(model::cancel::<P>);
    vtable.model_seed = Some(model::seed::<P>);
    vtable.train_begin = Some(model::train_begin::<P>);
    vtable.train_step = Some(model::train_step::<P>);
    vtable.train_end = Some(model::train_end::<P>);
    vtable.model_save = Some(model::save::<P>);
    vtable.model_load = Some(model::load::<P>);
    vtable.selftest = Some(selftest::selftest::<P>);
}

unsafe extern "C" fn describe<P: Plugin>(out: *const Sink, error: *mut ErrorBuffer) -> i32 {
    let result = guarded(|| {
        let json = serde_json::to_value(P::describe())
            .map_err(|e| Error::internal(format!("describe: {e}")))?;
        // SAFETY: the header's rules for a sink.
        unsafe { write_json(out, &json) }
    });
    // SAFETY: the header's rules for an error buffer.
    unsafe { finish(result, error) }
}

/// Writes a JSON document into the host's sink.
///
/// # Safety
/// `out` is NULL or a sink by the header's rules.
unsafe fn write_json(out: *const Sink, json: &serde_json::Value) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { write_text(out, &json.to_string()) }
}

/// Writes text into the host's sink.
///
/// # Safety
/// `out` is NULL or a sink by the header's rules.
unsafe fn write_text(out: *const Sink, text: &str) -> Result<()> {
    // SAFETY: the caller's promise.
    let sink = unsafe { read_prefix(out) };
    let Some((context, write)) = sink.and_then(|s| s.write.map(|w| (s.context, w))) else {
        return Err(Error::invalid_argument("the sink is NULL or has no `write`"));
    };
    // SAFETY: the host's function with the host's context; the text lives for the call.
    let status = unsafe { write(context, text.as_ptr(), text.len()) };
    if status == abi::OK {
        Ok(())
    } else {
        // The header: the caller returns it as it is.
        let kind = ErrorKind::from_code(status);
        Err(Error { kind, message: format!("the host's sink answered with status {status}") })
    }
}
