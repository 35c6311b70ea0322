//! Transcripts of dialects.
#![no_main]

use std::sync::LazyLock;

use kobench::task::Task;
use kobench_fuzz::{Kind, read, task};

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
    vec![task(Kind::Classification, "format: aihub_dialect\nlabels_by_prefix: {data: \"1\"}")]
});

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for task in TASKS.iter() {
        read(task, content);
    }
});
