//! A plugin through its exported entry point, as a C host would call it: versions, sizes of structs,
//! NULLs, texts that are no text, panics, and the happy path.
#![expect(unsafe_code, reason = "calls the C interface as a host does")]

use kobench_plugin_abi::{
    self as abi, AbiStruct as _, EncodeOptions, EncodingView, ErrorBuffer, Example, HEAD_SEQUENCE,
    Host, OpaqueEncoded, OpaqueTokenizer, PluginVtable, Str,
};
use kobench_plugin_sdk as sdk;
use sdk::{
    Batch, Description, Encoded, Head, Logits, ModelRequest, Source, Token, TokenizerRequest,
    Variant,
};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// Tokens are words; the logits of a text are (its tokens, its bytes). The text "boom" panics.
struct Counter;

impl sdk::Plugin for Counter {
    type Tokenizer = ();
    type Model = u32;

    fn describe() -> Description {
        Description::new("counter", "1.2.3").variant(Variant::new("counter", "none"))
    }

    fn open_tokenizer(request: TokenizerRequest) -> sdk::Result<()> {
        match request.variant.as_str() {
            "counter" => Ok(()),
            other => {
                Err(sdk::Error::invalid_argument(format!("no variant {other}; there is: counter")))
            }
        }
    }

    fn encode(
        _: &mut (),
        examples: &[sdk::Example<'_>],
        o: &sdk::EncodeOptions,
    ) -> sdk::Result<Encoded> {
        let mut encoded = Encoded::default();
        for (i, example) in examples.iter().enumerate() {
            let sdk::Example::Text(text) = example else {
                return Err(sdk::Error::unsupported("texts only"));
            };
            for (word, piece) in text.split_whitespace().enumerate() {
                let start = piece.as_ptr() as usize - text.as_ptr() as usize;
                encoded.push_token(Token {
                    id: u32::try_from(piece.len()).unwrap(),
                    type_id: 0,
                    source: Source::First,
                    word: i32::try_from(word).unwrap(),
                    start: u32::try_from(start).unwrap(),
                    end: u32::try_from(start + piece.len()).unwrap(),
                });
                if o.pieces {
                    encoded.pieces.push(piece.into());
                }
            }
            assert_ne!(*text, "boom", "asked for");
            encoded.finish_sequence(i, 0, 0, 0);
        }
        Ok(encoded)
    }

    fn open_model(_: ModelRequest) -> sdk::Result<u32> {
        Ok(0)
    }

    fn forward(
        calls: &mut u32,
        batch: &Batch<'_>,
        _: Head,
        out: &mut Logits<'_>,
    ) -> sdk::Result<()> {
        *calls += 1;
        let rows = out.rows(batch.len(), 2)?;
        for (row, range) in rows.chunks_mut(2).zip(batch.ranges()) {
            row[0] = range.len() as f32;
            row[1] = batch.encoded.input_ids[range].iter().sum::<u32>() as f32;
        }
        Ok(())
    }
}
sdk::export_plugin!(Counter);

/// An error buffer and its text.
struct Message {
    bytes: Vec<u8>,
    buffer: ErrorBuffer,
}

impl Message {
    fn new(capacity: usize) -> Box<Self> {
        let mut m = Box::new(Self { bytes: vec![0; capacity], buffer: ErrorBuffer::zeroed() });
        m.buffer.message = m.bytes.as_mut_ptr();
        m.buffer.capacity = capacity;
        m
    }
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.buffer.size]).unwrap()
    }
}

fn host(minor: u32, oldest: u32) -> Host {
    let mut host = Host::zeroed();
    host.abi_minor = minor;
    host.abi_minor_oldest = oldest;
    host.name = Str::new("test");
    host.version = Str::new("0");
    host
}

fn vtable() -> PluginVtable {
    let mut v = PluginVtable::zeroed();
    // SAFETY: valid structs with truthful sizes.
    assert_eq!(unsafe { kobench_plugin_entry_v1(&raw const HOST.0, &raw mut v) }, abi::OK);
    v
}

struct SharedHost(Host);
// SAFETY: nothing in it changes.
unsafe impl Send for SharedHost {}
// SAFETY: as above.
unsafe impl Sync for SharedHost {}
static HOST: std::sync::LazyLock<SharedHost> = std::sync::LazyLock::new(|| SharedHost(host(0, 0)));

/// A sink that counts bytes.
unsafe extern "C" fn count(context: *mut c_void, _: *const u8, size: usize) -> i32 {
    // SAFETY: the context is a `usize`.
    unsafe { *context.cast::<usize>() += size };
    abi::OK
}

fn open_tokenizer(
    v: &PluginVtable,
    json: &str,
    message: &mut Message,
) -> Result<*mut OpaqueTokenizer, i32> {
    let mut out = null_mut();
    // SAFETY: valid pointers.
    let status =
        unsafe { v.tokenizer_open.unwrap()(Str::new(json), &raw mut out, &raw mut message.buffer) };
    if status == abi::OK { Ok(out) } else { Err(status) }
}

