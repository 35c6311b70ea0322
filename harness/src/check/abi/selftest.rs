//! The self-test, as far as its rules go: what it checks is its own.

use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::outcome::{Answer, Outcome, Stop, answer, bad, ensure, skipped};
use crate::plugin::{CheckLine, CheckOutcome, collect};
use kobench_plugin_abi::{self as abi, AbiStruct as _, Sink, Str};
use std::collections::BTreeSet;
use std::ptr::null;

pub(super) const CHECKS: &[Check] = &[Check {
    id: "abi.selftest",
    what: "a self-test lists its checks, each once and the same each time, and refuses what it does not know",
    hint: "write a JSON object a line as selftest-line.schema.json says, and read the request as the rule \"Text\" says; \
           a plugin without a self-test leaves the call NULL",
    run: selftest,
}];

const LIST: &str = r#"{"device": "auto", "precisions": ["f32", "bf16"], "list": true}"#;

fn selftest(bench: &mut Bench) -> Outcome {
    let Some(call) = bench.vtable().selftest else {
        return match bench.description.selftest {
            true => {
                Err(bad("the description says that there is a self-test", "the call is not NULL"))
            }
            false => skipped("there is no self-test"),
        };
    };
    // SAFETY: texts and sinks by the header's rules, or, below, NULL where that is an error.
    let list = || collect("selftest", |sink, error| unsafe { call(Str::new(LIST), sink, error) });
    let first = match list() {
        Err(e) if e.status == abi::E_UNSUPPORTED && !bench.description.selftest => {
            return skipped("there is no self-test");
        }
        listed => listed?,
    };
    let listed = names(&first)?;
    ensure(
        names(&list()?)? == listed,
        || "it listed other checks a second time".into(),
        "the same list",
    )?;
    let refused = |what: &str, given: Answer| given.expect(what, &[abi::E_INVALID_ARGUMENT]);
    let empty = Sink::zeroed();
    // SAFETY: as above.
    refused("selftest into NULL", answer(|e| unsafe { call(Str::new(LIST), null(), e) }))?;
    // SAFETY: as above.
    let given = answer(|e| unsafe { call(Str::new(LIST), &raw const empty, e) });
    refused("selftest into a sink without `write`", given)?;
    for (what, text) in [
        ("no text", ""),
        ("a list", "[]"),
        ("no device", r#"{"precisions": ["f32"], "list": true}"#),
        (
            "the unknown key \"lsit\"",
            r#"{"device": "cpu", "precisions": ["f32"], "list": true, "lsit": 1}"#,
        ),
        (
            "the unknown precision \"f7\"",
            r#"{"device": "cpu", "precisions": ["f7"], "list": true}"#,
        ),
    ] {
        // SAFETY: as above.
        let given = collect("selftest", |sink, error| unsafe { call(Str::new(text), sink, error) });
        let answer = match given {
            Ok(_) => Answer { status: abi::OK, message: String::new() },
            Err(e) => Answer { status: e.status, message: e.message },
        };
        refused(&format!("selftest with {what}"), answer)?;
    }
    Ok(format!("{} checks are listed", listed.len()))
}

/// The checks of a list.
fn names(text: &str) -> Result<BTreeSet<(String, String)>, Stop> {
    let expected = "an object a line, with \"outcome\": \"listed\", and no check twice";
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let short = || crate::text::shorten(line, 120);
        let read: CheckLine = serde_json::from_str(line)
            .map_err(|e| bad(format!("a line of the list is {} ({e})", short()), expected))?;
        let once = names.insert((read.name, read.precision));
        ensure(
            once && read.outcome == CheckOutcome::Listed,
            || format!("a line of the list is {}", short()),
            expected,
        )?;
    }
    ensure(!names.is_empty(), || "the list is empty".into(), "at least one check")?;
    Ok(names)
}
