//! Arguments that are NULL, unknown, or no text.

use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::outcome::{Answer, Outcome, Stop, answer, ensure, skipped};
use crate::check::text::Kind;
use crate::plugin::{Encoded, Rows};
use kobench_plugin_abi::{
    self as abi, AbiStruct as _, EncodeOptions, EncodingView, Example, Logits, OpaqueEncoded,
    OpaqueModel, OpaqueTokenizer, Sink, Str,
};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "abi.null-arguments",
        what: "a NULL that is not allowed is an error, and a NULL error buffer is allowed",
        hint: "check every pointer first, and return KOBENCH_E_INVALID_ARGUMENT (rule \"Arguments\")",
        run: null_arguments,
    },
    Check {
        id: "abi.null-options",
        what: "encode options that are NULL stand for all zero",
        hint: "take NULL options as options that are all zero (rule \"Arguments\")",
        run: null_options,
    },
    Check {
        id: "abi.close-null",
        what: "closing and freeing NULL does nothing",
        hint: "return at once from close and free calls where the handle is NULL (rule \"Lifetime\")",
        run: close_null,
    },
    Check {
        id: "abi.text-not-utf8",
        what: "texts that are no UTF-8, or NULL with a size, are errors",
        hint: "check texts (kobench_is_utf8 of kobench_plugin_util.h), and return KOBENCH_E_INVALID_ARGUMENT",
        run: not_utf8,
    },
    Check {
        id: "abi.unknown-kind",
        what: "an unknown kind of example, and an unknown truncation, are unsupported",
        hint: "return KOBENCH_E_UNSUPPORTED for numbers that you do not know (rule \"Arguments\")",
        run: unknown_kind,
    },
    Check {
        id: "abi.unknown-head",
        what: "an unknown head is unsupported",
        hint: "return KOBENCH_E_UNSUPPORTED for numbers that you do not know (rule \"Arguments\")",
        run: unknown_head,
    },
    Check {
        id: "abi.sink-status",
        what: "the status of the host's sink is passed on",
        hint: "return what `kobench_sink.write` returned, where that is not KOBENCH_OK",
        run: sink_status,
    },
];

const BAD: &[i32] = &[abi::E_INVALID_ARGUMENT];

/// Encodes raw examples, and frees what came of it.
pub(super) fn encode_raw(
    bench: &Bench,
    tokenizer: *mut OpaqueTokenizer,
    examples: &[Example],
    options: *const EncodeOptions,
) -> Result<Answer, Stop> {
    let (Some(encode), Some(free)) = (bench.vtable().tokenizer_encode, bench.vtable().encoded_free)
    else {
        return skipped("there is no tokenizer_encode");
    };
    let mut out: *const OpaqueEncoded = null();
    // SAFETY: a handle that is open or NULL, examples with truthful sizes.
    let given = answer(|e| unsafe {
        encode(tokenizer, examples.as_ptr(), examples.len(), options, &raw mut out, e)
    });
    if !out.is_null() {
        // SAFETY: just made.
        unsafe { free(out) };
    }
    Ok(given)
}

/// The options of the suite, as the interface has them.
pub(super) fn options(bench: &Bench) -> EncodeOptions {
    let wanted = bench.options();
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut options = EncodeOptions::zeroed();
    options.max_seq_len = narrow(wanted.max_seq_len);
    options.doc_stride = narrow(wanted.doc_stride);
    options.max_question_len = narrow(wanted.max_question_len);
    options
}

