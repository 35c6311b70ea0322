//! The same text, the same encoding.

use super::{counted, encodings};
use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::columns::Columns;
use crate::check::outcome::{Outcome, Stop, bad, skipped};
use crate::plugin::EncodeOptions;
use crate::worker::RowInput;

const EXPECTED: &str = "the same encoding";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "tokenizer.repeatable",
        what: "the same rows have the same encoding each time, on one handle and on another",
        hint: "leave nothing of one call for the next, and use no hash or order that differs from run to run",
        run: repeatable,
    },
    Check {
        id: "tokenizer.threads",
        what: "the same rows have the same encoding in any thread",
        hint: "keep what changes in the handle, not in the thread",
        run: threads,
    },
    Check {
        id: "tokenizer.independent",
        what: "a row has the same encoding alone and among others",
        hint: "look at nothing but the example and the options",
        run: independent,
    },
];

fn wanted(bench: &Bench) -> EncodeOptions {
    EncodeOptions { pieces: true, ..bench.options() }
}

fn repeatable(bench: &mut Bench) -> Outcome {
    let first = encodings(bench, &wanted(bench))?;
    let again = encodings(bench, &wanted(bench))?;
    for (a, b) in first.iter().zip(&again) {
        a.columns.same(&b.columns, &format!("{} on two handles", a.kind.name()), EXPECTED)?;
    }
    let mut tokenizer = bench.tokenizer()?;
    for e in first.iter().chain(first.iter().rev()) {
        let Some(encoded) = bench.encode(&mut tokenizer, &e.rows, &wanted(bench))? else {
            return Err(bad(format!("{}: refused the second time", e.kind.name()), EXPECTED));
        };
        let between = format!("{} first and later", e.kind.name());
        Columns::of(&encoded)?.same(&e.columns, &between, EXPECTED)?;
    }
    Ok(format!("4 times {}", counted(&first)))
}

fn threads(bench: &mut Bench) -> Outcome {
    let shared: &Bench = bench;
    let first = encodings(shared, &wanted(shared))?;
    let others = std::thread::scope(|scope| {
        [0, 1].map(|_| scope.spawn(|| encodings(shared, &wanted(shared)))).map(|thread| {
            thread.join().unwrap_or_else(|_| Err(bad("the checking thread panicked", "no panic")))
        })
    });
    for other in others {
        for (a, b) in first.iter().zip(&other?) {
            let between = format!("{} in two threads", a.kind.name());
            a.columns.same(&b.columns, &between, EXPECTED)?;
        }
    }
    Ok(format!("3 threads, {}", counted(&first)))
}

fn independent(bench: &mut Bench) -> Outcome {
    let mut tokenizer = bench.tokenizer()?;
    let mut n = 0;
    for kind in bench.kinds()? {
        let rows = kind.nasty();
        let mut all = |rows: &[RowInput]| -> Result<Columns, Stop> {
            match bench.encode(&mut tokenizer, rows, &wanted(bench))? {
                Some(encoded) => Columns::of(&encoded),
                None => skipped("the tokeniser does not take its own kind of example"),
            }
        };
        let together = all(&rows)?;
        for (i, row) in (0..).zip(&rows) {
            let alone = all(std::slice::from_ref(row))?;
            let between = format!("{}, row {i}, alone and among {}", kind.name(), rows.len());
            alone.same(&together.only(i), &between, EXPECTED)?;
            n += 1;
        }
    }
    Ok(format!("{n} rows"))
}
