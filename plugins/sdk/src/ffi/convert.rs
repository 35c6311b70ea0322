//! Between the ABI's types and the SDK's.

use crate::{Context, EncodeOptions, Error, Example, Result, Truncation};
use kobench_plugin_abi::{self as abi, AbiStruct as _, ErrorBuffer, Str, read_prefix};

/// The status of a result; the message of an error goes into the host's buffer.
///
/// # Safety
/// `buffer` is NULL or an error buffer by the header's rules.
pub(super) unsafe fn finish(result: Result<()>, buffer: *mut ErrorBuffer) -> i32 {
    match result {
        Ok(()) => abi::OK,
        Err(error) => {
            // SAFETY: the caller's promise.
            unsafe { write_error(buffer, &error.message) };
            error.kind.code()
        }
    }
}

/// Writes a message into the host's buffer, cut at a character boundary where it is too long.
///
/// # Safety
/// `buffer` is NULL or an error buffer by the header's rules.
pub(super) unsafe fn write_error(buffer: *mut ErrorBuffer, message: &str) {
    // SAFETY: the caller's promise.
    let Some(known) = (unsafe { read_prefix(buffer) }) else { return };
    // A buffer of a size that ends before `size` cannot be written to.
    if known.struct_size < ErrorBuffer::SIZE {
        return;
    }
    let room = if known.message.is_null() { 0 } else { known.capacity };
    let size = message.floor_char_boundary(message.len().min(room));
    // SAFETY: `size` bytes fit into the host's buffer, which cannot overlap with our message; the
    // struct is as large as this crate's, so that it has the field `size`.
    unsafe {
        if size > 0 {
            std::ptr::copy_nonoverlapping(message.as_ptr(), known.message, size);
        }
        (*buffer).size = size;
    }
}

/// The text behind a view.
///
/// # Safety
/// The view points to `size` readable bytes that live as long as `'a`.
pub(super) unsafe fn text<'a>(view: Str, what: impl Fn() -> String) -> Result<&'a str> {
    if view.size == 0 {
        return Ok("");
    }
    if view.data.is_null() {
        return Err(Error::invalid_argument(format!(
            "{} is NULL but has a size of {}",
            what(),
            view.size
        )));
    }
    if view.size > isize::MAX as usize {
        return Err(Error::invalid_argument(format!(
            "{} has an absurd size of {}",
            what(),
            view.size
        )));
    }
    // SAFETY: not NULL, a sane size, and the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(view.data, view.size) };
    std::str::from_utf8(bytes)
        .map_err(|e| Error::invalid_argument(format!("{} is not UTF-8: {e}", what())))
}

/// A JSON object of options.
///
/// # Safety
/// As for [`text`].
pub(super) unsafe fn json<T: serde::de::DeserializeOwned>(view: Str, call: &str) -> Result<T> {
    // SAFETY: the caller's promise.
    let text = unsafe { text(view, || format!("the options of {call}"))? };
    serde_json::from_str(text).map_err(|e| {
        Error::invalid_argument(format!("the options of {call}: {e}; they were: {text}"))
    })
}

/// A slice of `n` values of the host's.
///
/// # Safety
/// `data` is NULL or points to `n` values that live as long as `'a`.
pub(super) unsafe fn slice<'a, T>(data: *const T, n: usize, what: &str) -> Result<&'a [T]> {
    if n == 0 {
        return Ok(&[]);
    }
    if data.is_null() || n > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Error::invalid_argument(format!("`{what}` is NULL or absurdly long ({n})")));
    }
    // SAFETY: not NULL, a sane length, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, n) })
}

/// The examples of an encode call. They lie as far apart as the first one says.
///
/// # Safety
/// `data` is NULL or points to `n` examples by the header's rules, which live as long as `'a`.
pub(super) unsafe fn examples<'a>(data: *const abi::Example, n: usize) -> Result<Vec<Example<'a>>> {
    if n == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the caller's promise.
    let first = unsafe { read_prefix(data) }
        .ok_or_else(|| Error::invalid_argument("`examples` is NULL or states no sizes"))?;
    // SAFETY: not NULL (just read). The stride is the stated size, also where it is larger than ours.
    let stride = unsafe { data.cast::<u32>().read() } as usize;
    let mut out = Vec::new();
    out.try_reserve_exact(n)
        .map_err(|_| Error::out_of_memory(format!("no memory for {n} examples")))?;
    for i in 0..n {
        // SAFETY: `i < n`, and the elements lie `stride` bytes apart.
        let example = unsafe { read_prefix(data.byte_add(i * stride)) }.unwrap_or(first);
        // SAFETY: the caller's promise.
        out.push(unsafe { one_example(&example, i)? });
    }
    Ok(out)
}

/// # Safety
/// As for [`examples`].
unsafe fn one_example<'a>(example: &abi::Example, i: usize) -> Result<Example<'a>> {
    // SAFETY: the caller's promise, for each of the views.
    unsafe {
        let words = || -> Result<Vec<&'a str>> {
            let views = slice(example.words, example.n_words, "words")?;
            let word =
                |(w, view): (usize, &Str)| text(*view, || format!("word {w} of example {i}"));
            views.iter().enumerate().map(word).collect()
        };
        let first = text(example.first, || format!("the first text of example {i}"))?;
        let second = || text(example.second, || format!("the second text of example {i}"));
        Ok(match example.kind {
            abi::EXAMPLE_TEXT => Example::Text(first),
            abi::EXAMPLE_PAIR => Example::Pair(first, second()?),
            abi::EXAMPLE_WORDS => Example::Words(words()?),
            abi::EXAMPLE_QUESTION_CONTEXT if example.n_words > 0 => {
                Example::QuestionContext { question: first, context: Context::Words(words()?) }
            }
            abi::EXAMPLE_QUESTION_CONTEXT => {
                Example::QuestionContext { question: first, context: Context::Text(second()?) }
            }
            other => {
                return Err(Error::unsupported(format!(
                    "example {i} is of the kind {other}; this plugin knows 0 to 3"
                )));
            }
        })
    }
}

/// The options of an encode call; NULL gives the defaults.
///
/// # Safety
/// `options` is NULL or a struct by the header's rules.
pub(super) unsafe fn encode_options(options: *const abi::EncodeOptions) -> Result<EncodeOptions> {
    // SAFETY: the caller's promise.
    let Some(o) = (unsafe { read_prefix(options) }) else { return Ok(EncodeOptions::default()) };
    let default = EncodeOptions::default();
    let or = |value: u32, default: usize| if value == 0 { default } else { value as usize };
    Ok(EncodeOptions {
        max_seq_len: o.max_seq_len as usize,
        truncation: match o.truncation {
            abi::TRUNCATE_LONGEST_FIRST => Truncation::LongestFirst,
            abi::TRUNCATE_NEVER => Truncation::Never,
            other => {
                return Err(Error::unsupported(format!(
                    "truncation {other}; this plugin knows 0 (longest first) and 1 (never)"
                )));
            }
        },
        doc_stride: or(o.doc_stride, default.doc_stride),
        max_question_len: or(o.max_question_len, default.max_question_len),
        pieces: o.flags & abi::ENCODE_PIECES != 0,
    })
}