fn null_arguments(bench: &mut Bench) -> Outcome {
    let v = bench.vtable();
    let mut n = 0;
    let mut refused = |what: &str, given: Answer| {
        n += 1;
        given.expect(what, BAD)
    };
    // SAFETY (of all calls of this function): NULL is what the header lets be answered with an error; all
    // other arguments are valid.
    if let Some(describe) = v.describe {
        // SAFETY: as above.
        refused("describe into NULL", answer(|e| unsafe { describe(null(), e) }))?;
        let empty = Sink::zeroed();
        // SAFETY: as above.
        let given = answer(|e| unsafe { describe(&raw const empty, e) });
        refused("describe into a sink without `write`", given)?;
        // SAFETY: as above; no error buffer is allowed.
        let status = unsafe { describe(null(), null_mut()) };
        refused(
            "describe into NULL, without an error buffer",
            Answer { status, message: String::new() },
        )?;
    }
    if let Some(open) = v.tokenizer_open {
        // SAFETY: as above.
        let given = answer(|e| unsafe { open(Str::new("{}"), null_mut(), e) });
        refused("tokenizer_open with an `out` of NULL", given)?;
    }
    if let Some(open) = v.model_open {
        // SAFETY: as above.
        let given = answer(|e| unsafe { open(Str::new("{}"), null_mut(), e) });
        refused("model_open with an `out` of NULL", given)?;
    }
    if let Some(view) = v.encoded_view {
        let mut out = EncodingView::zeroed();
        // SAFETY: as above.
        refused("encoded_view of NULL", answer(|e| unsafe { view(null(), &raw mut out, e) }))?;
    }
    null_handles(bench, &mut refused)?;
    if bench.variant().is_ok() {
        null_beside_handles(bench, &mut refused)?;
    }
    Ok(format!("{n} calls"))
}

type Refused<'a> = &'a mut dyn FnMut(&str, Answer) -> Result<(), Stop>;

/// Calls on a handle that is NULL.
fn null_handles(bench: &Bench, refused: Refused<'_>) -> Result<(), Stop> {
    let v = bench.vtable();
    refused("tokenizer_encode on NULL", encode_raw(bench, null_mut(), &[], null())?)?;
    let mut out = Logits::zeroed();
    if let Some(forward) = v.model_forward {
        // SAFETY: NULL handles; the rest is valid.
        let given =
            answer(|e| unsafe { forward(null_mut(), null(), null(), 0, 0, &raw mut out, e) });
        refused("model_forward on NULL", given)?;
    }
    // An optional call that is there may be one that is not supported.
    let mut optional = |what: &str, given: Answer| {
        if given.status == abi::E_UNSUPPORTED { Ok(()) } else { refused(what, given) }
    };
    let mut kept = Vec::<u8>::new();
    let mut sink = Sink::zeroed();
    sink.context = (&raw mut kept).cast();
    sink.write = Some(ignore);
    if let Some(stats) = v.model_stats {
        // SAFETY: a NULL handle; the rest is valid.
        let given = answer(|e| unsafe { stats(null_mut(), &raw const sink, e) });
        optional("model_stats of NULL", given)?;
    }
    if let Some(seed) = v.model_seed {
        // SAFETY: as above.
        optional("model_seed on NULL", answer(|e| unsafe { seed(null_mut(), 1, e) }))?;
    }
    if let Some(begin) = v.train_begin {
        // SAFETY: as above.
        let given = answer(|e| unsafe { begin(null_mut(), Str::new("{}"), e) });
        optional("train_begin on NULL", given)?;
    }
    if let Some(end) = v.train_end {
        // SAFETY: as above.
        optional("train_end on NULL", answer(|e| unsafe { end(null_mut(), e) }))?;
    }
    let somewhere = bench.scratch.to_string_lossy().into_owned();
    for (name, call) in [("model_save", v.model_save), ("model_load", v.model_load)] {
        let Some(call) = call else { continue };
        // SAFETY: as above.
        let given = answer(|e| unsafe { call(null_mut(), Str::new(&somewhere), 0, e) });
        optional(&format!("{name} on NULL"), given)?;
    }
    Ok(())
}

unsafe extern "C" fn ignore(_: *mut c_void, _: *const u8, _: usize) -> i32 {
    abi::OK
}