fn text_example(text: &str) -> Example {
    let mut e = Example::zeroed();
    e.first = Str::new(text);
    e
}

fn encode(
    v: &PluginVtable,
    t: *mut OpaqueTokenizer,
    rows: &[Example],
    m: &mut Message,
) -> Result<*const OpaqueEncoded, i32> {
    let mut out = null();
    let mut options = EncodeOptions::zeroed();
    options.flags = abi::ENCODE_PIECES;
    // SAFETY: valid pointers and lengths.
    let status = unsafe {
        v.tokenizer_encode.unwrap()(
            t,
            rows.as_ptr(),
            rows.len(),
            &raw const options,
            &raw mut out,
            &raw mut m.buffer,
        )
    };
    if status == abi::OK { Ok(out) } else { Err(status) }
}

const OPEN: &str = r#"{"variant": "counter"}"#;

#[test]
fn versions_that_do_not_meet_are_refused_with_the_plugins_range() {
    let mut v = PluginVtable::zeroed();
    let newer = host(9, 5);
    // SAFETY: valid structs.
    let status = unsafe { kobench_plugin_entry_v1(&raw const newer, &raw mut v) };
    assert_eq!(status, abi::E_VERSION);
    assert_eq!((v.abi_minor, v.abi_minor_oldest), (abi::ABI_MINOR, abi::ABI_MINOR_OLDEST));
    assert!(v.describe.is_none());
}

#[test]
fn an_older_host_with_a_shorter_vtable_is_not_written_past_its_end() {
    let mut v = PluginVtable::zeroed();
    v.struct_size = u32::try_from(std::mem::offset_of!(PluginVtable, model_stats)).unwrap();
    // SAFETY: the host states less room than there is.
    let status = unsafe { kobench_plugin_entry_v1(&raw const HOST.0, &raw mut v) };
    assert_eq!(status, abi::OK);
    assert!(v.model_close.is_some() && v.model_stats.is_none() && v.model_load.is_none());
}

#[test]
fn null_arguments_are_errors_not_crashes() {
    let v = vtable();
    // SAFETY: NULL is what the rules allow to be answered with an error.
    unsafe {
        assert_eq!(kobench_plugin_entry_v1(null(), null_mut()), abi::E_INVALID_ARGUMENT);
        assert_eq!(v.describe.unwrap()(null(), null_mut()), abi::E_INVALID_ARGUMENT);
        assert_eq!(
            v.tokenizer_open.unwrap()(Str::EMPTY, null_mut(), null_mut()),
            abi::E_INVALID_ARGUMENT
        );
        let encode = v.tokenizer_encode.unwrap();
        let status = encode(null_mut(), null(), 3, null(), null_mut(), null_mut());
        assert_eq!(status, abi::E_INVALID_ARGUMENT);
        assert_eq!(
            v.encoded_view.unwrap()(null(), null_mut(), null_mut()),
            abi::E_INVALID_ARGUMENT
        );
        let forward = v.model_forward.unwrap();
        let status = forward(null_mut(), null(), null(), 0, 0, null_mut(), null_mut());
        assert_eq!(status, abi::E_INVALID_ARGUMENT);
        v.encoded_free.unwrap()(null());
        v.tokenizer_close.unwrap()(null_mut());
        v.model_close.unwrap()(null_mut());
        v.model_cancel.unwrap()(null_mut());
    }
}

