//! The documents that the open calls are given.

use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::outcome::{Answer, Outcome, Stop, answer, ensure};
use kobench_plugin_abi::{self as abi, Str};
use std::ptr::null_mut;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "abi.json-invalid",
        what: "options that are no JSON object of UTF-8 are an error, however long and deep they are",
        hint: "read the options with a strict JSON reader, and return KOBENCH_E_INVALID_ARGUMENT where it fails",
        run: invalid,
    },
    Check {
        id: "abi.json-unknown-keys",
        what: "unknown keys, options and variants are errors",
        hint: "refuse what you do not know with KOBENCH_E_INVALID_ARGUMENT: a misspelt option must not be without effect",
        run: unknown,
    },
    Check {
        id: "abi.failed-open",
        what: "an open call that fails leaves its out-parameter alone",
        hint: "write to `*out` only when the call succeeds (rule \"Arguments\")",
        run: failed_open,
    },
];

/// What an open call answered, and whether it wrote to its out-parameter.
struct Opened {
    answer: Answer,
    wrote: bool,
}

/// Calls both open calls with a document; closes what they open.
fn open_both(bench: &Bench, json: Str) -> [(&'static str, Option<Opened>); 2] {
    let v = bench.vtable();
    // An address that no handle has.
    let mark = null_mut::<u8>().wrapping_add(1);
    let tokenizer = v.tokenizer_open.map(|open| {
        let mut out = mark.cast();
        // SAFETY: a view of bytes, and a place for the handle.
        let answer = answer(|e| unsafe { open(json, &raw mut out, e) });
        if let (abi::OK, Some(close)) = (answer.status, v.tokenizer_close) {
            // SAFETY: just opened.
            unsafe { close(out) };
        }
        Opened { answer, wrote: out != mark.cast() }
    });
    let model = v.model_open.map(|open| {
        let mut out = mark.cast();
        // SAFETY: as above.
        let answer = answer(|e| unsafe { open(json, &raw mut out, e) });
        if let (abi::OK, Some(close)) = (answer.status, v.model_close) {
            // SAFETY: just opened.
            unsafe { close(out) };
        }
        Opened { answer, wrote: out != mark.cast() }
    });
    [("tokenizer_open", tokenizer), ("model_open", model)]
}

fn refused(bench: &Bench, what: &str, json: Str) -> Result<(), Stop> {
    for (call, opened) in open_both(bench, json) {
        if let Some(opened) = opened {
            opened.answer.expect(&format!("{call} with {what}"), &[abi::E_INVALID_ARGUMENT])?;
        }
    }
    Ok(())
}

fn invalid(bench: &mut Bench) -> Outcome {
    let name = bench.description.variants.first().map_or("none", |v| v.name.as_str());
    let good = format!(r#"{{"variant": "{name}"}}"#);
    let deep = "[".repeat(200_000);
    let nested = format!(r#"{{"variant": "{name}", "options": {}}}"#, "{\"a\":".repeat(50_000));
    let long = format!("{good}{}x", " ".repeat(4 << 20));
    let name_of_megabytes = format!(r#"{{"variant": "{}"}}"#, "n".repeat(4 << 20));
    let twice = format!("{good}{good}");
    let texts: [(&str, &str); 15] = [
        ("no text", ""),
        ("white space", "  "),
        ("half an object", "{"),
        ("a list", "[]"),
        ("null", "null"),
        ("a string", "\"kobench\""),
        ("no JSON", "variant = x"),
        ("a comma too many", r#"{"variant": "x",}"#),
        ("a variant that is a number", r#"{"variant": 1}"#),
        ("no variant", "{}"),
        ("two objects", &twice),
        ("200,000 open brackets", &deep),
        ("50,000 nested objects", &nested),
        ("4 MiB of white space and an x", &long),
        ("a variant of 4 MiB", &name_of_megabytes),
    ];
    for (what, text) in texts {
        refused(bench, what, Str::new(text))?;
    }
    let bytes = [b"{\"variant\": \"".as_slice(), b"\xff\xfe\"}"].concat();
    refused(bench, "a variant that is not UTF-8", Str { data: bytes.as_ptr(), size: bytes.len() })?;
    refused(bench, "a NULL of 5 bytes", Str { data: std::ptr::null(), size: 5 })?;
    Ok(format!("{} documents", texts.len() + 2))
}

fn unknown(bench: &mut Bench) -> Outcome {
    let request = bench.tokenizer_request()?;
    let document = |key: &str, value: serde_json::Value| -> String {
        let mut json = serde_json::to_value(&request).unwrap_or_default();
        json[key] = value;
        json.to_string()
    };
    let key = document("chekpoint", "x".into());
    refused(bench, "the unknown key \"chekpoint\"", Str::new(&key))?;
    let variant = document("variant", "no-such-model".into());
    refused(bench, "the unknown variant \"no-such-model\"", Str::new(&variant))?;
    let option = document("options", serde_json::json!({"no-such-option": "1"}));
    refused(bench, "the unknown option \"no-such-option\"", Str::new(&option))?;
    Ok("a key, a variant, an option".into())
}

fn failed_open(bench: &mut Bench) -> Outcome {
    for (call, opened) in open_both(bench, Str::new(r#"{"variant": "no-such-model"}"#)) {
        let Some(opened) = opened else { continue };
        ensure(
            opened.answer.status == abi::OK || !opened.wrote,
            || format!("{call} failed, and wrote to `*out`"),
            "`*out` is written to only on success",
        )?;
    }
    Ok("2 calls".into())
}