/// NULL beside handles that are open.
fn null_beside_handles(bench: &Bench, refused: Refused<'_>) -> Result<(), Stop> {
    let v = bench.vtable();
    let tokenizer = bench.tokenizer()?;
    let rows = bench.kind()?.plain();
    let encoded = bench.encoded(&rows)?;
    let model = bench.model()?;
    let head = head_number(bench)?;
    let options = options(bench);
    if let Some(encode) = v.tokenizer_encode {
        let mut out = null();
        // SAFETY: an open handle; NULL examples, and a NULL out-parameter.
        let (examples, to) = unsafe {
            (
                answer(|e| {
                    encode(tokenizer.as_ptr(), null(), 2, &raw const options, &raw mut out, e)
                }),
                answer(|e| {
                    encode(tokenizer.as_ptr(), null(), 0, &raw const options, null_mut(), e)
                }),
            )
        };
        refused("tokenizer_encode of 2 examples at NULL", examples)?;
        refused("tokenizer_encode with an `out` of NULL", to)?;
    }
    if let Some(view) = v.encoded_view {
        // SAFETY: an open handle, and a NULL out-parameter.
        let given = answer(|e| unsafe { view(encoded.as_ptr(), null_mut(), e) });
        refused("encoded_view into NULL", given)?;
    }
    if let Some(forward) = v.model_forward {
        let mut out = Logits::zeroed();
        let first = [0_u64];
        let run = |encoded: *const OpaqueEncoded, indices: *const u64, out: *mut Logits| {
            // SAFETY: an open handle; NULL, or valid arguments.
            answer(|e| unsafe { forward(model.as_ptr(), encoded, indices, 1, head, out, e) })
        };
        refused("model_forward of an encoding of NULL", run(null(), first.as_ptr(), &raw mut out))?;
        refused("model_forward of 1 index at NULL", run(encoded.as_ptr(), null(), &raw mut out))?;
        refused("model_forward into NULL", run(encoded.as_ptr(), first.as_ptr(), null_mut()))?;
    }
    Ok(())
}

/// The number of the head that `Bench::model` opens.
pub(super) fn head_number(bench: &Bench) -> Result<u32, Stop> {
    use crate::plugin::Head;
    Ok(match bench.head()?.head {
        Head::Sequence => abi::HEAD_SEQUENCE,
        Head::Token => abi::HEAD_TOKEN,
        Head::Span => abi::HEAD_SPAN,
    })
}

fn null_options(bench: &mut Bench) -> Outcome {
    let kind = bench.kind()?;
    let tokenizer = bench.tokenizer()?;
    let rows = kind.plain();
    let views: Vec<_> = rows.iter().map(crate::worker::RowInput::view).collect();
    let raw = Rows::new(&views);
    let zero = EncodeOptions::zeroed();
    let with_zero = encode_raw(bench, tokenizer.as_ptr(), raw.as_slice(), &raw const zero)?;
    let with_null = encode_raw(bench, tokenizer.as_ptr(), raw.as_slice(), null())?;
    with_null.expect("tokenizer_encode with options of NULL", &[with_zero.status])?;
    with_zero.expect("tokenizer_encode with options that are all zero", &[abi::OK])?;
    Ok(format!("{} {}", rows.len(), kind.name()))
}

fn close_null(bench: &mut Bench) -> Outcome {
    let v = bench.vtable();
    // SAFETY: "closing NULL does nothing".
    unsafe {
        if let Some(free) = v.encoded_free {
            free(null());
        }
        if let Some(close) = v.tokenizer_close {
            close(null_mut::<OpaqueTokenizer>());
        }
        if let Some(close) = v.model_close {
            close(null_mut::<OpaqueModel>());
        }
        if let Some(cancel) = v.model_cancel {
            cancel(null_mut());
        }
    }
    Ok("encoded_free, tokenizer_close, model_close, model_cancel".into())
}

