//! Questions about paragraphs.
#![no_main]

use std::sync::LazyLock;

use kobench::task::Task;
use kobench_fuzz::{Kind, read, task};

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| vec![task(Kind::Qa, "format: squad")]);

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for task in TASKS.iter() {
        read(task, content);
    }
});
