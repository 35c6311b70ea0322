//! Several threads: two handles at once, and cancelling from another thread.

use super::arguments::{forward_raw, head_number};
use crate::check::bench::{Bench, everything, forward};
use crate::check::catalog::Check;
use crate::check::columns::Columns;
use crate::check::logits::Rows;
use crate::check::outcome::{Outcome, Stop, bad, skipped};
use kobench_plugin_abi as abi;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often each thread encodes and computes.
const TIMES: usize = 8;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "abi.two-handles",
        what: "two tokenisers and two models may be used at the same time by two threads",
        hint: "keep everything that changes in the handle, or behind a lock (rule \"Threads\")",
        run: two_handles,
    },
    Check {
        id: "abi.cancel",
        what: "model_cancel ends the running or next forward call, also from another thread, and no later one",
        hint: "let model_cancel set an atomic flag that forward and train_step look at and clear",
        run: cancel,
    },
];

/// Opens handles of its own, and encodes and computes some times.
fn work(bench: &Bench, times: usize) -> Result<Vec<(Columns, Rows)>, Stop> {
    let rows = bench.kind()?.nasty();
    let head = bench.head()?.head;
    let (mut tokenizer, mut model) = (bench.tokenizer()?, bench.model()?);
    let mut all = Vec::new();
    for _ in 0..times {
        let Some(encoded) = bench.encode(&mut tokenizer, &rows, &bench.options())? else {
            return skipped("the tokeniser does not take its own kind of example");
        };
        let indices = everything(&encoded)?;
        all.push((Columns::of(&encoded)?, forward(&mut model, &encoded, &indices, head)?));
    }
    Ok(all)
}

fn two_handles(bench: &mut Bench) -> Outcome {
    let shared: &Bench = bench;
    let (columns, logits) = work(shared, 1)?.remove(0);
    let both = std::thread::scope(|scope| {
        let threads = [0, 1].map(|_| scope.spawn(|| work(shared, TIMES)));
        threads.map(|thread| {
            thread.join().unwrap_or_else(|_| Err(bad("the checking thread panicked", "no panic")))
        })
    });
    for results in both {
        for (other_columns, other_logits) in results? {
            let between = "alone, and beside another thread";
            other_columns.same(&columns, between, "the same encoding")?;
            other_logits.same(&logits, between)?;
        }
    }
    Ok(format!("2 threads, {TIMES} batches each"))
}

/// A handle that another thread may cancel.
struct Cancellable(*mut abi::OpaqueModel);
// SAFETY: "model_cancel alone may be called during another call on the same model".
unsafe impl Sync for Cancellable {}

impl Cancellable {
    fn cancel(&self, cancel: unsafe extern "C" fn(*mut abi::OpaqueModel)) {
        // SAFETY: the model outlives the threads of the check.
        unsafe { cancel(self.0) };
    }
}

fn cancel(bench: &mut Bench) -> Outcome {
    let Some(cancel) = bench.vtable().model_cancel else {
        return skipped("the plugin has no model_cancel");
    };
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let indices = everything(&encoded)?;
    let (head, number) = (bench.head()?.head, head_number(bench)?);
    let mut model = bench.model()?;
    let before = forward(&mut model, &encoded, &indices, head)?;
    let handle = Cancellable(model.as_ptr());
    handle.cancel(cancel);
    let given = forward_raw(bench, model.as_ptr(), &encoded, &indices, number)?;
    given.expect("model_forward after model_cancel", &[abi::E_CANCELLED])?;
    forward(&mut model, &encoded, &indices, head)?
        .same(&before, "before and after a cancelled call")?;

    let done = AtomicBool::new(false);
    let mut cancelled = 0;
    std::thread::scope(|scope| {
        let canceller = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                handle.cancel(cancel);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let mut run = || -> Result<(), Stop> {
            for _ in 0..50 {
                let given = forward_raw(bench, model.as_ptr(), &encoded, &indices, number)?;
                let what = "model_forward while another thread cancels";
                given.expect(what, &[abi::OK, abi::E_CANCELLED])?;
                cancelled += usize::from(given.status == abi::E_CANCELLED);
            }
            Ok(())
        };
        let outcome = run();
        done.store(true, Ordering::Relaxed);
        let _ = canceller.join();
        outcome
    })?;
    // The last cancellation may have come after the last call.
    let _ = forward_raw(bench, model.as_ptr(), &encoded, &indices, number)?;
    forward(&mut model, &encoded, &indices, head)?.same(&before, "before and after 50 calls")?;
    Ok(format!("{cancelled} of 50 calls were cancelled by another thread"))
}