fn not_utf8(bench: &mut Bench) -> Outcome {
    let tokenizer = bench.tokenizer()?;
    let kinds = bench.kinds()?;
    let options = options(bench);
    let texts: [&[u8]; 4] = [b"\xff\xfe", b"\xea\xb0", b"ab\xc0\x80", b"\xed\xa0\x80"];
    let views = texts.iter().map(|t| Str { data: t.as_ptr(), size: t.len() });
    let mut n = 0;
    for text in views.chain([Str { data: null(), size: 3 }]) {
        for &kind in &kinds {
            let words = [Str::new("가"), text];
            let mut example = Example::zeroed();
            (example.first, example.second) = (Str::new("가"), text);
            match kind {
                Kind::Text => (example.kind, example.first) = (abi::EXAMPLE_TEXT, text),
                Kind::Pair => example.kind = abi::EXAMPLE_PAIR,
                Kind::Question => example.kind = abi::EXAMPLE_QUESTION_CONTEXT,
                Kind::Words => {
                    (example.first, example.second) = (Str::EMPTY, Str::EMPTY);
                    example.kind = abi::EXAMPLE_WORDS;
                    (example.words, example.n_words) = (words.as_ptr(), words.len());
                }
            }
            let given = encode_raw(bench, tokenizer.as_ptr(), &[example], &raw const options)?;
            given
                .expect(&format!("tokenizer_encode of {} that are not UTF-8", kind.name()), BAD)?;
            n += 1;
        }
    }
    Ok(format!("{n} texts"))
}

fn unknown_kind(bench: &mut Bench) -> Outcome {
    let tokenizer = bench.tokenizer()?;
    let mut options = options(bench);
    let unsupported: &[i32] = &[abi::E_UNSUPPORTED];
    for kind in [4, 99, u32::MAX] {
        let mut example = Example::zeroed();
        (example.kind, example.first) = (kind, Str::new("가"));
        let given = encode_raw(bench, tokenizer.as_ptr(), &[example], &raw const options)?;
        given.expect(&format!("tokenizer_encode of an example of the kind {kind}"), unsupported)?;
    }
    let rows = bench.kind()?.plain();
    let views: Vec<_> = rows.iter().map(crate::worker::RowInput::view).collect();
    let raw = Rows::new(&views);
    for truncation in [2, u32::MAX] {
        options.truncation = truncation;
        let given = encode_raw(bench, tokenizer.as_ptr(), raw.as_slice(), &raw const options)?;
        given.expect(&format!("tokenizer_encode with the truncation {truncation}"), unsupported)?;
    }
    Ok("3 kinds, 2 truncations".into())
}

/// A forward call with a buffer that is large enough for anything small.
pub(super) fn forward_raw(
    bench: &Bench,
    model: *mut OpaqueModel,
    encoded: &Encoded,
    indices: &[u64],
    head: u32,
) -> Result<Answer, Stop> {
    let Some(forward) = bench.vtable().model_forward else {
        return skipped("there is no model_forward");
    };
    let mut values = vec![0.0_f32; 1 << 16];
    let mut out = Logits::zeroed();
    (out.values, out.capacity) = (values.as_mut_ptr(), values.len());
    // SAFETY: handles that are open, arrays with their lengths.
    Ok(answer(|e| unsafe {
        forward(model, encoded.as_ptr(), indices.as_ptr(), indices.len(), head, &raw mut out, e)
    }))
}

fn unknown_head(bench: &mut Bench) -> Outcome {
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let model = bench.model()?;
    for head in [3, 99, u32::MAX] {
        let given = forward_raw(bench, model.as_ptr(), &encoded, &[0], head)?;
        given.expect(&format!("model_forward with the head {head}"), &[abi::E_UNSUPPORTED])?;
    }
    Ok("3 heads".into())
}

/// What the host's sink answers here.
const STATUS_OF_SINK: i32 = abi::E_OUT_OF_MEMORY;

unsafe extern "C" fn refuse(_: *mut c_void, _: *const u8, _: usize) -> i32 {
    STATUS_OF_SINK
}

fn sink_status(bench: &mut Bench) -> Outcome {
    let Some(describe) = bench.vtable().describe else { return skipped("there is no describe") };
    let mut sink = Sink::zeroed();
    sink.write = Some(refuse);
    // SAFETY: a valid sink.
    let given = answer(|e| unsafe { describe(&raw const sink, e) });
    given.expect("describe into a sink that has no memory", &[STATUS_OF_SINK])?;
    ensure(given.status == STATUS_OF_SINK, String::new, "")?;
    Ok("describe".into())
}
