//! What a library says about itself.

use super::bench::Bench;
use super::catalog::Check;
use super::outcome::{Outcome, Stop, bad, ensure};
use crate::plugin::collect;
use std::time::{Duration, Instant};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "describe.loads",
        what: "the library loads, agrees on a version and describes itself",
        hint: "follow the rule \"Versions\" of kobench_plugin.h",
        run: loads,
    },
    Check {
        id: "describe.valid",
        what: "the description is what plugin.schema.json says: plain and unique names, known heads, devices and precisions",
        hint: "correct the document that `describe` writes; harness/schemas/plugin.schema.json has its keys",
        run: valid,
    },
    Check {
        id: "describe.repeatable",
        what: "`describe` writes the same document each time, from any thread",
        hint: "leave out times, addresses and counters; `describe` takes no handle and may be called at any time",
        run: repeatable,
    },
    Check {
        id: "describe.quick",
        what: "`describe` takes less than a second",
        hint: "open no weights in `describe`; `plugin list` calls it for each library",
        run: quick,
    },
];

const QUICK: Duration = Duration::from_secs(1);

#[expect(unsafe_code, reason = "a call of the plugin's")]
fn document(bench: &Bench) -> Result<String, Stop> {
    let Some(describe) = bench.vtable().describe else {
        return Err(bad("there is no `describe`", "it is a required call"));
    };
    // SAFETY: valid arguments.
    Ok(collect("describe", |sink, error| unsafe { describe(sink, error) })?)
}

fn loads(bench: &mut Bench) -> Outcome {
    Ok(format!("{} {}", bench.description.name, bench.description.version))
}

fn valid(bench: &mut Bench) -> Outcome {
    let d = &bench.description;
    let mut wrong = Vec::new();
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if !plain(&d.name) {
        wrong.push(format!("the name `{}` is not made of letters, digits, - _ .", d.name));
    }
    if d.variants.is_empty() && !d.selftest {
        wrong.push("it has no models".into());
    }
    for v in &d.variants {
        let name = &v.name;
        if !plain(name) {
            wrong.push(format!("the model name `{name}` is not made of letters, digits, - _ ."));
        }
        if d.variants.iter().filter(|o| o.name == v.name).count() > 1 {
            wrong.push(format!("two models are called `{name}`"));
        }
        let known = ["sequence", "token", "span"];
        if let Some(head) = v.heads.iter().find(|h| !known.contains(&h.as_str())) {
            wrong.push(format!("`{name}` has an unknown head `{head}`"));
        }
        if v.max_seq_len == Some(0) {
            wrong.push(format!("`{name}` has a max_seq_len of 0"));
        }
        if !v.bundled && !v.tasks.is_empty() {
            wrong.push(format!("`{name}` names tasks of bundled weights, but bundles none"));
        }
    }
    for precision in d.precisions.iter().filter(|p| !["f32", "bf16"].contains(&p.as_str())) {
        wrong.push(format!("unknown precision `{precision}`"));
    }
    for device in d.devices.iter().filter(|p| !["cpu", "cuda"].contains(&p.as_str())) {
        wrong.push(format!("unknown device `{device}`"));
    }
    for o in &d.options {
        if !o.values.is_empty() && !o.values.contains(&o.default) {
            let (name, default) = (&o.name, &o.default);
            wrong.push(format!("option `{name}` cannot have its default `{default}`"));
        }
    }
    let expected = "a description by harness/schemas/plugin.schema.json";
    ensure(wrong.is_empty(), || wrong.join("; "), expected)?;
    Ok(format!("{} models", d.variants.len()))
}

fn repeatable(bench: &mut Bench) -> Outcome {
    let first = document(bench)?;
    let shared: &Bench = bench;
    let vtable = shared.vtable();
    let others = std::thread::scope(|scope| {
        let thread = || {
            #[expect(unsafe_code, reason = "a call of the plugin's")]
            scope.spawn(move || match vtable.describe {
                Some(describe) => collect("describe", |sink, error| {
                    // SAFETY: valid arguments; functions without a handle may be called by any thread.
                    unsafe { describe(sink, error) }
                }),
                None => Ok(String::new()),
            })
        };
        let (a, b) = (thread(), thread());
        [a.join(), b.join()]
    });
    for other in [Ok(Ok(document(bench)?))].into_iter().chain(others) {
        let Ok(other) = other else { continue };
        let other = other?;
        ensure(
            other == first,
            || format!("first {}, then {}", shorten(&first), shorten(&other)),
            "the same document each time",
        )?;
    }
    Ok(format!("4 times the same {} bytes", first.len()))
}

fn shorten(text: &str) -> String {
    crate::text::shorten(text, 120)
}

fn quick(bench: &mut Bench) -> Outcome {
    let clock = Instant::now();
    document(bench)?;
    let took = clock.elapsed();
    ensure(took < QUICK, || format!("it took {took:.1?}"), "less than a second")?;
    Ok(format!("{took:.1?}"))
}