#[test]
fn options_and_texts_are_checked_and_messages_are_cut_at_a_character() {
    let v = vtable();
    let mut m = Message::new(400);
    assert_eq!(open_tokenizer(&v, "{", &mut m), Err(abi::E_INVALID_ARGUMENT));
    assert!(m.text().contains("tokenizer_open"), "{}", m.text());
    let misspelt = r#"{"variant": "counter", "checkpiont": "x"}"#;
    assert_eq!(open_tokenizer(&v, misspelt, &mut m), Err(abi::E_INVALID_ARGUMENT));
    assert!(m.text().contains("checkpiont"), "{}", m.text());

    let mut short = Message::new(13);
    assert_eq!(
        open_tokenizer(&v, r#"{"variant": "한국어"}"#, &mut short),
        Err(abi::E_INVALID_ARGUMENT)
    );
    assert_eq!(short.text(), "no variant ", "the first syllable does not fit whole");

    let t = open_tokenizer(&v, OPEN, &mut m).unwrap();
    let bytes = [0xff_u8, 0xfe];
    let mut bad = Example::zeroed();
    bad.first = Str { data: bytes.as_ptr(), size: 2 };
    assert_eq!(encode(&v, t, &[text_example("a"), bad], &mut m), Err(abi::E_INVALID_ARGUMENT));
    assert!(m.text().contains("first text of example 1 is not UTF-8"), "{}", m.text());
    let mut odd = text_example("a");
    odd.kind = 77;
    assert_eq!(encode(&v, t, &[odd], &mut m), Err(abi::E_UNSUPPORTED));
    // SAFETY: open, closed once.
    unsafe { v.tokenizer_close.unwrap()(t) };
}

#[test]
fn a_panic_is_an_error_and_the_handle_is_poisoned_for_good() {
    let v = vtable();
    let mut m = Message::new(400);
    let t = open_tokenizer(&v, OPEN, &mut m).unwrap();
    assert_eq!(encode(&v, t, &[text_example("boom")], &mut m), Err(abi::E_PANIC));
    assert!(m.text().contains("asked for"), "{}", m.text());
    assert_eq!(encode(&v, t, &[text_example("fine")], &mut m), Err(abi::E_PANIC));
    assert!(m.text().contains("earlier call"), "{}", m.text());
    // SAFETY: open, closed once.
    unsafe { v.tokenizer_close.unwrap()(t) };
}

#[test]
fn texts_go_in_and_logits_come_out() {
    let v = vtable();
    let mut m = Message::new(400);
    let t = open_tokenizer(&v, OPEN, &mut m).unwrap();
    let encoded = encode(&v, t, &["가 나다", "", "a b c"].map(text_example), &mut m).unwrap();
    let mut view = EncodingView::zeroed();
    let mut model = null_mut();
    let mut values = [f32::NAN; 6];
    let mut logits = abi::Logits::zeroed();
    (logits.values, logits.capacity) = (values.as_mut_ptr(), 3);
    // SAFETY: valid handles, pointers and lengths throughout.
    unsafe {
        // The encoding outlives its tokeniser.
        v.tokenizer_close.unwrap()(t);
        assert_eq!(v.encoded_view.unwrap()(encoded, &raw mut view, null_mut()), abi::OK);
        assert_eq!((view.n_sequences, view.n_tokens), (3, 5));
        assert_eq!(std::slice::from_raw_parts(view.cu_seqlens, 4), [0, 2, 2, 5]);
        assert_eq!(std::slice::from_raw_parts(view.offset_start, 5), [0, 4, 0, 2, 4]);
        let piece = *view.pieces.add(1);
        assert_eq!(std::slice::from_raw_parts(piece.data, piece.size), "나다".as_bytes());

        assert_eq!(v.model_open.unwrap()(Str::new(OPEN), &raw mut model, null_mut()), abi::OK);
        let forward = v.model_forward.unwrap();
        let order = [2_u64, 0];
        let mut run = |n: usize, order: &[u64], head: u32, logits: &mut abi::Logits| {
            forward(model, encoded, order.as_ptr(), n, head, logits, &raw mut m.buffer)
        };
        assert_eq!(run(2, &order, HEAD_SEQUENCE, &mut logits), abi::E_BUFFER_TOO_SMALL);
        assert_eq!((logits.rows, logits.width), (2, 2));
        logits.capacity = 6;
        assert_eq!(run(2, &order, HEAD_SEQUENCE, &mut logits), abi::OK);
        assert_eq!(run(0, &[], HEAD_SEQUENCE, &mut logits), abi::OK);
        assert_eq!((logits.rows, logits.width), (0, 2));
        assert_eq!(run(1, &[3], HEAD_SEQUENCE, &mut logits), abi::E_INVALID_ARGUMENT);
        assert_eq!(run(1, &[0], 9, &mut logits), abi::E_UNSUPPORTED);
        v.model_cancel.unwrap()(model);
        assert_eq!(run(2, &order, HEAD_SEQUENCE, &mut logits), abi::E_CANCELLED);
        assert_eq!(
            run(2, &order, HEAD_SEQUENCE, &mut logits),
            abi::OK,
            "one call is cancelled, not all"
        );

        assert_eq!(v.train_end.unwrap()(model, &raw mut m.buffer), abi::E_UNSUPPORTED);
        assert!(m.text().contains("train_end"), "{}", m.text());
        let request = Str::new(r#"{"device": "cpu", "precisions": []}"#);
        let mut written = 0_usize;
        let mut sink = abi::Sink::zeroed();
        sink.context = (&raw mut written).cast();
        sink.write = Some(count);
        let selftest = v.selftest.unwrap();
        assert_eq!(selftest(request, null(), &raw mut m.buffer), abi::E_INVALID_ARGUMENT);
        assert_eq!(selftest(request, &raw const sink, &raw mut m.buffer), abi::E_UNSUPPORTED);
        assert!(m.text().contains("selftest"), "{}", m.text());
        let unknown = Str::new(r#"{"device": "cpu", "precisions": [], "lsit": true}"#);
        assert_eq!(selftest(unknown, &raw const sink, &raw mut m.buffer), abi::E_INVALID_ARGUMENT);
        assert_eq!(written, 0);
        v.model_close.unwrap()(model);
        v.encoded_free.unwrap()(encoded);
    }
    assert_eq!(values[..4], [3.0, 3.0, 2.0, 9.0]);
    assert!(values[4..].iter().all(|v| v.is_nan()), "nothing is written past the rows");
}
