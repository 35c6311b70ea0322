//! What is left behind after closing.

use super::bench::{Bench, everything, forward};
use super::catalog::Check;
use super::outcome::{Outcome, Stop, ensure, skipped};
use crate::worker::RowInput;
use std::time::Duration;

/// Rounds before anything is counted: pools and caches are made in the first ones.
const WARM: usize = 4;
/// Rounds that are counted.
const ROUNDS: usize = 20;
/// Rows that each round encodes, so that an encoding that is not freed is seen.
const ROWS: usize = 4_000;
/// What the resident set may grow by over all rounds: the allocator keeps some of what it is given back.
const SLACK: u64 = 16 << 20;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "memory.returns",
        what: "opening, encoding, computing and closing 20 times leaves the resident memory as it was, within 16 MiB",
        hint: "free in encoded_free, tokenizer_close and model_close all that the handle owns",
        run: returns,
    },
    Check {
        id: "memory.descriptors",
        what: "no file stays open after closing",
        hint: "close what the open calls open; a mapped file needs no descriptor",
        run: descriptors,
    },
    Check {
        id: "memory.threads",
        what: "no more threads stay with each handle that was closed",
        hint: "join in the close call the threads that were made for the handle",
        run: threads,
    },
];

/// One round: everything that has a beginning and an end.
fn round(bench: &Bench, rows: &[RowInput]) -> Result<(), Stop> {
    let mut tokenizer = bench.tokenizer()?;
    let Some(encoded) = bench.encode(&mut tokenizer, rows, &bench.options())? else {
        return skipped("the tokeniser does not take its own kind of example");
    };
    let request = bench.head()?;
    let mut model = bench.library.open_model(&request)?;
    let few: Vec<u64> = everything(&encoded)?.into_iter().take(8).collect();
    forward(&mut model, &encoded, &few, request.head)?;
    Ok(())
}

/// What is counted before and after the rounds.
fn grown(bench: &Bench, rows: usize, count: fn() -> Option<u64>) -> Result<(u64, u64), Stop> {
    let rows: Vec<RowInput> = bench.kind()?.plain().into_iter().cycle().take(rows).collect();
    let counted = || match count() {
        Some(n) => Ok(n),
        None => skipped("this system does not tell (/proc is not there)"),
    };
    for _ in 0..WARM {
        round(bench, &rows)?;
    }
    let before = counted()?;
    for _ in 0..ROUNDS {
        round(bench, &rows)?;
    }
    let mut after = counted()?;
    // Threads take a moment to end.
    for _ in 0..50 {
        if after <= before {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        after = counted()?;
    }
    Ok((before, after))
}

/// The resident set in bytes.
fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn entries(folder: &str) -> Option<u64> {
    // The folder that is being read is itself an open file, before and after.
    Some(std::fs::read_dir(folder).ok()?.count() as u64)
}

fn returns(bench: &mut Bench) -> Outcome {
    let (before, after) = grown(bench, ROWS, resident)?;
    let more = after.saturating_sub(before);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let expected = format!("at most {:.0} MiB more", mib(SLACK));
    let said =
        format!("{:.1} MiB before {ROUNDS} rounds, {:.1} MiB after", mib(before), mib(after));
    ensure(more <= SLACK, || said.clone(), &expected)?;
    Ok(said)
}

fn descriptors(bench: &mut Bench) -> Outcome {
    let (before, after) = grown(bench, 16, || entries("/proc/self/fd"))?;
    let said = format!("{before} open files before {ROUNDS} rounds, {after} after");
    ensure(after <= before, || said.clone(), "no more than before")?;
    Ok(said)
}

fn threads(bench: &mut Bench) -> Outcome {
    let (before, after) = grown(bench, 16, || entries("/proc/self/task"))?;
    let said = format!("{before} threads before {ROUNDS} rounds, {after} after");
    ensure(after <= before, || said.clone(), "no more than before")?;
    Ok(said)
}
