//! Structs of other sizes than this header's: older hosts, newer hosts, small buffers.

use super::arguments::{head_number, options};
use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::columns::Columns;
use crate::check::fence::Fenced;
use crate::check::outcome::{Outcome, Stop, bad, ensure, named, skipped};
use crate::plugin::Rows;
use crate::worker::RowInput;
use kobench_plugin_abi::{
    self as abi, AbiStruct as _, EncodeOptions, EncodingView, ErrorBuffer, Example, Logits,
    OpaqueEncoded, Sink, Str,
};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// Unknown bytes at the end of a struct of a newer host.
const NEWER: usize = 40;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "abi.error-buffer",
        what: "a message is cut to the room there is, at a character, and nothing is written behind it",
        hint: "write at most `capacity` bytes, set `size` to them, and cut between characters (kobench_fail of kobench_plugin_util.h)",
        run: error_buffer,
    },
    Check {
        id: "abi.size-error",
        what: "of `kobench_error` nothing beyond its `struct_size` is read or written",
        hint: "look at `struct_size` before any other field; leave an error buffer alone that is too small",
        run: error_sizes,
    },
    Check {
        id: "abi.size-sink",
        what: "of `kobench_sink` nothing beyond its `struct_size` is read or written",
        hint: "look at `struct_size` before any other field (KOBENCH_HAS of kobench_plugin_util.h)",
        run: sink_sizes,
    },
    Check {
        id: "abi.size-example",
        what: "examples lie `struct_size` of the first apart, and nothing beyond it is read",
        hint: "step from example to example by the first one's `struct_size`, and take fields beyond it as zero",
        run: example_sizes,
    },
    Check {
        id: "abi.size-options",
        what: "of `kobench_encode_options` nothing beyond its `struct_size` is read",
        hint: "take fields beyond `struct_size` as zero (KOBENCH_HAS of kobench_plugin_util.h)",
        run: options_sizes,
    },
    Check {
        id: "abi.size-view",
        what: "into `kobench_encoding_view` no more is written than the host has room for",
        hint: "write at most `out->struct_size` bytes, and set `struct_size` to what you wrote",
        run: view_sizes,
    },
    Check {
        id: "abi.size-logits",
        what: "of `kobench_logits` nothing beyond its `struct_size` is read or written",
        hint: "refuse a `kobench_logits` that is too small, and leave bytes that you do not know alone",
        run: logits_sizes,
    },
];

