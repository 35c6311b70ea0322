//! A word and its label a line.
#![no_main]

use std::sync::LazyLock;

use kobench::task::Task;
use kobench_fuzz::{Kind, read, task};

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
    vec![
        task(Kind::Tags, "format: conll\ncolumns: {text: 0, label: 1}"),
        task(Kind::Tags, "format: conll\ncomment: \"##\"\ncolumns: {id: 0, text: 0, label: 1}"),
    ]
});

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for task in TASKS.iter() {
        read(task, content);
    }
});