/// An open call that fails with a message, through an error buffer at `error`.
fn fail_with(bench: &Bench, error: *mut ErrorBuffer) -> Result<i32, Stop> {
    let Some(open) = bench.vtable().tokenizer_open else {
        return skipped("there is no tokenizer_open");
    };
    let mut out = null_mut();
    let unknown = Str::new(r#"{"variant": "없는-모델"}"#);
    // SAFETY: a valid document, a place for the handle, and an error buffer by the header's rules.
    Ok(unsafe { open(unknown, &raw mut out, error) })
}

fn error_buffer(bench: &mut Bench) -> Outcome {
    let mut whole = 0;
    for capacity in (0..=40).chain([64, 4096]) {
        let room = Fenced::new(capacity)?;
        let mut error = ErrorBuffer::zeroed();
        (error.message, error.capacity) = (room.as_ptr(), capacity);
        fail_with(bench, &raw mut error)?;
        let what = format!("with a capacity of {capacity} bytes the message");
        ensure(
            error.size <= capacity,
            || format!("{what} is {} bytes long", error.size),
            "`size` is at most `capacity`",
        )?;
        room.untouched(error.size, &what)?;
        ensure(
            std::str::from_utf8(&room.bytes()[..error.size]).is_ok(),
            || {
                format!(
                    "{what} is not UTF-8: {:?}",
                    String::from_utf8_lossy(&room.bytes()[..error.size])
                )
            },
            "a message that is cut ends between two characters",
        )?;
        whole = error.size;
    }
    ensure(whole > 0, || "there is no message".into(), "a message that says what was wrong")?;
    let mut nowhere = ErrorBuffer::zeroed();
    nowhere.capacity = 100;
    fail_with(bench, &raw mut nowhere)?;
    let expected = "no message is written where `message` is NULL";
    ensure(nowhere.size == 0, || format!("`size` is {} without a buffer", nowhere.size), expected)?;
    Ok(format!("44 buffers; the whole message has {whole} bytes"))
}

fn error_sizes(bench: &mut Bench) -> Outcome {
    let full = size_of::<ErrorBuffer>();
    let mut plain = ErrorBuffer::zeroed();
    let status = fail_with(bench, &raw mut plain)?;
    let mut n = 0;
    for size in [0, 4, 8, 16, 24, full, full + NEWER] {
        let room = Fenced::new(64)?;
        let mut error = ErrorBuffer::zeroed();
        (error.message, error.capacity) = (room.as_ptr(), 64);
        let fenced = Fenced::sized(&error, size)?;
        let answered = fail_with(bench, fenced.as_ptr())?;
        let what = format!("with a kobench_error of {size} bytes the call");
        fenced.kept(size.min(full), &what)?;
        room.untouched(64, &what)?;
        ensure(
            answered == status,
            || format!("{what} answered {}, and else {}", named(answered), named(status)),
            "the status does not depend on the error buffer",
        )?;
        let after: ErrorBuffer = fenced.read();
        ensure(
            size < 8 || after.struct_size as usize == size,
            || format!("{what} set `struct_size` to {}", after.struct_size),
            "a struct that both sides fill keeps its `struct_size`",
        )?;
        ensure(
            size < full || after.size > 0,
            || format!("{what} wrote no message"),
            "a message wherever there is room for one",
        )?;
        n += 1;
    }
    Ok(format!("{n} sizes"))
}

unsafe extern "C" fn append(context: *mut c_void, data: *const u8, size: usize) -> i32 {
    // SAFETY: the host's own vector, and `size` readable bytes.
    unsafe {
        (*context.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(data, size));
    }
    abi::OK
}

fn sink_sizes(bench: &mut Bench) -> Outcome {
    let Some(describe) = bench.vtable().describe else { return skipped("there is no describe") };
    let full = size_of::<Sink>();
    for size in [0, 4, 8, 16, full, full + NEWER] {
        let mut document = Vec::<u8>::new();
        let mut sink = Sink::zeroed();
        sink.context = (&raw mut document).cast();
        sink.write = Some(append);
        let fenced = Fenced::sized(&sink, size)?;
        // SAFETY: as many bytes as the sink says are there.
        let status = unsafe { describe(fenced.as_ptr(), null_mut()) };
        let what = format!("describe into a kobench_sink of {size} bytes");
        fenced.kept(size.min(full), &what)?;
        let wanted = if size < full { abi::E_INVALID_ARGUMENT } else { abi::OK };
        ensure(
            status == wanted && document.is_empty() == (size < full),
            || format!("{what} answered {} and wrote {} bytes", named(status), document.len()),
            if size < full { "the status \"invalid argument\"" } else { "the whole document" },
        )?;
    }
    Ok("6 sizes".into())
}

/// Encodes raw examples and copies the result; `Err` is the status.
fn encode(
    bench: &Bench,
    examples: *const Example,
    n: usize,
    options: *const EncodeOptions,
) -> Result<Result<Columns, i32>, Stop> {
    let v = bench.vtable();
    let (Some(encode), Some(free)) = (v.tokenizer_encode, v.encoded_free) else {
        return skipped("there is no tokenizer_encode");
    };
    let tokenizer = bench.tokenizer()?;
    let mut out: *const OpaqueEncoded = null();
    // SAFETY: an open handle, and structs by the header's rules.
    let status =
        unsafe { encode(tokenizer.as_ptr(), examples, n, options, &raw mut out, null_mut()) };
    if status != abi::OK {
        return Ok(Err(status));
    }
    let columns = view_of(bench, out);
    // SAFETY: just made, and copied.
    unsafe { free(out) };
    columns.map(Ok)
}

/// Copies an encoding that has no owner here.
fn view_of(bench: &Bench, encoded: *const OpaqueEncoded) -> Result<Columns, Stop> {
    let Some(handle) = std::ptr::NonNull::new(encoded.cast_mut()) else {
        return Err(bad("tokenizer_encode answered OK but gave no handle", "a handle"));
    };
    let borrowed =
        std::mem::ManuallyDrop::new(crate::plugin::Encoded::borrow(bench.vtable(), handle));
    Columns::of(&borrowed)
}

fn example_sizes(bench: &mut Bench) -> Outcome {
    let kind = bench.kind()?;
    let rows = kind.plain();
    let views: Vec<_> = rows.iter().map(RowInput::view).collect();
    let raw = Rows::new(&views);
    let options = options(bench);
    let normal = match encode(bench, raw.as_slice().as_ptr(), rows.len(), &raw const options)? {
        Ok(columns) => columns,
        Err(status) => return skipped(format!("tokenizer_encode answered {}", named(status))),
    };
    let full = size_of::<Example>();
    for size in [full + 8, full + NEWER] {
        let fenced = Fenced::list(raw.as_slice(), size)?;
        let what = format!("with examples of {size} bytes");
        match encode(bench, fenced.as_ptr(), rows.len(), &raw const options)? {
            Ok(columns) => {
                columns.same(&normal, &what, "the same encoding: unknown bytes are passed over")?;
            }
            Err(status) => {
                return Err(bad(
                    format!("{what} tokenizer_encode answered {}", named(status)),
                    "the same encoding: unknown bytes are passed over",
                ));
            }
        }
    }
    for size in [0, 4, 8, 16, 24, 32, 48, 56] {
        let fenced = Fenced::list(&raw.as_slice()[..1], size)?;
        let given = encode(bench, fenced.as_ptr(), 1, &raw const options)?;
        let status = given.as_ref().err().copied().unwrap_or(abi::OK);
        // Without the field `second` a text is whole, and another kind is not.
        ensure(
            [abi::OK, abi::E_INVALID_ARGUMENT, abi::E_UNSUPPORTED].contains(&status),
            || {
                format!(
                    "with an example of {size} bytes tokenizer_encode answered {}",
                    named(status)
                )
            },
            "fields beyond `struct_size` are zero, or the status \"invalid argument\"",
        )?;
    }
    Ok("10 sizes".into())
}

fn options_sizes(bench: &mut Bench) -> Outcome {
    let kind = bench.kind()?;
    let rows = kind.plain();
    let views: Vec<_> = rows.iter().map(RowInput::view).collect();
    let raw = Rows::new(&views);
    let whole = options(bench);
    let full = size_of::<EncodeOptions>();
    let run = |options: &EncodeOptions, size: usize| -> Result<Result<Columns, i32>, Stop> {
        let fenced = Fenced::sized(options, size)?;
        let given = encode(bench, raw.as_slice().as_ptr(), rows.len(), fenced.as_ptr())?;
        fenced.kept(size, &format!("with options of {size} bytes tokenizer_encode"))?;
        Ok(given)
    };
    let normal = run(&whole, full)?;
    for size in [full + 8, full + NEWER] {
        ensure(
            run(&whole, size)? == normal,
            || format!("options of {size} bytes gave another encoding than those of {full}"),
            "the same encoding: unknown bytes are passed over",
        )?;
    }
    for size in [0, 4, 8, 12, 16, 20] {
        let mut cut = EncodeOptions::zeroed();
        if size >= 12 {
            cut.max_seq_len = whole.max_seq_len;
        }
        if size >= 20 {
            cut.doc_stride = whole.doc_stride;
        }
        let status = |given: &Result<Columns, i32>| given.as_ref().err().copied();
        let (given, zeros) = (run(&whole, size)?, run(&cut, full)?);
        ensure(
            given == zeros || status(&given) == Some(abi::E_INVALID_ARGUMENT),
            || {
                format!(
                    "options of {size} bytes gave another result than the same with zeros behind"
                )
            },
            "fields beyond `struct_size` are zero, or the status \"invalid argument\"",
        )?;
    }
    Ok("9 sizes".into())
}

fn view_sizes(bench: &mut Bench) -> Outcome {
    let Some(view) = bench.vtable().encoded_view else {
        return skipped("there is no encoded_view");
    };
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let full = size_of::<EncodingView>();
    let mut normal = EncodingView::zeroed();
    // SAFETY: an open handle, and room for the view.
    unsafe { view(encoded.as_ptr(), &raw mut normal, null_mut()) };
    let mut n = 0;
    for size in (0..=full).step_by(8).chain([4, full + NEWER]) {
        let fenced = Fenced::new(size.max(4))?;
        let stated = u32::try_from(size).unwrap_or(0);
        // SAFETY: as much room as the view says; its size is at its beginning.
        let status = unsafe {
            fenced.as_ptr::<u32>().write(stated);
            view(encoded.as_ptr(), fenced.as_ptr(), null_mut())
        };
        let what = format!("with room for {size} bytes encoded_view");
        ensure(
            status == abi::OK || (size < full && status == abi::E_INVALID_ARGUMENT),
            || format!("{what} answered {}", named(status)),
            "the status OK, or, where there is too little room, \"invalid argument\"",
        )?;
        let filled: EncodingView = fenced.read();
        if status == abi::OK {
            let written = filled.struct_size as usize;
            ensure(
                (8..=size).contains(&written) && (size < full || written >= full.min(size)),
                || format!("{what} set `struct_size` to {written}"),
                "`struct_size` says how much was written",
            )?;
            fenced.kept(written, &what)?;
        } else {
            fenced.kept(size, &what)?;
        }
        let same = filled.n_tokens == normal.n_tokens && filled.input_ids == normal.input_ids;
        let expected = "the same view, and nothing in the bytes that the plugin does not know of";
        ensure(size < full || same, || format!("{what} gave another view"), expected)?;
        n += 1;
    }
    Ok(format!("{n} sizes"))
}

fn logits_sizes(bench: &mut Bench) -> Outcome {
    let Some(forward) = bench.vtable().model_forward else {
        return skipped("there is no model_forward");
    };
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let (model, head) = (bench.model()?, head_number(bench)?);
    let full = size_of::<Logits>();
    let mut values = vec![0.0_f32; 1 << 16];
    for size in [0, 4, 8, 16, 24, 32, 36, full, full + NEWER] {
        let mut out = Logits::zeroed();
        (out.values, out.capacity) = (values.as_mut_ptr(), values.len());
        let fenced = Fenced::sized(&out, size)?;
        let index = [0_u64];
        // SAFETY: open handles, and as many bytes as the struct says.
        let status = unsafe {
            forward(
                model.as_ptr(),
                encoded.as_ptr(),
                index.as_ptr(),
                1,
                head,
                fenced.as_ptr(),
                null_mut(),
            )
        };
        let what = format!("with a kobench_logits of {size} bytes model_forward");
        fenced.kept(size.min(full), &what)?;
        // `reserved` is nobody's.
        let wanted: &[i32] = match size {
            36 => &[abi::OK, abi::E_INVALID_ARGUMENT],
            _ if size < full => &[abi::E_INVALID_ARGUMENT],
            _ => &[abi::OK],
        };
        ensure(
            wanted.contains(&status),
            || format!("{what} answered {}", named(status)),
            if size < full { "the status \"invalid argument\"" } else { "the status OK" },
        )?;
        let after: Logits = fenced.read();
        ensure(
            size < 8 || after.struct_size as usize == size,
            || format!("{what} set `struct_size` to {}", after.struct_size),
            "a struct that both sides fill keeps its `struct_size`",
        )?;
    }
    Ok("9 sizes".into())
}
